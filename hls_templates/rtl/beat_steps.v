// Counts the steps of the beats of a tensor that travels in the order of memory (see load_direct,
// store_direct): STEPS steps a beat, one element each.
//
// Where an image's last beat has fewer elements, the rest of its STEPS steps are idle: the first
// of them (IDLE_FIRST 1) or the last. The outputs tell of the next step, and move on in the cycle
// after a `step`.
`default_nettype none

module beat_steps #(
    parameter STEPS = 1,
    parameter CHANNELS = 1,
    parameter PIXELS = 1,
    parameter IDLE_FIRST = 0
) (
    input  wire clk,
    input  wire rst,
    input  wire step,
    output wire begins_beat,
    output wire ends_beat,
    output wire ends_image,
    output wire is_idle
);

  localparam BEATS = ((PIXELS + STEPS - 1) / STEPS) * CHANNELS;
  localparam LAST_STEPS = PIXELS - ((PIXELS - 1) / STEPS) * STEPS;  // with an element, last beat
  localparam STEP_BITS = STEPS > 1 ? $clog2(STEPS) : 1;
  localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam [31:0] LAST_STEP = STEPS - 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] FIRST_IDLE = LAST_STEPS;
  localparam [31:0] FIRST_BUSY = STEPS - LAST_STEPS;
  localparam [STEP_BITS-1:0] NEXT_STEP = 1;
  localparam [BEAT_BITS-1:0] NEXT_BEAT = 1;

  reg  [STEP_BITS-1:0] count;
  reg  [BEAT_BITS-1:0] beat;
  wire                 is_last_beat = beat == LAST_BEAT[BEAT_BITS-1:0];

  assign begins_beat = count == {STEP_BITS{1'b0}};
  assign ends_beat   = count == LAST_STEP[STEP_BITS-1:0];
  assign ends_image  = ends_beat && is_last_beat;

  generate
    if (LAST_STEPS == STEPS) begin : never_idle
      assign is_idle = 1'b0;
    end else if (IDLE_FIRST != 0) begin : idle_first
      assign is_idle = is_last_beat && count < FIRST_BUSY[STEP_BITS-1:0];
    end else begin : idle_last
      assign is_idle = is_last_beat && count >= FIRST_IDLE[STEP_BITS-1:0];
    end
  endgenerate

  initial begin
    count = {STEP_BITS{1'b0}};
    beat  = {BEAT_BITS{1'b0}};
  end

  always @(posedge clk) begin
    if (rst) begin
      count <= {STEP_BITS{1'b0}};
      beat  <= {BEAT_BITS{1'b0}};
    end else if (step) begin
      count <= ends_beat ? {STEP_BITS{1'b0}} : count + NEXT_STEP;
      if (ends_beat) beat <= is_last_beat ? {BEAT_BITS{1'b0}} : beat + NEXT_BEAT;
    end
  end

endmodule

`default_nettype wire
