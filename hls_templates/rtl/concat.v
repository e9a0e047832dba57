// Joins the channels of INPUTS maps: COUNTS[k] beats of input k, input after input, over and over
// (COUNTS: 16 bits each, input 0 lowest).
//
// A step in every cycle in which the input whose turn it is has a beat and the output a place.
// STAGES 1: a beat read in cycle m is written in m + 1. x_data: the inputs' beats side by side, all
// WIDTH bits (where an input has fewer bits than the output, its values are extended before).
`default_nettype none

module concat #(
    parameter WIDTH = 8,
    parameter INPUTS = 2,
    parameter [INPUTS*16-1:0] COUNTS = {INPUTS{16'd1}}
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [      INPUTS-1:0] x_valid,
    input  wire [INPUTS*WIDTH-1:0] x_data,
    output wire [      INPUTS-1:0] x_read,
    input  wire                    y_place,
    output wire                    y_make,
    output reg                     y_write,
    output reg  [       WIDTH-1:0] y_data
);

  wire [INPUTS-1:0] turn;
  wire              step = (|(x_valid & turn)) && y_place;
  reg  [ WIDTH-1:0] beat;

  assign x_read = turn & {INPUTS{step}};
  assign y_make = step;

  turns #(
      .INPUTS(INPUTS),
      .COUNT_BITS(16),
      .COUNTS(COUNTS)
  ) of_inputs (
      .clk(clk),
      .rst(rst),
      .step(step),
      .turn(turn),
      // verilator lint_off PINCONNECTEMPTY
      .is_last()  // rounds follow each other without a gap
      // verilator lint_on PINCONNECTEMPTY
  );

  integer k;
  always @* begin
    beat = {WIDTH{1'b0}};
    for (k = 0; k < INPUTS; k = k + 1) beat = beat | (x_data[k*WIDTH+:WIDTH] & {WIDTH{turn[k]}});
  end

  initial y_write = 1'b0;

  always @(posedge clk) begin
    y_write <= step && !rst;
    y_data  <= beat;
  end

endmodule

`default_nettype wire
