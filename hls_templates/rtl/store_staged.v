// Images in the order of memory: stores the beats of SAMPLES images, then hands their elements
// out, through two memories in turn.
//
// Storing: one beat a cycle while it is there; block i from the cycle after the last element of
// block i - 2 was handed out. Handing out: from the cycle after a block's last beat was read, one
// element a cycle (`m_tvalid`, waits for `m_tready`), sample after sample. The element that comes
// next has been fetched before. `m_tdata`: the value extended to whole bytes; `m_tlast` with a
// block's last element.
//
// The tensor: see element_place.v and load_staged.v.
`default_nettype none

module store_staged #(
    parameter BITS = 8,
    parameter SIGNED = 1,
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
    input  wire                          x_valid,
    input  wire [LANES*SAMPLES*BITS-1:0] x_data,
    output wire                          x_read,
    output wire [        TDATA_BITS-1:0] m_tdata,
    output wire                          m_tvalid,
    input  wire                          m_tready,
    output wire                          m_tlast
);

  localparam BEATS = ((PIXELS + LANES - 1) / LANES) * CHANNELS;
  localparam WIDTH = LANES * SAMPLES * BITS;
  localparam SAMPLE_BITS = SAMPLES > 1 ? $clog2(SAMPLES) : 1;
  localparam LANE_BITS = LANES > 1 ? $clog2(LANES) : 1;
  localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [BEAT_BITS-1:0] NEXT_BEAT = 1;

  wire may_fill, may_emit, will_emit, fill_bank, emit_bank;

  // Storing.
  reg  [BEAT_BITS-1:0] to;
  wire                 take = x_valid && may_fill;
  wire                 is_last_beat = to == LAST_BEAT[BEAT_BITS-1:0];

  assign x_read = take;

  // Handing out: the element at `place` is fetched while the one before is handed out, or again
  // and again until its block is complete.
  wire [SAMPLE_BITS-1:0] sample;
  wire [  LANE_BITS-1:0] lane;
  wire [  BEAT_BITS-1:0] from;
  wire                   is_last_element;
  wire                   step = may_emit && m_tready;
  wire                   fetch = step || !may_emit;
  reg  [SAMPLE_BITS-1:0] shown_sample;
  reg  [  LANE_BITS-1:0] shown_lane;
  reg                    shown_last;
  reg                    from_bank;
  wire [      WIDTH-1:0] word;

  assign m_tvalid = may_emit;
  assign m_tlast  = shown_last;

  element_place #(
      .SAMPLES(SAMPLES),
      .LANES(LANES),
      .CHANNELS(CHANNELS),
      .PIXELS(PIXELS),
      .BY_CHANNEL(CHANNEL_STRIDE == 1 && CHANNELS > 1 ? 1 : 0)
  ) place (
      .clk(clk),
      .rst(rst),
      .step(fetch && will_emit),
      .sample(sample),
      .lane(lane),
      .beat(from),
      .is_last(is_last_element)
  );

  double_buffer banks (
      .clk(clk),
      .rst(rst),
      .filled(take && is_last_beat),
      .emitted(step && shown_last),
      .may_fill(may_fill),
      .may_emit(may_emit),
      .will_emit(will_emit),
      .fill_bank(fill_bank),
      .emit_bank(emit_bank)
  );

  initial begin
    to = {BEAT_BITS{1'b0}};
    from_bank = 1'b0;
  end

  always @(posedge clk) begin
    if (rst) to <= {BEAT_BITS{1'b0}};
    else if (take) to <= is_last_beat ? {BEAT_BITS{1'b0}} : to + NEXT_BEAT;
    if (rst) from_bank <= 1'b0;
    else if (fetch && will_emit && is_last_element) from_bank <= !from_bank;
    if (fetch) begin
      shown_sample <= sample;
      shown_lane <= lane;
      shown_last <= is_last_element;
    end
  end

  generate
    if (CHANNELS > 1 && PIXELS > 1 && CHANNEL_STRIDE != 1 && PIXEL_STRIDE != 1) begin : wrong
      no_such_order_of_elements error ();
    end
    if (BEATS == 1) begin : in_registers
      // A memory would be read in the cycle in which it is written.
      reg [WIDTH-1:0] beat_0, beat_1;
      wire unused = &{1'b0, from, from_bank};
      always @(posedge clk) begin
        if (take && !fill_bank) beat_0 <= x_data;
        if (take && fill_bank) beat_1 <= x_data;
      end
      assign word = emit_bank ? beat_1 : beat_0;
    end else begin : in_memory
      wire unused = &{1'b0, emit_bank};
      ram #(
          .WIDTH(WIDTH),
          .DEPTH(2 * BEATS),
          .STYLE(STYLE)
      ) beats (
          .clk(clk),
          .we(take),
          .waddr({to, fill_bank}),
          .wdata(x_data),
          .re(fetch),
          .raddr({from, from_bank}),
          .rdata(word)
      );
    end
  endgenerate

  wire [SAMPLES*BITS-1:0] pixel;
  wire [        BITS-1:0] value;

  pick #(
      .WIDTH(SAMPLES * BITS),
      .WORDS(LANES)
  ) of_lanes (
      .words(word),
      .index(shown_lane),
      .word (pixel)
  );

  pick #(
      .WIDTH(BITS),
      .WORDS(SAMPLES)
  ) of_samples (
      .words(pixel),
      .index(shown_sample),
      .word (value)
  );

  generate
    if (TDATA_BITS == BITS) begin : whole
      assign m_tdata = value;
    end else begin : extended
      assign m_tdata = {{(TDATA_BITS - BITS) {SIGNED != 0 && value[BITS-1]}}, value};
    end
  endgenerate

endmodule

`default_nettype wire
