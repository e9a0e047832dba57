// A dense layer on a vector, or on a whole map: every lane of every beat is a row of the window.
//
// A beat that is read (x_valid, x_data, x_read: a FIFO's head) in cycle r brings its lanes as rows
// side by side, which fill_rows.v writes to the tile memories in r + 1, or in r + 3 at the latest
// where shared sums follow. BEATS beats fill them, one in each cycle with `x_valid`, and
// ROWS_AFTER more cycles; image i may be filled from the cycle after the last step of the walk of
// image i - 2. The array walks from the cycle after that, pe_array.v; emit_results.v follows 7
// cycles after its last step, with beats of one pixel, written 5 + TERMS cycles after `y_make`.
// The tap rows of PE p come from a rom.v outside, bits p of tap_re, tap_addr and tap_row, with
// `tap_enable` 1; or from tap_feed.v.
//
// SPLIT_ROWS is a multiple of LANES. Parameters up to SUM_STYLE are those of fill_rows.v, up to
// IMPL those of pe_array.v, then of emit_results.v.
`default_nettype none

module vector_array #(
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter SAMPLES = 1,
    parameter integer LANES = 1,
    parameter integer BEATS = 144,
    parameter integer ROWS_AFTER = 1,
    parameter SUM_GROUPS = 0,
    parameter SUM_ROWS = 0,
    parameter SUM_BITS = X_BITS,
    parameter SUM_LOW_BITS = X_BITS,
    parameter SUM_FILE = "",
    parameter SUM_TABLE_STYLE = "auto",
    parameter SUM_STYLE = "auto",
    parameter PES = 4,
    parameter ACC = 20,
    parameter SPLIT_ROWS = 144,
    parameter SPAN = SPLIT_ROWS,
    parameter SYMBOL_BITS = 3,
    parameter CELLS_PER_ROW = 9,
    parameter ROW_BITS = 36,
    parameter TAP_ROWS = 64,
    parameter WALK_CYCLES = 512,
    parameter RESULTS = 32,
    parameter EVENT_FILE = "",
    parameter EVENT_STYLE = "auto",
    parameter HAS_BASE = 0,
    parameter [PES*16-1:0] FIRST_BASE = 0,
    parameter [PES*16-1:0] PE_SPLIT = 0,
    parameter TILE_STYLE = "auto",
    parameter RESULT_STYLE = "auto",
    parameter FED = 0,
    parameter IMPL = "xilinx",
    parameter ENTRIES = 32,
    parameter ENTRY_SHIFT_BITS = 0,
    parameter ALL_LAST = 0,
    parameter ENTRY_FILE = "",
    parameter ENTRY_STYLE = "auto",
    parameter SCALES = 32,
    parameter SCALE_FILE = "",
    parameter SCALE_STYLE = "auto",
    parameter SCALED_BITS = 24,
    parameter TERMS = 1,
    parameter SHIFT_BITS = 0,
    parameter [(TERMS > 0 ? TERMS : 1)*8-1:0] SHIFT_MIN = 0,
    parameter [(TERMS > 0 ? TERMS : 1)*8-1:0] SHIFT_MAX = SHIFT_MIN,
    parameter [(TERMS > 0 ? TERMS : 1)-1:0] MAY_NEGATE = {(TERMS > 0 ? TERMS : 1) {1'b1}},
    parameter [(TERMS > 0 ? TERMS : 1)-1:0] MAY_SKIP = {(TERMS > 0 ? TERMS : 1) {1'b1}},
    parameter SHIFT = 0,
    parameter integer LOW = -128,
    parameter integer HIGH = 127,
    parameter OUT_BITS = 8,
    parameter TAP_ADDRESS_BITS = TAP_ROWS > 1 ? $clog2(TAP_ROWS) : 1
) (
    input  wire clk,
    input  wire rst,
    input  wire x_valid,
    input  wire [LANES*SAMPLES*X_BITS-1:0] x_data,
    output wire x_read,
    input  wire tap_enable,
    output wire [PES-1:0] tap_off,
    output wire [PES-1:0] tap_re,
    output wire [PES*TAP_ADDRESS_BITS-1:0] tap_addr,
    input  wire [PES*ROW_BITS-1:0] tap_row,
    input  wire y_place,
    output wire y_make,
    output wire y_write,
    output wire [1*SAMPLES*OUT_BITS-1:0] y_data
);

  localparam integer STEPS = BEATS + ROWS_AFTER;
  localparam integer LAST_STEP = STEPS - 1;
  localparam STEP_BITS = STEPS > 1 ? $clog2(STEPS) : 1;
  localparam [STEP_BITS-1:0] ONE_STEP = 1;
  localparam [31:0] BEAT_STEPS = BEATS;

  wire filled, walked, fill_we, fill_bank;
  wire [15:0] fill_split, fill_row;
  wire [LANES*SAMPLES*X_BITS-1:0] fill_data;
  reg [STEP_BITS-1:0] count;  // steps of this image
  reg [1:0] free;  // memories that may be filled
  wire reads = {{32 - STEP_BITS{1'b0}}, count} < BEAT_STEPS;
  wire step = !reads || x_read;

  assign x_read = reads && x_valid && free != 2'd0;
  assign filled = step && count == LAST_STEP[STEP_BITS-1:0];

  initial count = 0;
  initial free = 2'd2;

  always @(posedge clk) begin
    if (rst) begin
      count <= 0;
      free <= 2'd2;
    end else begin
      if (step) count <= filled ? 0 : count + ONE_STEP;
      if (filled != walked) free <= walked ? free + 2'd1 : free - 2'd1;
    end
  end

  fill_rows #(
      .ROWS(BEATS * LANES),
      .LANES(LANES),
      .SPLIT_ROWS(SPLIT_ROWS),
      .COLUMNS(SAMPLES),
      .X_BITS(X_BITS),
      .X_SIGNED(X_SIGNED),
      .DELAYED(1),
      .SUM_GROUPS(SUM_GROUPS),
      .SUM_ROWS(SUM_ROWS),
      .SUM_BITS(SUM_BITS),
      .SUM_LOW_BITS(SUM_LOW_BITS),
      .SUM_FILE(SUM_FILE),
      .SUM_TABLE_STYLE(SUM_TABLE_STYLE),
      .SUM_STYLE(SUM_STYLE)
  ) fill (
      .clk(clk),
      .rst(rst),
      .x_valid(x_read),
      .x_data(x_data),
      .fill_we(fill_we),
      .fill_bank(fill_bank),
      .fill_split(fill_split),
      .fill_row(fill_row),
      .fill_data(fill_data)
  );

  walk_and_emit #(
      .X_BITS(X_BITS),
      .X_SIGNED(X_SIGNED),
      .SAMPLES(SAMPLES),
      .TILE_PIXELS(1),
      .FILL_LANES(LANES),
      .TILES(1),
      .PES(PES),
      .ACC(ACC),
      .SPLIT_ROWS(SPLIT_ROWS),
      .SPAN(SPAN),
      .SYMBOL_BITS(SYMBOL_BITS),
      .CELLS_PER_ROW(CELLS_PER_ROW),
      .ROW_BITS(ROW_BITS),
      .TAP_ROWS(TAP_ROWS),
      .WALK_CYCLES(WALK_CYCLES),
      .RESULTS(RESULTS),
      .EVENT_FILE(EVENT_FILE),
      .EVENT_STYLE(EVENT_STYLE),
      .HAS_BASE(HAS_BASE),
      .FIRST_BASE(FIRST_BASE),
      .PE_SPLIT(PE_SPLIT),
      .TILE_STYLE(TILE_STYLE),
      .RESULT_STYLE(RESULT_STYLE),
      .FED(FED),
      .IMPL(IMPL),
      .ENTRIES(ENTRIES),
      .ENTRY_SHIFT_BITS(ENTRY_SHIFT_BITS),
      .ALL_LAST(ALL_LAST),
      .ENTRY_FILE(ENTRY_FILE),
      .ENTRY_STYLE(ENTRY_STYLE),
      .SCALES(SCALES),
      .SCALE_FILE(SCALE_FILE),
      .SCALE_STYLE(SCALE_STYLE),
      .SCALED_BITS(SCALED_BITS),
      .TERMS(TERMS),
      .SHIFT_BITS(SHIFT_BITS),
      .SHIFT_MIN(SHIFT_MIN),
      .SHIFT_MAX(SHIFT_MAX),
      .MAY_NEGATE(MAY_NEGATE),
      .MAY_SKIP(MAY_SKIP),
      .SHIFT(SHIFT),
      .LOW(LOW),
      .HIGH(HIGH),
      .OUT_BITS(OUT_BITS)
  ) core (
      .clk(clk),
      .rst(rst),
      .fill_we(fill_we),
      .fill_bank(fill_bank),
      .fill_split(fill_split),
      .fill_row(fill_row),
      .fill_data(fill_data),
      .filled(filled),
      .walked(walked),
      .tap_enable(tap_enable),
      .tap_off(tap_off),
      .tap_re(tap_re),
      .tap_addr(tap_addr),
      .tap_row(tap_row),
      .y_place(y_place),
      .y_make(y_make),
      .y_write(y_write),
      .y_data(y_data)
  );

endmodule

`default_nettype wire
