// Turns the cells of a PE's tap rows into one tap a cycle (docs/engine.md, "Index streams").
//
// A step in cycle d takes one cell or two from `row`: a tap, an escape and a tap, or two escapes.
// What it took is in registers in d + 1, where it moves the index; `back`, `shift`, `negate` and
// `is_tap` of the step are there in d + 2. `back` is SPAN - index, so that passing the end of the
// plane is a borrow: `shift` tells of it. `restart` in cycle d + 1: the step begins a job, whose
// index counts from -1.
//
// `row` holds the `left` next cells; the table's output holds the row after it. A step that takes
// the last of `left`, or one cell more, loads that row and reads the next (`tap_re`, `tap_addr`,
// which counts). A PE's tile starts in a cycle s: `off` is 0 from s on, `hold` from s + 1 on. While
// `off` the address is 0, and while `hold` no cells are left: so row 0 is read in s, loaded in
// s + 1 together with the reading of row 1, and step 0 is in s + 2. Cycles without `enable` do not
// count: nothing changes in them.
`default_nettype none

module tap_decoder #(
    parameter integer SPAN = 144,
    parameter SYMBOL_BITS = 3,
    parameter integer CELLS_PER_ROW = 9,
    parameter ROW_BITS = 36,
    parameter TAP_ROWS = 64,
    parameter IMPL = "xilinx",
    parameter ADDRESS_BITS = TAP_ROWS > 1 ? $clog2(TAP_ROWS) : 1,
    parameter INDEX_BITS = $clog2(SPAN + 1)
) (
    input  wire                    clk,
    input  wire                    enable,
    input  wire                    off,
    input  wire                    hold,
    input  wire                    restart,
    output wire                    tap_re,
    output reg  [ADDRESS_BITS-1:0] tap_addr,
    input  wire [    ROW_BITS-1:0] tap_row,
    output reg  [  INDEX_BITS-1:0] back,
    output reg                     shift,
    output reg                     negate,
    output reg                     is_tap
);

  localparam CELL = SYMBOL_BITS + 1;
  localparam CELLS = CELLS_PER_ROW * CELL;
  localparam LEFT_BITS = $clog2(CELLS_PER_ROW + 1);
  localparam [LEFT_BITS-1:0] ALL = CELLS_PER_ROW[LEFT_BITS-1:0];
  localparam [LEFT_BITS-1:0] NONE = 0;
  localparam [LEFT_BITS-1:0] ONE = 1;
  localparam [LEFT_BITS-1:0] TWO = 2;
  localparam [ADDRESS_BITS-1:0] NEXT = 1;

  // Cycle d: one cell or two.
  reg [CELLS-1:0] row;
  reg [LEFT_BITS-1:0] left;
  wire [CELLS-1:0] next = tap_row[CELLS-1:0];
  wire [CELL-1:0] first = row[CELL-1:0];
  wire [CELL-1:0] second = left == ONE ? next[CELL-1:0] : row[CELL+:CELL];
  wire escaped = &first[CELL-1:1];
  wire is_last = left == NONE || left == ONE || (left == TWO && escaped);
  wire skips = escaped && left != TWO && left != NONE;  // a cell of what is loaded or kept

  assign tap_re = is_last;

  // What is above the cells that are left may be anything.
  localparam KEPT = CELLS - CELL;
  wire [KEPT-1:0] row_next;
  wire [CELLS+CELL-1:0] above = {next[CELLS-1:KEPT], row};

  select_bits #(
      .WIDTH(KEPT),
      .IMPL (IMPL)
  ) cells (
      .word_0(row[CELLS-1:CELL]),
      .word_1(above[CELLS+CELL-1:2*CELL]),
      .word_2(next[KEPT-1:0]),
      .word_3(next[CELLS-1:CELL]),
      .index ({is_last, skips}),
      .word  (row_next)
  );

  always @(posedge clk) if (enable) begin
    row <= {next[CELLS-1:KEPT], row_next};
    if (hold) left <= NONE;
    else if (is_last) left <= skips ? ALL - ONE : ALL;
    else left <= escaped ? left - TWO : left - ONE;
    if (off) tap_addr <= 0;
    else if (is_last) tap_addr <= tap_addr + NEXT;
  end

  // Cycle d + 1: places that the step moves, less one.
  localparam STEP_BITS = SYMBOL_BITS + 5;
  localparam SUM_BITS = INDEX_BITS + 1;
  localparam WIDE = STEP_BITS > SUM_BITS ? STEP_BITS : SUM_BITS;
  localparam [STEP_BITS-1:0] LARGEST = (1 << SYMBOL_BITS) - 1;
  localparam [STEP_BITS-1:0] PAIR = 3 * LARGEST;
  localparam [STEP_BITS-1:0] PLACE = 1;

  reg has_escape, far, minus;
  reg [SYMBOL_BITS-1:0] symbol;
  wire pair = &symbol;
  wire [STEP_BITS-1:0] step;
  wire [WIDE-1:0] places = {{WIDE - STEP_BITS{1'b0}}, step};

  generate
    genvar k;
    if (SYMBOL_BITS <= 3) begin : by_table
      // A function of six bits at most: one LUT for each bit.
      wire [STEP_BITS*(8<<SYMBOL_BITS)-1:0] table_;
      for (k = 0; k < 8 << SYMBOL_BITS; k = k + 1) begin : words
        localparam [31:0] FIELDS = k;
        localparam [1:0] PLACES = FIELDS[SYMBOL_BITS+1:SYMBOL_BITS];
        localparam [STEP_BITS-1:0] SYMBOL = {5'd0, FIELDS[SYMBOL_BITS-1:0]};
        localparam [STEP_BITS-1:0] ESCAPE =
            !FIELDS[SYMBOL_BITS+2] ? 0 : FIELDS[SYMBOL_BITS+1] ? LARGEST << 1 : LARGEST;
        assign table_[k*STEP_BITS+:STEP_BITS] =
            SYMBOL == LARGEST ? (PAIR << PLACES) - PLACE : ESCAPE + SYMBOL;
      end
      assign step = table_[{has_escape, far, minus, symbol}*STEP_BITS+:STEP_BITS];
    end else begin : by_sum
      wire [STEP_BITS-1:0] escape = !has_escape ? 0 : far ? LARGEST << 1 : LARGEST;
      assign step = pair ? (PAIR << {far, minus}) - PLACE
          : escape + {{STEP_BITS - SYMBOL_BITS{1'b0}}, symbol};
    end
  endgenerate

  always @(posedge clk) if (enable) begin
    has_escape <= escaped;
    far <= first[0];
    {symbol, minus} <= escaped ? second : first;
  end

  // The index moves: back - places - 1, and one plane on where that is below 0.
  localparam integer PLANE_ROWS = SPAN + 1;
  localparam [SUM_BITS-1:0] START = SPAN[SUM_BITS-1:0];
  localparam [SUM_BITS-1:0] PLANE = PLANE_ROWS[SUM_BITS-1:0];
  wire [SUM_BITS-1:0] from = restart ? START : {1'b0, back};
  wire [SUM_BITS-1:0] moved = from + ~places[SUM_BITS-1:0] + {{INDEX_BITS{1'b0}}, restart};
  wire borrow = moved[SUM_BITS-1];
  wire [SUM_BITS-1:0] wrapped = moved + (borrow ? PLANE : 0);

  always @(posedge clk) if (enable) begin
    back   <= wrapped[INDEX_BITS-1:0];
    shift  <= borrow;
    negate <= minus;
    is_tap <= !pair;
  end

  // Bits past the cells of a row; steps past a plane and its end are in no stream.
  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, tap_row, places, wrapped, above};
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
