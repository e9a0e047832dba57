// A beat in, its elements requantised out.
//
// A step, at most one a cycle, reads a beat and takes a place in the output: both have to be there.
// A step in cycle m: `x_read`, `y_make` in m; `y_write`, `y_data` in m + 2 + TERMS.
//
// LANES = pixels of a beat * samples. SCALE_FILE: SCALES entries, each SCALE_LANES words of
// `requantise` side by side, one entry a beat, again from the first after the last. One scale for
// all: SCALES = 1; one for each channel: SCALES = channels; one for each element: SCALES = beats of
// an image and SCALE_LANES = pixels of a beat.
`default_nettype none

module scale_elements #(
    parameter LANES = 1,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
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
    input  wire                      x_valid,
    input  wire [  LANES*X_BITS-1:0] x_data,
    output wire                      x_read,
    input  wire                      y_place,
    output wire                      y_make,
    output wire                      y_write,
    output wire [LANES*OUT_BITS-1:0] y_data
);

  localparam STAGES = 2 + TERMS;
  localparam IN_BITS = X_SIGNED != 0 ? X_BITS : X_BITS + 1;

  wire ready;
  wire [LANES*IN_BITS-1:0] values;
  wire step = x_valid && y_place && ready;
  reg [STAGES-1:0] makes;

  assign x_read = step;
  assign y_make = step;
  assign y_write = makes[STAGES-1];

  initial makes = 0;
  always @(posedge clk) makes <= rst ? 0 : {makes[STAGES-2:0], step};

  genvar v;
  generate
    for (v = 0; v < LANES; v = v + 1) begin : lanes
      if (X_SIGNED != 0) begin : as_signed
        assign values[v*IN_BITS+:IN_BITS] = x_data[v*X_BITS+:X_BITS];
      end else begin : as_unsigned
        assign values[v*IN_BITS+:IN_BITS] = {1'b0, x_data[v*X_BITS+:X_BITS]};
      end
    end
  endgenerate

  requantise_stream #(
      .LANES(LANES),
      .IN_BITS(IN_BITS),
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
      .next(step),
      .values(values),
      .y(y_data)
  );

endmodule

`default_nettype wire
