// Takes a map from its FIFO into a line buffer and reads the windows of each tile, row after row.
//
// Output pixels in raster order are cut into tiles of TILE_PIXELS lanes. A row is the pixel under
// one tap of the kernel in every lane of a tile: rows go by channel, kernel row, kernel column
// (fastest). A step of the reader in cycle c that reads a row gives `row_valid`, `row_data` (lane 0
// lowest; OUTSIDE in lanes beyond the map) and `row_index` in cycle c + 4. When beats are taken,
// when tiles start, and `filled` and `behind`: line_control.v.
//
// The ring keeps at least BUFFER_ROWS * WIDTH pixels. KIND "copies" (line_copies.v) serves any
// window, with a memory for each lane; KIND "banks" (line_banks.v) keeps one ring for all lanes and
// serves what it says. At least one cycle of `rst` is needed. LIMITS_FILE: see line_control.v.
`default_nettype none

module line_buffer #(
    parameter BITS = 8,
    parameter SAMPLES = 1,
    parameter BEAT_PIXELS = 1,
    parameter TILE_PIXELS = 4,
    parameter CHANNELS = 2,
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
    parameter integer OUTSIDE = 0,
    parameter LIMITS_FILE = "",
    parameter STYLE = "auto",
    parameter KIND = "copies"
) (
    input  wire                                clk,
    input  wire                                rst,
    input  wire                                x_valid,
    input  wire [BEAT_PIXELS*SAMPLES*BITS-1:0] x_data,
    output wire                                x_read,
    input  wire                                behind,
    output wire                                filled,
    output wire                                row_valid,
    output wire [TILE_PIXELS*SAMPLES*BITS-1:0] row_data,
    output wire [                        15:0] row_index
);

  localparam PIXELS = HEIGHT * WIDTH;
  localparam BEATS = (PIXELS + BEAT_PIXELS - 1) / BEAT_PIXELS * CHANNELS;
  localparam TILES = (OUT_HEIGHT * OUT_WIDTH + TILE_PIXELS - 1) / TILE_PIXELS;
  localparam ROWS = CHANNELS * KERNEL_H * KERNEL_W;
  localparam ROW_BITS = ROWS > 1 ? $clog2(ROWS) : 1;
  localparam MOST = (BUFFER_ROWS * WIDTH / PIXELS + 3) * BEATS;
  /* verilator lint_off WIDTHEXPAND */
  localparam LIMITS_STYLE = TILES > 256 ? "block" : "distributed";
  /* verilator lint_on WIDTHEXPAND */

  wire step, last_row, last_tile;
  wire [ROW_BITS-1:0] row;

  line_control #(
      .BEATS(BEATS),
      .MOST(MOST),
      .TILES(TILES),
      .ROWS(ROWS),
      .FILL_CYCLES(FILL_CYCLES),
      .LIMITS_FILE(LIMITS_FILE),
      .STYLE(LIMITS_STYLE)
  ) control (
      .clk(clk),
      .rst(rst),
      .x_valid(x_valid),
      .x_read(x_read),
      .behind(behind),
      .filled(filled),
      .row_step(step),
      .row(row),
      .last_row(last_row),
      .last_tile(last_tile)
  );

  // Comparing strings of different lengths pads the shorter: as meant.
  /* verilator lint_off WIDTHEXPAND */
  generate
    if (KIND == "banks") begin : in_banks
      /* verilator lint_on WIDTHEXPAND */
      line_banks #(
          .BITS(BITS),
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
          .OUTSIDE(OUTSIDE),
          .STYLE(STYLE)
      ) lines (
          .clk(clk),
          .rst(rst),
          .x_read(x_read),
          .x_data(x_data),
          .step(step),
          .last_row(last_row),
          .last_tile(last_tile),
          .row_data(row_data)
      );
    end else begin : in_copies
      line_copies #(
          .BITS(BITS),
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
          .OUTSIDE(OUTSIDE),
          .STYLE(STYLE)
      ) lines (
          .clk(clk),
          .rst(rst),
          .x_read(x_read),
          .x_data(x_data),
          .step(step),
          .last_row(last_row),
          .last_tile(last_tile),
          .row_data(row_data)
      );
    end
  endgenerate

  // The row's number on its way through four registers.
  reg [3:0] valid_at;
  reg [ROW_BITS-1:0] row_1, row_2, row_3, row_4;

  initial valid_at = 4'd0;

  assign row_valid = valid_at[3];
  assign row_index = {{16 - ROW_BITS{1'b0}}, row_4};

  always @(posedge clk) begin
    valid_at <= rst ? 4'd0 : {valid_at[2:0], step};
    row_1 <= row;
    row_2 <= row_1;
    row_3 <= row_2;
    row_4 <= row_3;
  end

endmodule

`default_nettype wire
