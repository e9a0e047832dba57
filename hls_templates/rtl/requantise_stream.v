// `requantise` with the table of its scales.
//
// `values` of a cycle with `next` are scaled with the table's current entry and give `y` 2 + TERMS
// cycles later; the table goes on to its next entry, after the last to the first. `ready` is 0 in
// the first two cycles after reset only; `next` needs it. Entries: SCALE_LANES words of
// `requantise` side by side.
`default_nettype none

module requantise_stream #(
    parameter LANES = 1,
    parameter IN_BITS = 20,
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
    parameter OUT_BITS = 8
) (
    input  wire                      clk,
    input  wire                      rst,
    output wire                      ready,
    input  wire                      next,
    input  wire [ LANES*IN_BITS-1:0] values,
    output wire [LANES*OUT_BITS-1:0] y
);

  localparam SCALE_BITS = SCALED_BITS + TERMS * (SHIFT_BITS + 2);

  wire [SCALE_LANES*SCALE_BITS-1:0] scale;

  // verilator lint_off UNUSEDSIGNAL
  wire is_last;  // nobody asks
  // verilator lint_on UNUSEDSIGNAL

  rom_stream #(
      .WIDTH(SCALE_LANES * SCALE_BITS),
      .DEPTH(SCALES),
      .FILE (SCALE_FILE),
      .STYLE(SCALE_STYLE)
  ) scales (
      .clk(clk),
      .rst(rst),
      .next(next),
      .ready(ready),
      .word(scale),
      .is_last(is_last)
  );

  requantise #(
      .LANES(LANES),
      .SCALE_LANES(SCALE_LANES),
      .IN_BITS(IN_BITS),
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
      .values(values),
      .scale(scale),
      .y(y)
  );

endmodule

`default_nettype wire
