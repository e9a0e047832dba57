// Walks the elements of SAMPLES tensors in the order of memory, sample after sample, and tells
// where in the stream each lies: sample, lane and beat. Moves on in the cycle after a `step`;
// after the last element (`is_last`) comes the first again.
//
// A tensor has CHANNELS channels of PIXELS pixels, LANES pixels of a channel a beat, block of
// pixels by block and in a block channel by channel. In memory either the channels of a pixel
// (BY_CHANNEL 1) or the pixels of a channel (BY_CHANNEL 0) lie side by side.
`default_nettype none

module element_place #(
    parameter SAMPLES = 1,
    parameter LANES = 1,
    parameter CHANNELS = 1,
    parameter PIXELS = 1,
    parameter BY_CHANNEL = 0,
    parameter BEATS = ((PIXELS + LANES - 1) / LANES) * CHANNELS,
    parameter SAMPLE_BITS = SAMPLES > 1 ? $clog2(SAMPLES) : 1,
    parameter LANE_BITS = LANES > 1 ? $clog2(LANES) : 1,
    parameter BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire                   step,
    output reg  [SAMPLE_BITS-1:0] sample,
    output reg  [  LANE_BITS-1:0] lane,
    output reg  [  BEAT_BITS-1:0] beat,
    output wire                   is_last
);

  localparam CHANNEL_BITS = CHANNELS > 1 ? $clog2(CHANNELS) : 1;
  localparam PIXEL_BITS = PIXELS > 1 ? $clog2(PIXELS) : 1;
  localparam [31:0] LAST_SAMPLE = SAMPLES - 1;
  localparam [31:0] LAST_LANE = LANES - 1;
  localparam [31:0] LAST_CHANNEL = CHANNELS - 1;
  localparam [31:0] LAST_PIXEL = PIXELS - 1;
  localparam [31:0] BLOCK = CHANNELS;  // beats
  localparam [31:0] FIRST_OF_BLOCK = 1 - CHANNELS;
  localparam [SAMPLE_BITS-1:0] NEXT_SAMPLE = 1;
  localparam [LANE_BITS-1:0] NEXT_LANE = 1;
  localparam [CHANNEL_BITS-1:0] NEXT_CHANNEL = 1;
  localparam [PIXEL_BITS-1:0] NEXT_PIXEL = 1;
  localparam [BEAT_BITS-1:0] NEXT_BEAT = 1;

  reg [CHANNEL_BITS-1:0] channel;
  reg [  PIXEL_BITS-1:0] pixel;

  wire is_last_sample = sample == LAST_SAMPLE[SAMPLE_BITS-1:0];
  wire is_last_lane = lane == LAST_LANE[LANE_BITS-1:0];
  wire is_last_channel = channel == LAST_CHANNEL[CHANNEL_BITS-1:0];
  wire is_last_pixel = pixel == LAST_PIXEL[PIXEL_BITS-1:0];
  wire ends_tensor = is_last_channel && is_last_pixel;
  wire ends_row = BY_CHANNEL != 0 ? is_last_channel : is_last_pixel;  // what lies side by side

  wire [LANE_BITS-1:0] lane_after = is_last_lane ? {LANE_BITS{1'b0}} : lane + NEXT_LANE;
  wire [BEAT_BITS-1:0] beat_after;

  assign is_last = ends_tensor && is_last_sample;

  generate
    if (BY_CHANNEL != 0) begin : channels_first
      assign beat_after = is_last_channel && !is_last_lane ?
          beat + FIRST_OF_BLOCK[BEAT_BITS-1:0] : beat + NEXT_BEAT;
    end else begin : pixels_first
      wire [BEAT_BITS-1:0] first_beat;  // of the next channel
      assign first_beat = {{(BEAT_BITS - CHANNEL_BITS) {1'b0}}, channel} + NEXT_BEAT;
      assign beat_after = is_last_pixel ? first_beat :
          is_last_lane ? beat + BLOCK[BEAT_BITS-1:0] : beat;
    end
  endgenerate

  initial begin
    sample = {SAMPLE_BITS{1'b0}};
    lane = {LANE_BITS{1'b0}};
    beat = {BEAT_BITS{1'b0}};
    channel = {CHANNEL_BITS{1'b0}};
    pixel = {PIXEL_BITS{1'b0}};
  end

  always @(posedge clk) begin
    if (rst || (step && ends_tensor)) begin
      lane <= {LANE_BITS{1'b0}};
      beat <= {BEAT_BITS{1'b0}};
      channel <= {CHANNEL_BITS{1'b0}};
      pixel <= {PIXEL_BITS{1'b0}};
    end else if (step) begin
      beat <= beat_after;
      if (BY_CHANNEL == 0) lane <= ends_row ? {LANE_BITS{1'b0}} : lane_after;
      else if (ends_row) lane <= lane_after;
      if (BY_CHANNEL != 0 || ends_row)
        channel <= is_last_channel ? {CHANNEL_BITS{1'b0}} : channel + NEXT_CHANNEL;
      if (BY_CHANNEL == 0 || ends_row)
        pixel <= is_last_pixel ? {PIXEL_BITS{1'b0}} : pixel + NEXT_PIXEL;
    end
    if (rst) sample <= {SAMPLE_BITS{1'b0}};
    else if (step && ends_tensor)
      sample <= is_last_sample ? {SAMPLE_BITS{1'b0}} : sample + NEXT_SAMPLE;
  end

endmodule

`default_nettype wire
