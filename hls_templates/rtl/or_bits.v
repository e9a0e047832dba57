// The OR of N words, bit by bit, at once: one LUT6 for five words more.
//
// Tools map a wide OR as a balanced tree, which takes up to half as many LUTs again. Here six words
// at a time are ORed until six are left; what fits no group of six waits for the last LUT. `words`
// has word 0 lowest. IMPL "xilinx": LUT6 by name, so that no tool takes the groups apart; "generic":
// plain Verilog.
`default_nettype none

module or_bits #(
    parameter WIDTH = 20,
    parameter N = 17,
    parameter IMPL = "xilinx"
) (
    input  wire [N*WIDTH-1:0] words,
    output wire [  WIDTH-1:0] any
);

  localparam WANTED = N > 6 ? (N - 2) / 5 : 0;  // with these, six are left at most
  localparam GROUPS = WANTED < N / 6 ? WANTED : N / 6;
  localparam LEFT = N - 5 * GROUPS;

  genvar b, g;
  generate
    if (N == 1) begin : one
      assign any = words;
    end else if (GROUPS > 0) begin : round
      wire [LEFT*WIDTH-1:0] left;
      for (g = 0; g < GROUPS; g = g + 1) begin : groups
        or_bits #(
            .WIDTH(WIDTH),
            .N(6),
            .IMPL(IMPL)
        ) group (
            .words(words[6*g*WIDTH+:6*WIDTH]),
            .any(left[g*WIDTH+:WIDTH])
        );
      end
      if (LEFT > GROUPS) begin : rest
        assign left[LEFT*WIDTH-1:GROUPS*WIDTH] = words[N*WIDTH-1:6*GROUPS*WIDTH];
      end
      or_bits #(
          .WIDTH(WIDTH),
          .N(LEFT),
          .IMPL(IMPL)
      ) rounds (
          .words(left),
          .any(any)
      );
    end else begin : last
      wire [6*WIDTH-1:0] six = {{6 * WIDTH{1'b0}}, words};
      for (b = 0; b < WIDTH; b = b + 1) begin : bits
        /* verilator lint_off WIDTHEXPAND */
        if (IMPL == "xilinx") begin : in_lut
          /* verilator lint_on WIDTHEXPAND */
          LUT6 #(
              .INIT(64'hFFFF_FFFF_FFFF_FFFE)
          ) lut (
              .I0(six[b]),
              .I1(six[WIDTH+b]),
              .I2(six[2*WIDTH+b]),
              .I3(six[3*WIDTH+b]),
              .I4(six[4*WIDTH+b]),
              .I5(six[5*WIDTH+b]),
              .O (any[b])
          );
        end else begin : in_verilog
          assign any[b] = six[b] | six[WIDTH+b] | six[2*WIDTH+b] | six[3*WIDTH+b] | six[4*WIDTH+b]
              | six[5*WIDTH+b];
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
