// One of four words, chosen by two bits, combinational: IMPL "xilinx" makes it one LUT6 for each
// bit, where a tool may find none as small.
`default_nettype none

module select_bits #(
    parameter WIDTH = 32,
    parameter IMPL = "xilinx"
) (
    input  wire [WIDTH-1:0] word_0,
    input  wire [WIDTH-1:0] word_1,
    input  wire [WIDTH-1:0] word_2,
    input  wire [WIDTH-1:0] word_3,
    input  wire [      1:0] index,
    output wire [WIDTH-1:0] word
);

  // Comparing strings of different lengths pads the shorter: as meant.
  /* verilator lint_off WIDTHEXPAND */
  genvar i;
  generate
    if (IMPL == "xilinx") begin : in_luts
      /* verilator lint_on WIDTHEXPAND */
      for (i = 0; i < WIDTH; i = i + 1) begin : bits
        LUT6 #(
            .INIT(64'hFF00F0F0CCCCAAAA)
        ) lut (
            .I0(word_0[i]),
            .I1(word_1[i]),
            .I2(word_2[i]),
            .I3(word_3[i]),
            .I4(index[0]),
            .I5(index[1]),
            .O (word[i])
        );
      end
    end else begin : in_verilog
      assign word = index[1] ? (index[0] ? word_3 : word_2) : index[0] ? word_1 : word_0;
    end
  endgenerate

endmodule

`default_nettype wire
