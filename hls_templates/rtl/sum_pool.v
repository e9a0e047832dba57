// Sum pool: the sum of each window of a channel, requantised; beyond the map is 0.
//
// A tile is one block: TILE_PIXELS = pixels of an output beat. The rows of a tile (line_buffer.v)
// come 4 cycles after their steps and are added in the next; a channel's sum is written 5 cycles
// after its last row's step. A step of the part that makes beats (pool_results.v), in cycle m:
// `y_make` in m, the sum is there for requantise in m + 1, `y_write` and `y_data` in m + 3 + TERMS.
// SUM_BITS (signed) hold the sums. Scales: see scale_elements.v, one entry for each beat.
`default_nettype none

module sum_pool #(
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
    parameter RESULT_STYLE = "auto",
    parameter SUM_BITS = 12,
    parameter SCALES = 1,
    parameter SCALE_LANES = 1,
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
    parameter OUT_BITS = 8
) (
    input  wire                                  clk,
    input  wire                                  rst,
    input  wire                                  x_valid,
    input  wire [BEAT_PIXELS*SAMPLES*X_BITS-1:0] x_data,
    output wire                                  x_read,
    input  wire                                  y_place,
    output wire                                  y_make,
    output wire                                  y_write,
    output wire [TILE_PIXELS*SAMPLES*OUT_BITS-1:0] y_data
);

  localparam LANES = TILE_PIXELS * SAMPLES;
  localparam TAPS = KERNEL_H * KERNEL_W;
  localparam TAP_BITS = TAPS > 1 ? $clog2(TAPS) : 1;
  localparam [31:0] LAST_TAP = TAPS - 1;
  localparam [TAP_BITS-1:0] ONE_TAP = 1;
  localparam STAGES = 3 + TERMS;

  wire filled, row_valid, emitted;
  wire [LANES*X_BITS-1:0] row;
  // verilator lint_off UNUSEDSIGNAL
  wire [15:0] row_index;  // taps are counted here
  // verilator lint_on UNUSEDSIGNAL
  reg [TAP_BITS-1:0] tap;
  wire is_last = tap == LAST_TAP[TAP_BITS-1:0];
  reg is_whole;  // so_far has all taps of a channel
  reg [LANES*SUM_BITS-1:0] so_far;
  wire [LANES*SUM_BITS-1:0] result;
  reg [STAGES-1:0] makes;

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
      .OUTSIDE(0),
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

  genvar v;
  generate
    for (v = 0; v < LANES; v = v + 1) begin : lanes
      wire [X_BITS-1:0] x = row[v*X_BITS+:X_BITS];
      wire [SUM_BITS+X_BITS-1:0] wide = {{SUM_BITS{X_SIGNED != 0 && x[X_BITS-1]}}, x};
      wire [SUM_BITS-1:0] earlier = so_far[v*SUM_BITS+:SUM_BITS] & {SUM_BITS{tap != 0}};
      always @(posedge clk) begin
        if (row_valid) so_far[v*SUM_BITS+:SUM_BITS] <= earlier + wide[SUM_BITS-1:0];
      end
      // verilator lint_off UNUSEDSIGNAL
      wire unused = &{1'b0, wide};  // copies of the sign
      // verilator lint_on UNUSEDSIGNAL
    end
  endgenerate

  pool_results #(
      .WIDTH(LANES * SUM_BITS),
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

  assign y_write = makes[STAGES-1];
  initial makes = 0;
  always @(posedge clk) makes <= rst ? 0 : {makes[STAGES-2:0], y_make};

  // verilator lint_off UNUSEDSIGNAL
  wire ready;  // long before the first sum
  // verilator lint_on UNUSEDSIGNAL

  requantise_stream #(
      .LANES(LANES),
      .IN_BITS(SUM_BITS),
      .SCALES(SCALES),
      .SCALE_LANES(SCALE_LANES),
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
  ) requantiser (
      .clk(clk),
      .rst(rst),
      .ready(ready),
      .next(makes[0]),
      .values(result),
      .y(y_data)
  );

endmodule

`default_nettype wire
