// Any function of one activation: value x becomes word x - LOW of the table FILE (ENTRIES words
// of OUT_BITS bits), or 0 where there is none.
//
// A step in every cycle in which a beat is there and the output has a place. STAGES 2: beat read
// in cycle m, addresses in registers in m + 1, words of the table in m + 2. LOW to LOW + ENTRIES
// - 1 are values of BITS bits; signed or not, x - LOW modulo 2^BITS is the same. A beat has LANES
// * SAMPLES values, and there are as many copies of the table.
`default_nettype none

module look_up #(
    parameter BITS = 8,
    parameter OUT_BITS = 8,
    parameter SAMPLES = 1,
    parameter LANES = 1,
    parameter signed [31:0] LOW = 0,
    parameter ENTRIES = 256,
    parameter FILE = "",
    parameter STYLE = "auto"
) (
    input  wire                              clk,
    input  wire                              rst,
    input  wire                              x_valid,
    input  wire [    LANES*SAMPLES*BITS-1:0] x_data,
    output wire                              x_read,
    input  wire                              y_place,
    output wire                              y_make,
    output reg                               y_write,
    output wire [LANES*SAMPLES*OUT_BITS-1:0] y_data
);

  localparam ADDRESS_BITS = ENTRIES > 1 ? $clog2(ENTRIES) : 1;
  localparam IS_WHOLE = ENTRIES == (1 << BITS);

  wire step = x_valid && y_place;
  reg  is_addressed;

  assign x_read = step;
  assign y_make = step;

  initial begin
    is_addressed = 1'b0;
    y_write = 1'b0;
  end

  always @(posedge clk) begin
    is_addressed <= step && !rst;
    y_write <= is_addressed && !rst;
  end

  genvar v;
  generate
    for (v = 0; v < LANES * SAMPLES; v = v + 1) begin : columns
      reg  [    BITS-1:0] entry;
      wire [OUT_BITS-1:0] word;
      always @(posedge clk) entry <= x_data[v*BITS+:BITS] - LOW[BITS-1:0];

      rom #(
          .WIDTH(OUT_BITS),
          .DEPTH(ENTRIES),
          .FILE (FILE),
          .STYLE(STYLE)
      ) words (
          .clk(clk),
          .enable(1'b1),
          .addr(entry[ADDRESS_BITS-1:0]),
          .data(word)
      );

      if (IS_WHOLE) begin : whole
        assign y_data[v*OUT_BITS+:OUT_BITS] = word;
      end else begin : part
        localparam [31:0] END = ENTRIES;
        reg is_inside;
        always @(posedge clk) is_inside <= entry < END[BITS-1:0];
        assign y_data[v*OUT_BITS+:OUT_BITS] = is_inside ? word : {OUT_BITS{1'b0}};
      end
    end
  endgenerate

endmodule

`default_nettype wire
