// PEs that walk the tiles they are given, and what adds up, scales and sends their results.
//
// `fill_we` and so on bring the rows of a tile, and `filled` hands it over: pe_array.v says when
// it is walked, and `walked` when its memory is free. emit_results.v follows WALK_STAGES cycles
// after the walk's last step, with beats of Y_BEAT_PIXELS pixels written 5 + TERMS cycles after
// `y_make`. The tap rows of PE p come from a rom.v outside, bits p of tap_re,
// tap_addr and tap_row, with `tap_enable` 1; or from tap_feed.v.
//
// TILES, TILE_BLOCKS, LAST_BLOCKS: tiles of an image, blocks of a tile, and of the last tile.
// Parameters from PES to IMPL are those of pe_array.v, then of emit_results.v.
`default_nettype none

module walk_and_emit #(
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter SAMPLES = 1,
    parameter TILE_PIXELS = 16,
    parameter FILL_LANES = 1,
    parameter Y_BEAT_PIXELS = 1,
    parameter TILES = 4,
    parameter TILE_BLOCKS = TILE_PIXELS / Y_BEAT_PIXELS,
    parameter LAST_BLOCKS = TILE_BLOCKS,
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
    parameter TAP_ADDRESS_BITS = TAP_ROWS > 1 ? $clog2(TAP_ROWS) : 1,
    parameter ADDRESS_BITS = RESULTS > 1 ? $clog2(RESULTS) : 1
) (
    input  wire clk,
    input  wire rst,
    input  wire fill_we,
    input  wire fill_bank,
    input  wire [15:0] fill_split,
    input  wire [15:0] fill_row,
    input  wire [FILL_LANES*TILE_PIXELS*SAMPLES*X_BITS-1:0] fill_data,
    input  wire filled,
    output wire walked,
    input  wire tap_enable,
    output wire [PES-1:0] tap_off,
    output wire [PES-1:0] tap_re,
    output wire [PES*TAP_ADDRESS_BITS-1:0] tap_addr,
    input  wire [PES*ROW_BITS-1:0] tap_row,
    input  wire y_place,
    output wire y_make,
    output wire y_write,
    output wire [Y_BEAT_PIXELS*SAMPLES*OUT_BITS-1:0] y_data
);

  localparam COLUMNS = TILE_PIXELS * SAMPLES;
  wire emitted, res_bank;
  wire [ADDRESS_BITS-1:0] res_addr;
  wire [COLUMNS*ACC-1:0] res_row;

  pe_array #(
      .PES(PES),
      .COLUMNS(COLUMNS),
      .X_BITS(X_BITS),
      .X_SIGNED(X_SIGNED),
      .FILL_LANES(FILL_LANES),
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
      .IMPL(IMPL)
  ) array (
      .clk(clk),
      .rst(rst),
      .fill_we(fill_we),
      .fill_bank(fill_bank),
      .fill_split(fill_split),
      .fill_row(fill_row),
      .fill_data(fill_data),
      .filled(filled),
      .walked(walked),
      .enable(tap_enable),
      .tap_off(tap_off),
      .tap_re(tap_re),
      .tap_addr(tap_addr),
      .tap_row(tap_row),
      .res_bank(res_bank),
      .res_addr(res_addr),
      .res_row(res_row),
      .emitted(emitted)
  );

  // The results are in their memory WALK_STAGES cycles after the walk's last step.
  localparam WALK_STAGES = 7;
  reg [WALK_STAGES-1:0] walks;
  initial walks = 0;
  always @(posedge clk) walks <= rst ? 0 : {walks[WALK_STAGES-2:0], walked};

  emit_results #(
      .TILE_PIXELS(TILE_PIXELS),
      .BEAT_PIXELS(Y_BEAT_PIXELS),
      .SAMPLES(SAMPLES),
      .ACC(ACC),
      .RESULTS(RESULTS),
      .TILES(TILES),
      .TILE_BLOCKS(TILE_BLOCKS),
      .LAST_BLOCKS(LAST_BLOCKS),
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
  ) emitter (
      .clk(clk),
      .rst(rst),
      .walked(walks[WALK_STAGES-1]),
      .emitted(emitted),
      .res_bank(res_bank),
      .res_addr(res_addr),
      .res_row(res_row),
      .y_place(y_place),
      .y_make(y_make),
      .y_write(y_write),
      .y_data(y_data)
  );

endmodule

`default_nettype wire
