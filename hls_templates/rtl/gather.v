// Any rearrangement of elements: stores the beats of all inputs, then makes beats of any of their
// pixels, through two memories in turn.
//
// Reading: BEATS[k] beats of input k, input after input (32 bits each, input 0 lowest), one a cycle
// while it is there; image i from the cycle after the last beat of image i - 2 was made. Writing:
// from the cycle after an image's last beat was read, OUT_BEATS beats, one a cycle while there is a
// place. STAGES 2: step in cycle m, words from the memories in m + 1, chosen pixels in m + 2.
//
// x_data: the inputs' beats side by side, each IN_LANES pixels of PIXEL_BITS bits (one with fewer
// lanes leaves the upper ones 0). Every output lane has its own copy of the memory; a word of it is
// a beat. FILE: a word for each output beat; lane r has its bits [r*FIELD +: FIELD],
//   FIELD = 1 + BEAT_BITS + LANE_BITS, {is_zero, beat[BEAT_BITS], lane[LANE_BITS]},
//   BEAT_BITS = max(1, clog2(all beats of all inputs)), LANE_BITS = max(1, clog2(IN_LANES)):
// pixel `lane` of beat `beat`, counted over the inputs in the order of arrival, or zero.
`default_nettype none

module gather #(
    parameter PIXEL_BITS = 8,
    parameter INPUTS = 1,
    parameter IN_LANES = 1,
    parameter [INPUTS*32-1:0] BEATS = {INPUTS{32'd2}},
    parameter OUT_LANES = 1,
    parameter OUT_BEATS = 2,
    parameter FILE = "",
    parameter STYLE = "auto",
    parameter SOURCE_STYLE = "auto"
) (
    input  wire                                  clk,
    input  wire                                  rst,
    input  wire [                    INPUTS-1:0] x_valid,
    input  wire [INPUTS*IN_LANES*PIXEL_BITS-1:0] x_data,
    output wire [                    INPUTS-1:0] x_read,
    input  wire                                  y_place,
    output wire                                  y_make,
    output reg                                   y_write,
    output reg  [      OUT_LANES*PIXEL_BITS-1:0] y_data
);

  function integer all_beats(input integer unused);
    integer k;
    begin
      all_beats = 0 * unused;
      for (k = 0; k < INPUTS; k = k + 1) all_beats = all_beats + BEATS[k*32+:32];
    end
  endfunction

  localparam IN_BEATS = all_beats(0);
  localparam WIDTH = IN_LANES * PIXEL_BITS;
  localparam BEAT_BITS = IN_BEATS > 1 ? $clog2(IN_BEATS) : 1;
  localparam LANE_BITS = IN_LANES > 1 ? $clog2(IN_LANES) : 1;
  localparam FIELD = 1 + BEAT_BITS + LANE_BITS;
  localparam OUT_BITS = OUT_BEATS > 1 ? $clog2(OUT_BEATS) : 1;
  localparam [31:0] OUT_LAST = OUT_BEATS - 1;
  localparam [BEAT_BITS-1:0] NEXT_BEAT = 1;
  localparam [OUT_BITS-1:0] NEXT_OUT = 1;
  localparam DEPTH = IN_BEATS > 1 ? 2 * IN_BEATS : 4;

  wire may_fill, may_emit, fill_bank, emit_bank;

  // Reading.
  wire [INPUTS-1:0] turn;
  wire              is_last_in;
  wire              take = (|(x_valid & turn)) && may_fill;
  wire              filled = take && is_last_in;
  reg [BEAT_BITS-1:0] beat;
  reg [    WIDTH-1:0] taken;

  assign x_read = turn & {INPUTS{take}};

  turns #(
      .INPUTS(INPUTS),
      .COUNT_BITS(32),
      .COUNTS(BEATS)
  ) of_inputs (
      .clk(clk),
      .rst(rst),
      .step(take),
      .turn(turn),
      .is_last(is_last_in)
  );

  integer k;
  always @* begin
    taken = {WIDTH{1'b0}};
    for (k = 0; k < INPUTS; k = k + 1) taken = taken | (x_data[k*WIDTH+:WIDTH] & {WIDTH{turn[k]}});
  end

  // Writing: the source word of the next step is there before it.
  reg                        has_source;
  reg  [       OUT_BITS-1:0] next;  // output beat whose source word is fetched next
  reg                        is_last_out;  // the word that is there is of an image's last beat
  reg                        is_read;
  wire [OUT_LANES*FIELD-1:0] source;
  wire                       step = may_emit && y_place;
  wire                       fetch = step || !has_source;
  wire                       emitted = step && is_last_out;

  assign y_make = step;

  double_buffer banks (
      .clk(clk),
      .rst(rst),
      .filled(filled),
      .emitted(emitted),
      .may_fill(may_fill),
      .may_emit(may_emit),
      // verilator lint_off PINCONNECTEMPTY
      .will_emit(),  // nothing is prefetched from the memories
      // verilator lint_on PINCONNECTEMPTY
      .fill_bank(fill_bank),
      .emit_bank(emit_bank)
  );

  rom #(
      .WIDTH(OUT_LANES * FIELD),
      .DEPTH(OUT_BEATS),
      .FILE (FILE),
      .STYLE(SOURCE_STYLE)
  ) sources (
      .clk(clk),
      .enable(fetch),
      .addr(next),
      .data(source)
  );

  initial begin
    beat = {BEAT_BITS{1'b0}};
    has_source = 1'b0;
    next = {OUT_BITS{1'b0}};
    is_read = 1'b0;
    y_write = 1'b0;
  end

  always @(posedge clk) begin
    is_read <= step && !rst;
    y_write <= is_read && !rst;
    has_source <= !rst;
    if (rst || filled) beat <= {BEAT_BITS{1'b0}};
    else if (take) beat <= beat + NEXT_BEAT;
    if (fetch) is_last_out <= next == OUT_LAST[OUT_BITS-1:0];
    if (rst || (fetch && next == OUT_LAST[OUT_BITS-1:0])) next <= {OUT_BITS{1'b0}};
    else if (fetch) next <= next + NEXT_OUT;
  end

  genvar r;
  generate
    for (r = 0; r < OUT_LANES; r = r + 1) begin : lanes
      wire                  is_zero;
      wire [ BEAT_BITS-1:0] from;
      wire [ LANE_BITS-1:0] lane;
      wire [     WIDTH-1:0] word;
      wire [PIXEL_BITS-1:0] pixel;
      reg                   was_zero;
      reg  [ LANE_BITS-1:0] was_lane;

      assign {is_zero, from, lane} = source[r*FIELD+:FIELD];

      ram #(
          .WIDTH(WIDTH),
          .DEPTH(DEPTH),
          .STYLE(STYLE)
      ) beats (
          .clk(clk),
          .we(take),
          .waddr({beat, fill_bank}),
          .wdata(taken),
          .re(step),
          .raddr({from, emit_bank}),
          .rdata(word)
      );

      pick #(
          .WIDTH(PIXEL_BITS),
          .WORDS(IN_LANES)
      ) of_word (
          .words(word),
          .index(was_lane),
          .word (pixel)
      );

      always @(posedge clk) begin
        was_zero <= is_zero;
        was_lane <= lane;
        y_data[r*PIXEL_BITS+:PIXEL_BITS] <= was_zero ? {PIXEL_BITS{1'b0}} : pixel;
      end
    end
  endgenerate

endmodule

`default_nettype wire
