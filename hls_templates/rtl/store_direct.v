// Elements of a tensor whose stream of one sample has the order of memory (CHANNELS = 1, PIXELS =
// 1, PIXELS <= LANES, or LANES = 1): each leaves its lane in turn. No memory.
//
// A beat takes min(LANES, PIXELS) steps, at most one a cycle; the first reads it. Each step hands
// an element out in its cycle (`m_tvalid`, waits for `m_tready`), the first one straight from
// `x_data`, but the first steps of an image's last beat where it has fewer elements. `m_tdata`:
// the value extended to whole bytes; `m_tlast` with the last element of the image.
`default_nettype none

module store_direct #(
    parameter BITS = 8,
    parameter SIGNED = 1,
    parameter LANES = 1,
    parameter CHANNELS = 1,
    parameter PIXELS = 1,
    parameter TDATA_BITS = ((BITS + 7) / 8) * 8
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  x_valid,
    input  wire [LANES*BITS-1:0] x_data,
    output wire                  x_read,
    output wire [TDATA_BITS-1:0] m_tdata,
    output wire                  m_tvalid,
    input  wire                  m_tready,
    output wire                  m_tlast
);

  localparam STEPS = LANES < PIXELS ? LANES : PIXELS;  // of a beat

  wire [STEPS*BITS-1:0] shown;  // the beat's elements from this step on
  wire [      BITS-1:0] element = shown[BITS-1:0];
  wire                  begins_beat;
  wire                  is_idle;  // a step without an element
  wire                  has_beat = !begins_beat || x_valid;
  wire                  step = has_beat && (is_idle || m_tready);

  assign x_read   = step && begins_beat;
  assign m_tvalid = has_beat && !is_idle;

  beat_steps #(
      .STEPS(STEPS),
      .CHANNELS(CHANNELS),
      .PIXELS(PIXELS),
      .IDLE_FIRST(1)
  ) steps (
      .clk(clk),
      .rst(rst),
      .step(step),
      .begins_beat(begins_beat),
      // verilator lint_off PINCONNECTEMPTY
      .ends_beat(),  // the next beat begins
      // verilator lint_on PINCONNECTEMPTY
      .ends_image(m_tlast),
      .is_idle(is_idle)
  );

  generate
    if (STEPS < LANES) begin : empty_lanes
      wire unused = &{1'b0, x_data[LANES*BITS-1:STEPS*BITS]};
    end
    if (STEPS == 1) begin : one
      assign shown = x_data[BITS-1:0];
    end else begin : several
      reg [STEPS*BITS-1:0] rest;
      assign shown = begins_beat ? x_data[STEPS*BITS-1:0] : rest;
      always @(posedge clk) if (step) rest <= is_idle ? shown : shown >> BITS;
    end
    if (TDATA_BITS == BITS) begin : whole
      assign m_tdata = element;
    end else begin : extended
      assign m_tdata = {{(TDATA_BITS - BITS) {SIGNED != 0 && element[BITS-1]}}, element};
    end
  endgenerate

endmodule

`default_nettype wire
