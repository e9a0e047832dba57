// The twin of column.v in plain Verilog, for simulation and other devices: see there.
`default_nettype none

module column_generic #(
    parameter WIDTH = 20,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1
) (
    input  wire              clk,
    input  wire              enable,
    input  wire              clear_n,
    input  wire              shift,
    input  wire              negate,
    input  wire [X_BITS-1:0] x,
    output reg  [ WIDTH-1:0] acc
);

  wire [WIDTH+X_BITS-1:0] extended = {{WIDTH{X_SIGNED != 0 && x[X_BITS-1]}}, x};
  wire [WIDTH-1:0] addend = extended[WIDTH-1:0];
  wire [WIDTH-1:0] sum = !clear_n ? {WIDTH{1'b0}} : shift ? acc << 1 : acc;

  // The bits above the sum's are those of the sign.
  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, extended};
  // verilator lint_on UNUSEDSIGNAL

  initial acc = {WIDTH{1'b0}};

  always @(posedge clk) if (enable) acc <= negate ? sum - addend : sum + addend;

endmodule

`default_nettype wire
