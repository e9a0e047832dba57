// One of the two rows that hold the sums of a window, in the same cycle: see plan.shared_sums.
//
// Lane v of `row` is the low LOW_BITS bits of sum v, or with `high` what is above them. A sum is of
// SUM_BITS bits, two's complement with X_SIGNED; what is above fits X_BITS bits.
`default_nettype none

module sum_part #(
    parameter COLUMNS = 1,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter SUM_BITS = 11,
    parameter LOW_BITS = 7
) (
    input  wire [COLUMNS*SUM_BITS-1:0] sums,
    input  wire                        high,
    output wire [  COLUMNS*X_BITS-1:0] row
);

  localparam [X_BITS-1:0] LOW_MASK = {X_BITS{1'b1}} >> (X_BITS - LOW_BITS);

  genvar v;
  generate
    for (v = 0; v < COLUMNS; v = v + 1) begin : columns
      wire [SUM_BITS-1:0] sum = sums[v*SUM_BITS+:SUM_BITS];
      wire [X_BITS-1:0] extension = {X_BITS{X_SIGNED != 0 && sum[SUM_BITS-1]}};
      // verilator lint_off UNUSEDSIGNAL
      wire [SUM_BITS+X_BITS-1:0] wide = {extension, sum};  // its highest bits are copies
      // verilator lint_on UNUSEDSIGNAL
      assign row[v*X_BITS+:X_BITS] = high ? wide[LOW_BITS+:X_BITS] : wide[X_BITS-1:0] & LOW_MASK;
    end
  endgenerate

endmodule

`default_nettype wire
