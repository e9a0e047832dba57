// Copies one FIFO to OUTPUTS others: a step in every cycle in which a beat is there and a place in
// all of them. STAGES 1: a beat read in cycle m is written to all in m + 1.
//
// y_place has a bit for each output; y_make, y_write and y_data go to all. To drop a tensor, take
// OUTPUTS 1 and y_place 1.
`default_nettype none

module fork_beats #(
    parameter WIDTH = 8,
    parameter OUTPUTS = 2
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               x_valid,
    input  wire [  WIDTH-1:0] x_data,
    output wire               x_read,
    input  wire [OUTPUTS-1:0] y_place,
    output wire               y_make,
    output reg                y_write,
    output reg  [  WIDTH-1:0] y_data
);

  wire step = x_valid && (&y_place);

  assign x_read = step;
  assign y_make = step;

  initial y_write = 1'b0;

  always @(posedge clk) begin
    y_write <= step && !rst;
    y_data  <= x_data;
  end

endmodule

`default_nettype wire
