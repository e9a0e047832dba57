// The sums of a map's channels, requantised: one pixel for each channel.
//
// An image is BLOCKS blocks of CHANNELS beats; in the last block only the lowest LAST_PIXELS pixels
// of a beat count. A step, at most one a cycle, reads a beat; one of the last block makes its
// channel's beat and waits for a place as well. A step in cycle m:
//   m      `x_read`, and `y_make` in the last block; the channel's sum so far is read
//   m + 1  the beat's pixels are added (a register); so far + these goes to the memory of sums
//   m + 2  that sum is in a register, too: requantise
//   m + 4 + TERMS  `y_write`, `y_data`
// With one channel the register is the memory. SUM_BITS hold the sums. Scales: see
// scale_elements.v; there is one pixel a beat, so SCALE_LANES = 1.
`default_nettype none

module sum_map #(
    parameter BEAT_PIXELS = 1,
    parameter SAMPLES = 1,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter CHANNELS = 16,
    parameter BLOCKS = 4,
    parameter LAST_PIXELS = BEAT_PIXELS,
    parameter SUM_BITS = 16,
    parameter SUM_STYLE = "auto",
    parameter SCALES = 1,
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
    output wire [          SAMPLES*OUT_BITS-1:0] y_data
);

  localparam STAGES = 4 + TERMS;
  localparam TREE_BITS = X_BITS + $clog2(BEAT_PIXELS) + 1;  // signed
  localparam CHANNEL_BITS = CHANNELS > 1 ? $clog2(CHANNELS) : 1;
  localparam BLOCK_BITS = BLOCKS > 1 ? $clog2(BLOCKS) : 1;
  localparam integer LAST_CHANNEL_INDEX = CHANNELS - 1;
  localparam integer LAST_BLOCK_INDEX = BLOCKS - 1;
  localparam [CHANNEL_BITS-1:0] LAST_CHANNEL = LAST_CHANNEL_INDEX[CHANNEL_BITS-1:0];
  localparam [BLOCK_BITS-1:0] LAST_BLOCK = LAST_BLOCK_INDEX[BLOCK_BITS-1:0];
  localparam [CHANNEL_BITS-1:0] ONE_CHANNEL = 1;
  localparam [BLOCK_BITS-1:0] ONE_BLOCK = 1;

  // Cycle m.
  reg [CHANNEL_BITS-1:0] channel;
  reg [BLOCK_BITS-1:0] block;
  wire ready;
  wire makes_beat = block == LAST_BLOCK;
  wire step = x_valid && ready && (y_place || !makes_beat);
  reg [STAGES-1:0] makes;
  reg stepped;  // cycle m + 1

  assign x_read = step;
  assign y_make = step && makes_beat;
  assign y_write = makes[STAGES-1];

  initial makes = 0;
  initial stepped = 1'b0;
  initial channel = 0;
  initial block = 0;

  always @(posedge clk) begin
    makes   <= rst ? 0 : {makes[STAGES-2:0], y_make};
    stepped <= step && !rst;
    if (rst) begin
      channel <= 0;
      block   <= 0;
    end else if (step) begin
      channel <= channel == LAST_CHANNEL ? 0 : channel + ONE_CHANNEL;
      if (channel == LAST_CHANNEL) block <= makes_beat ? 0 : block + ONE_BLOCK;
    end
  end

  // Cycle m + 1: the sums so far are read from the memory and written back.
  reg [CHANNEL_BITS-1:0] written;
  reg goes_on;  // the channel has a sum already
  reg [SAMPLES*TREE_BITS-1:0] beat_sums;
  wire [SAMPLES*TREE_BITS-1:0] tree_sums;
  wire [SAMPLES*SUM_BITS-1:0] so_far;
  wire [SAMPLES*SUM_BITS-1:0] added;
  reg [SAMPLES*SUM_BITS-1:0] total;  // cycle m + 2

  always @(posedge clk) begin
    written <= channel;
    goes_on <= block != 0;
    beat_sums <= tree_sums;
    if (stepped) total <= added;
  end

  genvar s, r;
  generate
    if (CHANNELS > 1 && BLOCKS > 1) begin : stored
      ram #(
          .WIDTH(SAMPLES * SUM_BITS),
          .DEPTH(CHANNELS),
          .STYLE(SUM_STYLE)
      ) sums (
          .clk(clk),
          .we(stepped),
          .waddr(written),
          .wdata(added),
          .re(step),
          .raddr(channel),
          .rdata(so_far)
      );
    end else begin : in_register
      assign so_far = total;
    end

    for (s = 0; s < SAMPLES; s = s + 1) begin : samples
      wire [BEAT_PIXELS*TREE_BITS-1:0] pixels;
      for (r = 0; r < BEAT_PIXELS; r = r + 1) begin : lanes
        wire [X_BITS-1:0] x = x_data[(r*SAMPLES+s)*X_BITS+:X_BITS];
        wire counts = r < LAST_PIXELS || !makes_beat;
        assign pixels[r*TREE_BITS+:TREE_BITS] =
            {{TREE_BITS - X_BITS{X_SIGNED != 0 && x[X_BITS-1]}}, x} & {TREE_BITS{counts}};
      end

      adder_tree #(
          .TERMS(BEAT_PIXELS),
          .BITS (TREE_BITS)
      ) adders (
          .terms(pixels),
          .sum  (tree_sums[s*TREE_BITS+:TREE_BITS])
      );

      wire [TREE_BITS-1:0] one = beat_sums[s*TREE_BITS+:TREE_BITS];
      wire [SUM_BITS+TREE_BITS-1:0] wide = {{SUM_BITS{one[TREE_BITS-1]}}, one};
      assign added[s*SUM_BITS+:SUM_BITS] =
          wide[SUM_BITS-1:0] + (so_far[s*SUM_BITS+:SUM_BITS] & {SUM_BITS{goes_on}});
      // verilator lint_off UNUSEDSIGNAL
      wire unused = &{1'b0, wide};  // copies of the sign
      // verilator lint_on UNUSEDSIGNAL
    end
  endgenerate

  // verilator lint_off UNUSEDSIGNAL
  wire unused_address = &{1'b0, written};  // without a memory
  // verilator lint_on UNUSEDSIGNAL

  requantise_stream #(
      .LANES(SAMPLES),
      .IN_BITS(SUM_BITS),
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
  ) requantiser (
      .clk(clk),
      .rst(rst),
      .ready(ready),
      .next(makes[1]),
      .values(total),
      .y(y_data)
  );

endmodule

`default_nettype wire
