// value + by in a ring of SIZE places, in the same cycle.
//
// `by_less` is by - SIZE: a `by` that is chosen from constants has constants for it, too, so that
// value + by and value + by - SIZE are made side by side. `wraps`: the sum is SIZE or more.
`default_nettype none

module ring_add #(
    parameter SIZE = 6,
    parameter BITS = SIZE > 1 ? $clog2(SIZE) : 1
) (
    input  wire [BITS-1:0] value,
    input  wire [BITS-1:0] by,
    input  wire [  BITS:0] by_less,
    output wire [BITS-1:0] sum,
    output wire            wraps
);

  wire [BITS-1:0] straight = value + by;
  wire [BITS:0] less = {1'b0, value} + by_less;

  assign wraps = !less[BITS];
  assign sum   = wraps ? less[BITS-1:0] : straight;

endmodule

`default_nettype wire
