// A convolution, or a dense layer at every pixel of a map: fill, walk and emit, tile by tile.
//
// The line buffer reads the map (x_valid, x_data, x_read: a FIFO's head) and gives the rows of
// tile after tile, see line_buffer.v for when; fill_rows.v brings them to the tile memories of the
// PEs, with shared sums behind them if there are any. The array walks a tile from the cycle after
// it is filled, pe_array.v; its tile memories are free, and the tile after the next may be filled,
// from the cycle after the walk's last step. emit_results.v follows 7 cycles after that, with
// beats of Y_BEAT_PIXELS pixels, written 5 + TERMS cycles after `y_make`. The tap rows of PE p
// come from a rom.v outside, bits p of tap_re, tap_addr and tap_row, with `tap_enable` 1; or from
// tap_feed.v.
//
// Parameters up to LINE_KIND are those of line_buffer.v, up to SUM_STYLE of fill_rows.v, up to
// IMPL of pe_array.v, then of emit_results.v.
`default_nettype none

module window_array #(
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter SAMPLES = 1,
    parameter BEAT_PIXELS = 1,
    parameter TILE_PIXELS = 16,
    parameter CHANNELS = 16,
    parameter HEIGHT = 8,
    parameter WIDTH = 8,
    parameter OUT_HEIGHT = 8,
    parameter OUT_WIDTH = 8,
    parameter KERNEL_H = 3,
    parameter KERNEL_W = 3,
    parameter STRIDE_H = 1,
    parameter STRIDE_W = 1,
    parameter DILATION_H = 1,
    parameter DILATION_W = 1,
    parameter PAD_TOP = 1,
    parameter PAD_LEFT = 1,
    parameter BUFFER_ROWS = 4,
    parameter FILL_CYCLES = CHANNELS * KERNEL_H * KERNEL_W,
    parameter LIMITS_FILE = "",
    parameter LINE_STYLE = "auto",
    parameter LINE_KIND = "copies",
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
    parameter Y_BEAT_PIXELS = BEAT_PIXELS,
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
    input  wire [BEAT_PIXELS*SAMPLES*X_BITS-1:0] x_data,
    output wire x_read,
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
  localparam OUT_PIXELS = OUT_HEIGHT * OUT_WIDTH;
  localparam TILES = (OUT_PIXELS + TILE_PIXELS - 1) / TILE_PIXELS;
  localparam BLOCKS = (OUT_PIXELS + Y_BEAT_PIXELS - 1) / Y_BEAT_PIXELS;
  localparam TILE_BLOCKS = TILE_PIXELS / Y_BEAT_PIXELS;
  localparam LAST_BLOCKS = BLOCKS - (TILES - 1) * TILE_BLOCKS;
  wire filled, walked, row_valid, fill_we, fill_bank;
  wire [COLUMNS*X_BITS-1:0] row_data, fill_data;
  wire [15:0] row_index, fill_split, fill_row;

  line_buffer #(
      .BITS(X_BITS),
      .SAMPLES(SAMPLES),
      .BEAT_PIXELS(BEAT_PIXELS),
      .TILE_PIXELS(TILE_PIXELS),
      .CHANNELS(CHANNELS),
      .HEIGHT(HEIGHT),
      .WIDTH(WIDTH),
      .OUT_HEIGHT(OUT_HEIGHT),
      .OUT_WIDTH(OUT_WIDTH),
      .KERNEL_H(KERNEL_H),
      .KERNEL_W(KERNEL_W),
      .STRIDE_H(STRIDE_H),
      .STRIDE_W(STRIDE_W),
      .DILATION_H(DILATION_H),
      .DILATION_W(DILATION_W),
      .PAD_TOP(PAD_TOP),
      .PAD_LEFT(PAD_LEFT),
      .BUFFER_ROWS(BUFFER_ROWS),
      .FILL_CYCLES(FILL_CYCLES),
      .LIMITS_FILE(LIMITS_FILE),
      .STYLE(LINE_STYLE),
      .KIND(LINE_KIND)
  ) lines (
      .clk(clk),
      .rst(rst),
      .x_valid(x_valid),
      .x_data(x_data),
      .x_read(x_read),
      .behind(walked),
      .filled(filled),
      .row_valid(row_valid),
      .row_data(row_data),
      .row_index(row_index)
  );

  fill_rows #(
      .ROWS(CHANNELS * KERNEL_H * KERNEL_W),
      .SPLIT_ROWS(SPLIT_ROWS),
      .COLUMNS(COLUMNS),
      .X_BITS(X_BITS),
      .X_SIGNED(X_SIGNED),
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
      .x_valid(row_valid),
      .x_data(row_data),
      .fill_we(fill_we),
      .fill_bank(fill_bank),
      .fill_split(fill_split),
      .fill_row(fill_row),
      .fill_data(fill_data)
  );

  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, row_index};
  // verilator lint_on UNUSEDSIGNAL

  walk_and_emit #(
      .X_BITS(X_BITS),
      .X_SIGNED(X_SIGNED),
      .SAMPLES(SAMPLES),
      .TILE_PIXELS(TILE_PIXELS),
      .Y_BEAT_PIXELS(Y_BEAT_PIXELS),
      .TILES(TILES),
      .TILE_BLOCKS(TILE_BLOCKS),
      .LAST_BLOCKS(LAST_BLOCKS),
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
