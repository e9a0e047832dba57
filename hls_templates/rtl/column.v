// One column of a PE: acc = (clear_n ? (shift ? 2 acc : acc) : 0) + (negate ? -x : x).
//
// All inputs of cycle c make `acc` of cycle c + 1, if `enable`; it wraps at WIDTH bits. x is extended by its
// sign (X_SIGNED 1) or by zeros. IMPL "xilinx": one LUT6_2 for each bit and one CARRY4 for four,
// which tools do not find by themselves. A bit's LUT6_2 makes both inputs of its carry: O5 = x ^
// negate, and O6 = O5 ^ the bit of acc, of the one below, or nothing; `negate` is also the carry
// into bit 0. IMPL "generic": column_generic.v, which says the same in plain Verilog.
`default_nettype none

module column #(
    parameter WIDTH = 20,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter IMPL = "xilinx"
) (
    input  wire              clk,
    input  wire              enable,
    input  wire              clear_n,
    input  wire              shift,
    input  wire              negate,
    input  wire [X_BITS-1:0] x,
    output wire [ WIDTH-1:0] acc
);

  // Comparing strings of different lengths pads the shorter: as meant.
  /* verilator lint_off WIDTHEXPAND */
  generate
    if (IMPL == "xilinx") begin : in_luts
      /* verilator lint_on WIDTHEXPAND */
      localparam GROUPS = (WIDTH + 3) / 4;
      localparam PADDED = 4 * GROUPS;
      localparam [63:0] INIT = 64'hCA3535CA_00FFFF00;
      reg [WIDTH-1:0] sum;
      wire [WIDTH+X_BITS-1:0] extended = {{WIDTH{X_SIGNED != 0 && x[X_BITS-1]}}, x};
      wire [WIDTH:0] below = {sum, 1'b0};
      wire [PADDED-1:0] propagate, addend, next, carry;
      wire [PADDED:0] carry_in = {carry, 1'b0};
      genvar i;

      // verilator lint_off UNUSEDSIGNAL
      wire unused = &{1'b0, extended, below, next, carry_in};
      // verilator lint_on UNUSEDSIGNAL

      for (i = 0; i < PADDED; i = i + 1) begin : bits
        if (i < WIDTH) begin : used
          LUT6_2 #(
              .INIT(INIT)
          ) lut (
              .I0(sum[i]),
              .I1(below[i]),
              .I2(shift),
              .I3(extended[i]),
              .I4(negate),
              .I5(clear_n),
              .O5(addend[i]),
              .O6(propagate[i])
          );
        end else begin : spare
          assign addend[i] = 1'b0;
          assign propagate[i] = 1'b0;
        end
      end
      for (i = 0; i < GROUPS; i = i + 1) begin : groups
        CARRY4 chain (
            .CO(carry[4*i+:4]),
            .O(next[4*i+:4]),
            .CI(carry_in[4*i]),
            .CYINIT(i == 0 ? negate : 1'b0),
            .DI(addend[4*i+:4]),
            .S(propagate[4*i+:4])
        );
      end

      initial sum = {WIDTH{1'b0}};
      always @(posedge clk) if (enable) sum <= next[WIDTH-1:0];
      assign acc = sum;
    end else begin : in_verilog
      column_generic #(
          .WIDTH(WIDTH),
          .X_BITS(X_BITS),
          .X_SIGNED(X_SIGNED)
      ) column_generic (
          .clk(clk),
          .enable(enable),
          .clear_n(clear_n),
          .shift(shift),
          .negate(negate),
          .x(x),
          .acc(acc)
      );
    end
  endgenerate

endmodule

`default_nettype wire
