// Beats of images that come in the order of memory: stores SAMPLES images, then makes their
// beats, through two memories in turn.
//
// Taking: one element a cycle (`s_tvalid` and `s_tready`), sample after sample; block i from the
// cycle after the last beat of block i - 2 was made. Making: from the cycle after a block's last
// element was taken, one beat a cycle while there is a place. STAGES 1: made in cycle m, written
// in m + 1. Lanes past the last pixel are 0.
//
// The tensor: see element_place.v; in memory element (channel, pixel) of a sample has place
// channel * CHANNEL_STRIDE + pixel * PIXEL_STRIDE, and one of the strides is 1. There is a memory
// for each lane and sample.
`default_nettype none

module load_staged #(
    parameter BITS = 8,
    // verilator lint_off UNUSEDPARAM
    parameter SIGNED = 1,  // loads need no sign: the same parameters as store_staged
    // verilator lint_on UNUSEDPARAM
    parameter SAMPLES = 1,
    parameter LANES = 1,
    parameter CHANNELS = 1,
    parameter PIXELS = 1,
    parameter CHANNEL_STRIDE = PIXELS,
    parameter PIXEL_STRIDE = 1,
    parameter STYLE = "auto",
    parameter TDATA_BITS = ((BITS + 7) / 8) * 8
) (
    input  wire                          clk,
    input  wire                          rst,
    input  wire [        TDATA_BITS-1:0] s_tdata,
    input  wire                          s_tvalid,
    output wire                          s_tready,
    input  wire                          y_place,
    output wire                          y_make,
    output reg                           y_write,
    output wire [LANES*SAMPLES*BITS-1:0] y_data
);

  localparam BEATS = ((PIXELS + LANES - 1) / LANES) * CHANNELS;
  localparam LAST_LANES = PIXELS - ((PIXELS - 1) / LANES) * LANES;  // pixels of the last block
  localparam USED_LANES = LANES < PIXELS ? LANES : PIXELS;
  localparam SAMPLE_BITS = SAMPLES > 1 ? $clog2(SAMPLES) : 1;
  localparam LANE_BITS = LANES > 1 ? $clog2(LANES) : 1;
  localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] LAST_BLOCK = BEATS - CHANNELS;  // its first beat
  localparam DEPTH = BEATS > 1 ? 2 * BEATS : 4;
  localparam [BEAT_BITS-1:0] NEXT_BEAT = 1;

  wire may_fill, may_emit, fill_bank, emit_bank;

  // Taking.
  wire take = s_tvalid && may_fill;
  wire [SAMPLE_BITS-1:0] sample;
  wire [LANE_BITS-1:0] lane;
  wire [BEAT_BITS-1:0] to;
  wire is_last_element;

  assign s_tready = may_fill;

  element_place #(
      .SAMPLES(SAMPLES),
      .LANES(LANES),
      .CHANNELS(CHANNELS),
      .PIXELS(PIXELS),
      .BY_CHANNEL(CHANNEL_STRIDE == 1 && CHANNELS > 1 ? 1 : 0)
  ) place (
      .clk(clk),
      .rst(rst),
      .step(take),
      .sample(sample),
      .lane(lane),
      .beat(to),
      .is_last(is_last_element)
  );

  // Making.
  reg [BEAT_BITS-1:0] beat;
  wire step = may_emit && y_place;
  wire is_last_beat = beat == LAST_BEAT[BEAT_BITS-1:0];

  assign y_make = step;

  double_buffer banks (
      .clk(clk),
      .rst(rst),
      .filled(take && is_last_element),
      .emitted(step && is_last_beat),
      .may_fill(may_fill),
      .may_emit(may_emit),
      // verilator lint_off PINCONNECTEMPTY
      .will_emit(),  // nothing is prefetched
      // verilator lint_on PINCONNECTEMPTY
      .fill_bank(fill_bank),
      .emit_bank(emit_bank)
  );

  initial begin
    beat = {BEAT_BITS{1'b0}};
    y_write = 1'b0;
  end

  always @(posedge clk) begin
    y_write <= step && !rst;
    if (rst) beat <= {BEAT_BITS{1'b0}};
    else if (step) beat <= is_last_beat ? {BEAT_BITS{1'b0}} : beat + NEXT_BEAT;
  end

  wire is_last_block;  // of the beat that is written

  genvar r, b;
  generate
    if (LAST_LANES < USED_LANES) begin : last_block
      reg is_last;
      always @(posedge clk) is_last <= beat >= LAST_BLOCK[BEAT_BITS-1:0];
      assign is_last_block = is_last;
    end else begin : any_block
      assign is_last_block = 1'b0;
    end
    if (CHANNELS > 1 && PIXELS > 1 && CHANNEL_STRIDE != 1 && PIXEL_STRIDE != 1) begin : wrong
      no_such_order_of_elements error ();
    end
    if (BITS < TDATA_BITS) begin : padded
      wire unused = &{1'b0, s_tdata[TDATA_BITS-1:BITS]};
    end
    for (r = 0; r < LANES; r = r + 1) begin : lanes
      for (b = 0; b < SAMPLES; b = b + 1) begin : samples
        wire [BITS-1:0] value;
        if (r < USED_LANES) begin : used
          localparam [31:0] LANE = r;
          localparam [31:0] SAMPLE = b;
          ram #(
              .WIDTH(BITS),
              .DEPTH(DEPTH),
              .STYLE(STYLE)
          ) values (
              .clk(clk),
              .we(take && lane == LANE[LANE_BITS-1:0] && sample == SAMPLE[SAMPLE_BITS-1:0]),
              .waddr({to, fill_bank}),
              .wdata(s_tdata[BITS-1:0]),
              .re(step),
              .raddr({beat, emit_bank}),
              .rdata(value)
          );
        end else begin : unused
          assign value = {BITS{1'b0}};
        end
        assign y_data[(r*SAMPLES+b)*BITS+:BITS] =
            r >= LAST_LANES && is_last_block ? {BITS{1'b0}} : value;
      end
    end
  endgenerate

endmodule

`default_nettype wire
