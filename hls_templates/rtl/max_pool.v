// Max pool: the greatest pixel of each window of a channel; pixels beyond the map never win.
//
// A tile is one block: TILE_PIXELS = pixels of an output beat. The rows of a tile (line_buffer.v)
// come 4 cycles after their steps and are compared in the next; a channel's result is written
// 5 cycles after its last row's step. A step of the part that makes beats (pool_results.v) in cycle
// m: `y_make` in m, `y_write` and `y_data` in m + 2.
`default_nettype none

module max_pool #(
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter SAMPLES = 1,
    parameter BEAT_PIXELS = 1,
    parameter TILE_PIXELS = 4,
    parameter CHANNELS = 2,
    parameter HEIGHT = 8,
    parameter WIDTH = 8,
    parameter OUT_HEIGHT = 4,
    parameter OUT_WIDTH = 4,
    parameter KERNEL_H = 2,
    parameter KERNEL_W = 2,
    parameter STRIDE_H = 2,
    parameter STRIDE_W = 2,
    parameter DILATION_H = 1,
    parameter DILATION_W = 1,
    parameter PAD_TOP = 0,
    parameter PAD_LEFT = 0,
    parameter BUFFER_ROWS = 4,
    parameter FILL_CYCLES = CHANNELS * KERNEL_H * KERNEL_W,
    parameter LIMITS_FILE = "",
    parameter LINE_STYLE = "auto",
    parameter LINE_KIND = "copies",
    parameter RESULT_STYLE = "auto"
) (
    input  wire                                  clk,
    input  wire                                  rst,
    input  wire                                  x_valid,
    input  wire [BEAT_PIXELS*SAMPLES*X_BITS-1:0] x_data,
    output wire                                  x_read,
    input  wire                                  y_place,
    output wire                                  y_make,
    output wire                                  y_write,
    output reg  [TILE_PIXELS*SAMPLES*X_BITS-1:0] y_data
);

  localparam LANES = TILE_PIXELS * SAMPLES;
  localparam TAPS = KERNEL_H * KERNEL_W;
  localparam TAP_BITS = TAPS > 1 ? $clog2(TAPS) : 1;
  localparam [31:0] LAST_TAP = TAPS - 1;
  localparam [TAP_BITS-1:0] ONE_TAP = 1;
  localparam integer LEAST = X_SIGNED != 0 ? -(1 << (X_BITS - 1)) : 0;

  wire filled, row_valid, emitted;
  wire [LANES*X_BITS-1:0] row;
  // verilator lint_off UNUSEDSIGNAL
  wire [15:0] row_index;  // taps are counted here
  // verilator lint_on UNUSEDSIGNAL
  reg [TAP_BITS-1:0] tap;
  wire is_last = tap == LAST_TAP[TAP_BITS-1:0];
  reg is_whole;  // so_far has all taps of a channel
  reg [LANES*X_BITS-1:0] so_far;
  wire [LANES*X_BITS-1:0] result;
  reg [1:0] makes;

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
      .OUTSIDE(LEAST),
      .STYLE(LINE_STYLE),
      .KIND(LINE_KIND)
  ) rows (
      .clk(clk),
      .rst(rst),
      .x_valid(x_valid),
      .x_data(x_data),
      .x_read(x_read),
      .behind(emitted),
      .filled(filled),
      .row_valid(row_valid),
      .row_data(row),
      .row_index(row_index)
  );

  initial begin
    tap = 0;
    is_whole = 1'b0;
  end

  always @(posedge clk) begin
    is_whole <= row_valid && is_last && !rst;
    if (rst) tap <= 0;
    else if (row_valid) tap <= is_last ? {TAP_BITS{1'b0}} : tap + ONE_TAP;
  end

  // Signed values are compared as unsigned with the sign turned over.
  genvar v;
  generate
    for (v = 0; v < LANES; v = v + 1) begin : lanes
      wire [X_BITS-1:0] x = row[v*X_BITS+:X_BITS];
      wire [X_BITS-1:0] best = so_far[v*X_BITS+:X_BITS];
      wire [X_BITS-1:0] turned = {{X_BITS - 1{1'b0}}, X_SIGNED != 0} << (X_BITS - 1);
      wire wins = tap == 0 || (x ^ turned) > (best ^ turned);
      always @(posedge clk) if (row_valid && wins) so_far[v*X_BITS+:X_BITS] <= x;
    end
  endgenerate

  pool_results #(
      .WIDTH(LANES * X_BITS),
      .CHANNELS(CHANNELS),
      .STYLE(RESULT_STYLE)
  ) tiles (
      .clk(clk),
      .rst(rst),
      .filled(filled),
      .we(is_whole),
      .wdata(so_far),
      .y_place(y_place),
      .y_make(y_make),
      .emitted(emitted),
      .result(result)
  );

  assign y_write = makes[1];
  initial makes = 2'd0;

  always @(posedge clk) begin
    makes  <= rst ? 2'd0 : {makes[0], y_make};
    y_data <= result;
  end

endmodule

`default_nettype wire
