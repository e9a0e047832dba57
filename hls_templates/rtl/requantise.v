// clamp((value * multiplier + bias + half) >> SHIFT, LOW, HIGH) for LANES values side by side.
//
// `values` and their constants `scale` of cycle c give `y` in cycle c + 2 + TERMS: one register
// after the shifts of the first term, one for each term's adder, one after the clamp. It takes new
// values in every cycle and never stalls; nothing is reset.
//
// The multiplier is a sum of TERMS terms +-2^s (TERMS 0: it is zero). `scale` is SCALE_LANES words,
// the lowest for the lowest LANES / SCALE_LANES lanes; a word is, from its high bits down,
//   bias[SCALED_BITS]    with `half` = (1 << SHIFT) >> 1 added already,
//   for the terms t = TERMS-1 .. 0:  negative, used, places[SHIFT_BITS]
// where s = SHIFT_MIN[t] + places <= SHIFT_MAX[t]; negative = 0 where used = 0. Where SHIFT_MIN[t]
// == SHIFT_MAX[t] places is ignored; if that is so for all t, SHIFT_BITS may be 0. MAY_NEGATE[t] =
// 0 and MAY_SKIP[t] = 0 say that negative is never 1 and used is always 1. SHIFT_MIN, SHIFT_MAX: 8
// bits a term.
//
// SCALED_BITS hold bias + half and every partial sum (SCALED_BITS > SHIFT); `values` are signed; y
// has OUT_BITS, which hold LOW and HIGH.
`default_nettype none

module requantise #(
    parameter LANES = 1,
    parameter SCALE_LANES = 1,
    parameter IN_BITS = 20,
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
    parameter OUT_BITS = 8,
    parameter SCALE_BITS = SCALED_BITS + TERMS * (SHIFT_BITS + 2)
) (
    input  wire                              clk,
    input  wire [         LANES*IN_BITS-1:0] values,
    input  wire [SCALE_LANES*SCALE_BITS-1:0] scale,
    output wire [        LANES*OUT_BITS-1:0] y
);

  // The lowest bits, which no term reaches and the shift drops, are left out of every sum.
  function integer lowest(input integer n_terms);
    integer t;
    begin
      lowest = SHIFT;
      for (t = 0; t < n_terms; t = t + 1) begin
        if ({24'd0, SHIFT_MIN[t*8+:8]} < lowest) lowest = {24'd0, SHIFT_MIN[t*8+:8]};
      end
    end
  endfunction

  localparam DROP = lowest(TERMS);
  localparam BITS = SCALED_BITS - DROP;
  localparam FIELD = SHIFT_BITS + 2;
  localparam GROUP = LANES / SCALE_LANES;

  // Register stage k of the sums and of values and scales (k = 0: as they come).
  wire [(TERMS+1)*LANES*BITS-1:0] sums;
  wire [(TERMS+1)*LANES*IN_BITS-1:0] value_at;
  wire [(TERMS+1)*SCALE_LANES*SCALE_BITS-1:0] scale_at;
  assign value_at[0+:LANES*IN_BITS] = values;
  assign scale_at[0+:SCALE_LANES*SCALE_BITS] = scale;

  genvar lane, t;
  generate
    for (t = 0; t < TERMS; t = t + 1) begin : delays
      reg [LANES*IN_BITS-1:0] value_q;
      reg [SCALE_LANES*SCALE_BITS-1:0] scale_q;
      always @(posedge clk) begin
        value_q <= value_at[t*LANES*IN_BITS+:LANES*IN_BITS];
        scale_q <= scale_at[t*SCALE_LANES*SCALE_BITS+:SCALE_LANES*SCALE_BITS];
      end
      assign value_at[(t+1)*LANES*IN_BITS+:LANES*IN_BITS] = value_q;
      assign scale_at[(t+1)*SCALE_LANES*SCALE_BITS+:SCALE_LANES*SCALE_BITS] = scale_q;
    end

    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
      localparam SCALE_AT = lane / GROUP * SCALE_BITS;
      reg [BITS-1:0] bias;
      always @(posedge clk) bias <= scale[SCALE_AT+TERMS*FIELD+DROP+:BITS];
      assign sums[lane*BITS+:BITS] = bias;

      for (t = 0; t < TERMS; t = t + 1) begin : terms
        localparam integer LEAST = {24'd0, SHIFT_MIN[t*8+:8]};
        localparam integer MOST = {24'd0, SHIFT_MAX[t*8+:8]};
        shift_add_term #(
            .IN_BITS(IN_BITS),
            .BITS(BITS),
            .FIELD(FIELD),
            .SHIFT_MIN(LEAST - DROP),
            .SPAN(MOST - LEAST),
            .MAY_NEGATE(MAY_NEGATE[t]),
            .MAY_SKIP(MAY_SKIP[t])
        ) shifter (
            .clk(clk),
            .value(value_at[(t*LANES+lane)*IN_BITS+:IN_BITS]),
            .field(scale_at[t*SCALE_LANES*SCALE_BITS+SCALE_AT+t*FIELD+:FIELD]),
            .sum_in(sums[(t*LANES+lane)*BITS+:BITS]),
            .sum_out(sums[((t+1)*LANES+lane)*BITS+:BITS])
        );
      end

      clamp #(
          .IN_BITS(SCALED_BITS - SHIFT),
          .LOW(LOW),
          .HIGH(HIGH),
          .OUT_BITS(OUT_BITS)
      ) ends (
          .clk(clk),
          .value(sums[(TERMS*LANES+lane)*BITS+SHIFT-DROP+:SCALED_BITS-SHIFT]),
          .y(y[lane*OUT_BITS+:OUT_BITS])
      );
    end
  endgenerate

  // The last of the delays, what lies below the shift, and places that are the same for all.
  // all.
  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, sums, value_at, scale_at, scale};
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
