// A FIFO of at most DEPTH beats whose maker takes a place some cycles before it writes.
//
// place: 1 while fewer than DEPTH beats are made and not yet read, reads of earlier cycles only.
// make:  takes a place; only with `place`. The maker's `write`, with `data_in`, follows a fixed
//        number of cycles later, in order (it may be the same cycle).
// valid: a beat is there, the oldest on `data_out`; one written in cycle w is there from w + 1 on.
// read:  drops the oldest beat; only with `valid`.
// One beat a cycle goes in and out at any DEPTH of at least 2 and the maker's delay more.
//
// STYLE: "distributed" keeps the beats in shift registers up to DEPTH 32, in LUT RAM above; "block"
// keeps the oldest beat in the output register of a block RAM, or in a register when it is written
// while no older one waits; "auto" is "distributed" up to DEPTH 64 and above that leaves the memory
// to the tool.
`default_nettype none

module fifo #(
    parameter WIDTH = 8,
    parameter DEPTH = 2,
    parameter STYLE = "auto"
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             make,
    output wire             place,
    input  wire             write,
    input  wire [WIDTH-1:0] data_in,
    output wire             valid,
    output wire [WIDTH-1:0] data_out,
    input  wire             read
);

  localparam BITS = $clog2(DEPTH) + 1;  // of a number from -1 to DEPTH - 1
  localparam [BITS-1:0] NONE = {BITS{1'b1}};
  localparam [BITS-1:0] ONE = 1;
  localparam [31:0] ALL = DEPTH - 1;
  // Comparing strings of different lengths pads the shorter: as meant.
  /* verilator lint_off WIDTHEXPAND */
  localparam IN_BLOCK = STYLE == "block" || (STYLE != "distributed" && DEPTH > 64);
  /* verilator lint_on WIDTHEXPAND */

  reg [BITS-1:0] places;  // free places less one
  reg [BITS-1:0] newest;  // beats written and not yet read less one

  assign place = !places[BITS-1];
  assign valid = !newest[BITS-1];

  initial begin
    places = ALL[BITS-1:0];
    newest = NONE;
  end

  always @(posedge clk) begin
    if (rst) places <= ALL[BITS-1:0];
    else if (make != read) places <= make ? places + NONE : places + ONE;
    if (rst) newest <= NONE;
    else if (write != read) newest <= read ? newest + NONE : newest + ONE;
  end

  generate
    if (DEPTH == 1) begin : as_register
      reg [WIDTH-1:0] beat;
      always @(posedge clk) if (write) beat <= data_in;
      assign data_out = beat;
    end else if (IN_BLOCK) begin : as_block
      fifo_block #(
          .WIDTH(WIDTH),
          .DEPTH(DEPTH),
          .STYLE(STYLE)
      ) beats (
          .clk(clk),
          .rst(rst),
          .write(write),
          .data_in(data_in),
          .is_alone(newest[BITS-1] || (read && newest == {BITS{1'b0}})),
          .data_out(data_out),
          .read(read)
      );
    end else if (DEPTH <= 32) begin : as_shift
      genvar b;
      for (b = 0; b < WIDTH; b = b + 1) begin : bits
        reg [DEPTH-1:0] shift;
        always @(posedge clk) if (write) shift <= {shift[DEPTH-2:0], data_in[b]};
        assign data_out[b] = shift[newest[BITS-2:0]];
      end
    end else begin : as_luts
      localparam ADDRESS_BITS = $clog2(DEPTH);
      localparam [ADDRESS_BITS-1:0] FIRST = 0;
      localparam [31:0] LAST = DEPTH - 1;
      localparam [ADDRESS_BITS-1:0] STEP = 1;
      (* ram_style = "distributed" *) reg [WIDTH-1:0] beats[0:DEPTH-1];
      reg [ADDRESS_BITS-1:0] to, from;
      initial begin
        to   = FIRST;
        from = FIRST;
      end
      always @(posedge clk) begin
        if (write) beats[to] <= data_in;
        if (rst) to <= FIRST;
        else if (write) to <= to == LAST[ADDRESS_BITS-1:0] ? FIRST : to + STEP;
        if (rst) from <= FIRST;
        else if (read) from <= from == LAST[ADDRESS_BITS-1:0] ? FIRST : from + STEP;
      end
      assign data_out = beats[from];
    end
  endgenerate

endmodule

`default_nettype wire
