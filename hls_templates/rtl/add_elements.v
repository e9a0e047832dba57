// Beats of several inputs in, the requantised weighted sum of their elements out.
//
// A step, at most one a cycle, reads a beat of every input and takes a place in the output: all
// have to be there. A step in cycle m: `x_read` (one wire for all inputs), `y_make` in m; the beats
// are in registers in m + 1 (they may come out of block RAM, late), their sums in m + 2; `y_write`,
// `y_data` in m + 4 + TERMS.
//
// LANES = pixels of a beat * samples. `x_data`: the inputs' beats side by side, input 0 lowest;
// input k has X_BITS[k] (8 bits each) bits a lane, signed where X_SIGNED[k]. Its weight is the sum
// over t of +-2^WEIGHT_SHIFT[k*WEIGHT_TERMS + t] (8 bits each) where WEIGHT_USED (a bit each),
// minus where WEIGHT_NEGATIVE (a bit each). SUM_BITS hold the sums. Scales: see scale_elements.v.
`default_nettype none

module add_elements #(
    parameter LANES = 1,
    parameter INPUTS = 2,
    parameter [INPUTS*8-1:0] X_BITS = {INPUTS{8'd8}},
    parameter [INPUTS-1:0] X_SIGNED = {INPUTS{1'b1}},
    parameter WEIGHT_TERMS = 1,
    parameter [INPUTS*WEIGHT_TERMS*8-1:0] WEIGHT_SHIFT = {INPUTS * WEIGHT_TERMS{8'd0}},
    parameter [INPUTS*WEIGHT_TERMS-1:0] WEIGHT_USED = {INPUTS * WEIGHT_TERMS{1'b1}},
    parameter [INPUTS*WEIGHT_TERMS-1:0] WEIGHT_NEGATIVE = {INPUTS * WEIGHT_TERMS{1'b0}},
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
    parameter OUT_BITS = 8,
    parameter X_TOTAL = 16  // sum of X_BITS
) (
    input  wire                      clk,
    input  wire                      rst,
    input  wire [        INPUTS-1:0] x_valid,
    input  wire [ LANES*X_TOTAL-1:0] x_data,
    output wire                      x_read,
    input  wire                      y_place,
    output wire                      y_make,
    output wire                      y_write,
    output wire [LANES*OUT_BITS-1:0] y_data
);

  localparam STAGES = 4 + TERMS;
  localparam OPERANDS = INPUTS * WEIGHT_TERMS;

  // The bits of a lane of the inputs before input k.
  function integer bits_before(input integer k);
    integer i;
    begin
      bits_before = 0;
      for (i = 0; i < k; i = i + 1) bits_before = bits_before + {24'd0, X_BITS[i*8+:8]};
    end
  endfunction

  wire ready;
  wire [LANES*SUM_BITS-1:0] sums;
  reg [LANES*X_TOTAL-1:0] beats;
  reg [LANES*SUM_BITS-1:0] values;
  wire step = &x_valid && y_place && ready;
  reg [STAGES-1:0] makes;

  assign x_read = step;
  assign y_make = step;
  assign y_write = makes[STAGES-1];

  initial makes = 0;
  always @(posedge clk) begin
    makes  <= rst ? 0 : {makes[STAGES-2:0], step};
    beats  <= x_data;
    values <= sums;
  end

  genvar v, k, t;
  generate
    for (v = 0; v < LANES; v = v + 1) begin : lanes
      wire [OPERANDS*SUM_BITS-1:0] operands;
      for (k = 0; k < INPUTS; k = k + 1) begin : inputs
        localparam integer BITS = {24'd0, X_BITS[k*8+:8]};
        wire [BITS-1:0] x = beats[LANES*bits_before(k)+v*BITS+:BITS];
        wire [SUM_BITS+BITS-1:0] wide = {{SUM_BITS{X_SIGNED[k] && x[BITS-1]}}, x};
        for (t = 0; t < WEIGHT_TERMS; t = t + 1) begin : terms
          localparam AT = k * WEIGHT_TERMS + t;
          assign operands[AT*SUM_BITS+:SUM_BITS] = wide[SUM_BITS-1:0] << WEIGHT_SHIFT[AT*8+:8];
        end
        // verilator lint_off UNUSEDSIGNAL
        wire unused = &{1'b0, wide};  // copies of the sign
        // verilator lint_on UNUSEDSIGNAL
      end

      adder_tree #(
          .TERMS(OPERANDS),
          .BITS(SUM_BITS),
          .USED(WEIGHT_USED),
          .NEGATIVE(WEIGHT_NEGATIVE)
      ) adders (
          .terms(operands),
          .sum  (sums[v*SUM_BITS+:SUM_BITS])
      );
    end
  endgenerate

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
      .next(makes[1]),
      .values(values),
      .y(y_data)
  );

endmodule

`default_nettype wire
