// Deals the tap rows of a layer that arrive over AXI-Stream to its PEs, tile after tile.
//
// A tile's rows are TAP_ROWS for each PE: row 0 of PE 0, of PE 1, .. of the last, then row 1 of
// PE 0, ... PE_ROWS (32 bits a PE, PE 0 lowest): how many of them the PE uses, at least one; the
// others are dropped. The rows of a tile are taken from the cycle after its walk has started
// (`off[0]` falls) on, so that a walk takes as long whatever came before it. A row that is taken
// (`s_tready` and `s_tvalid`) in cycle a is in its queue (tap_queue.v) from a + 2 on; it waits
// where that is full, and all rows behind it wait, too.
//
// `enable` is 0 in a cycle in which a PE asks for a row that is not there: then no PE moves.
// QUEUE must be so deep that the row asked for never waits behind one whose queue is full.
`default_nettype none

module tap_feed #(
    parameter PES = 4,
    parameter integer TAP_ROWS = 64,
    parameter [PES*32-1:0] PE_ROWS = {PES{32'd64}},
    parameter QUEUE = 16,
    parameter QUEUE_STYLE = "auto",
    parameter ROW_BITS = 64
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [    ROW_BITS-1:0] s_tdata,
    input  wire                    s_tvalid,
    output wire                    s_tready,
    output wire                    enable,
    input  wire [         PES-1:0] off,
    input  wire [         PES-1:0] re,
    output wire [PES*ROW_BITS-1:0] tap_row
);

  localparam PE_BITS = PES > 1 ? $clog2(PES) : 1;
  localparam NUMBER_BITS = TAP_ROWS > 1 ? $clog2(TAP_ROWS) : 1;
  localparam integer LAST_PE = PES - 1;
  localparam integer LAST_NUMBER = TAP_ROWS - 1;
  localparam [PE_BITS-1:0] ONE_PE = 1;
  localparam [NUMBER_BITS-1:0] ONE_ROW = 1;

  reg was_off;
  reg [1:0] owed;  // tiles that walk or have walked, whose rows are not all taken
  reg has_row;  // the row in `row`, of number `number` of PE `pe`
  reg [ROW_BITS-1:0] row;
  reg [PE_BITS-1:0] pe, next_pe;
  reg [NUMBER_BITS-1:0] number, next_number;
  wire [PES-1:0] blocks, waits;

  wire starts = was_off && !off[0];
  wire is_last_pe = next_pe == LAST_PE[PE_BITS-1:0];
  wire is_last_row = is_last_pe && next_number == LAST_NUMBER[NUMBER_BITS-1:0];
  wire placed = has_row && blocks == {PES{1'b0}};
  wire take = s_tvalid && s_tready;
  wire ends = take && is_last_row;

  assign s_tready = owed != 2'd0 && (!has_row || placed);
  assign enable   = waits == {PES{1'b0}};

  initial begin
    was_off = 1'b1;
    owed = 2'd0;
    has_row = 1'b0;
    next_pe = 0;
    next_number = 0;
  end

  always @(posedge clk) begin
    if (rst) begin
      was_off <= 1'b1;
      owed <= 2'd0;
      has_row <= 1'b0;
      next_pe <= 0;
      next_number <= 0;
    end else begin
      was_off <= off[0];
      if (starts != ends) owed <= starts ? owed + 2'd1 : owed - 2'd1;
      if (take || placed) has_row <= take;
      if (take) next_pe <= is_last_pe ? 0 : next_pe + ONE_PE;
      if (take && is_last_pe) next_number <= is_last_row ? 0 : next_number + ONE_ROW;
    end
    if (take) {row, pe, number} <= {s_tdata, next_pe, next_number};
  end

  genvar p;
  generate
    for (p = 0; p < PES; p = p + 1) begin : pes
      localparam [PE_BITS-1:0] PE = p;
      localparam integer LAST_OF_PE = PE_ROWS[32*p+:32] - 1;
      // verilator lint_off CMPCONST
      // All rows may be used.
      wire uses = has_row && pe == PE && number <= LAST_OF_PE[NUMBER_BITS-1:0];
      // verilator lint_on CMPCONST
      wire full;
      assign blocks[p] = uses && full;
      tap_queue #(
          .ROW_BITS(ROW_BITS),
          .DEPTH(QUEUE),
          .STYLE(QUEUE_STYLE)
      ) queue (
          .clk(clk),
          .rst(rst),
          .we(uses && !full),
          .row(row),
          .is_last(number == LAST_OF_PE[NUMBER_BITS-1:0]),
          .full(full),
          .enable(enable),
          .off(off[p]),
          .re(re[p]),
          .waits(waits[p]),
          .tap_row(tap_row[p*ROW_BITS+:ROW_BITS])
      );
    end
  endgenerate

endmodule

`default_nettype wire
