// Beats of a tensor whose stream of one sample has the order of memory (CHANNELS = 1, PIXELS = 1,
// PIXELS <= LANES, or LANES = 1): each element goes to its lane as it comes. No memory.
//
// A beat takes min(LANES, PIXELS) steps, at most one a cycle. Each takes an element (`s_tvalid` and
// `s_tready`) but the last ones of an image's last beat where it has fewer elements. The last step
// makes the beat: it waits for a place in the output. STAGES 1: made in cycle m, written in m + 1.
// Lanes without an element are 0.
`default_nettype none

module load_direct #(
    parameter BITS = 8,
    parameter LANES = 1,
    parameter CHANNELS = 1,
    parameter PIXELS = 1,
    parameter TDATA_BITS = ((BITS + 7) / 8) * 8
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [TDATA_BITS-1:0] s_tdata,
    input  wire                  s_tvalid,
    output wire                  s_tready,
    input  wire                  y_place,
    output wire                  y_make,
    output reg                   y_write,
    output wire [LANES*BITS-1:0] y_data
);

  localparam STEPS = LANES < PIXELS ? LANES : PIXELS;  // of a beat

  reg  [STEPS*BITS-1:0] elements;
  wire [      BITS-1:0] element = s_tdata[BITS-1:0];
  wire                  is_idle;  // a step without an element
  wire                  ends_beat;
  wire                  may_step = !ends_beat || y_place;
  wire                  step = may_step && (is_idle || s_tvalid);

  assign s_tready = may_step && !is_idle;
  assign y_make   = step && ends_beat;

  generate
    if (BITS < TDATA_BITS) begin : padded
      wire unused = &{1'b0, s_tdata[TDATA_BITS-1:BITS]};
    end
    if (STEPS < LANES) begin : empty_lanes
      assign y_data = {{((LANES - STEPS) * BITS) {1'b0}}, elements};
    end else begin : full_beats
      assign y_data = elements;
    end
  endgenerate

  beat_steps #(
      .STEPS(STEPS),
      .CHANNELS(CHANNELS),
      .PIXELS(PIXELS),
      .IDLE_FIRST(0)
  ) steps (
      .clk(clk),
      .rst(rst),
      .step(step),
      // verilator lint_off PINCONNECTEMPTY
      .begins_beat(),
      .ends_image(),  // images follow each other without a gap
      // verilator lint_on PINCONNECTEMPTY
      .ends_beat(ends_beat),
      .is_idle(is_idle)
  );

  initial y_write = 1'b0;

  always @(posedge clk) begin
    y_write <= y_make && !rst;
  end

  generate
    if (STEPS == 1) begin : one
      always @(posedge clk) if (step) elements <= element;
    end else begin : several
      always @(posedge clk)
        if (step)
          elements <= {is_idle ? {BITS{1'b0}} : element, elements[STEPS*BITS-1:BITS]};
    end
  endgenerate

endmodule

`default_nettype wire
