// A table of DEPTH words in LUTs, its contents the parameter WORDS, word 0 lowest; ports as in rom.v.
//
// IMPL "xilinx" makes it of one LUT6 for each bit of 64 words, and MUXF7 and MUXF8, which are
// free, for up to 256; logic optimisation takes such a table apart and needs up to twice as much.
`default_nettype none

module lut_rom #(
    parameter integer WIDTH = 8,
    parameter integer DEPTH = 16,
    parameter [WIDTH*DEPTH-1:0] WORDS = 0,
    parameter IMPL = "xilinx",
    parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire                    clk,
    input  wire                    enable,
    input  wire [ADDRESS_BITS-1:0] addr,
    output reg  [       WIDTH-1:0] data
);

  localparam GROUPS = (DEPTH + 255) / 256;
  localparam GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;

  // Bit `place` of the 64 words from word `first` on; 0 past the table.
  function [63:0] contents(input integer first, input integer place);
    integer i;
    begin
      contents = 64'd0;
      for (i = 0; i < 64; i = i + 1) begin
        if (first + i < DEPTH) contents[i] = WORDS[(first+i)*WIDTH+place];
      end
    end
  endfunction

  wire [8+GROUP_BITS+ADDRESS_BITS-1:0] wide = {{8 + GROUP_BITS{1'b0}}, addr};
  wire [GROUP_BITS-1:0] group = wide[8+:GROUP_BITS];
  wire [WIDTH-1:0] word;

  genvar place, g, k;
  /* verilator lint_off WIDTHEXPAND */
  generate
    if (IMPL == "xilinx") begin : in_luts
      /* verilator lint_on WIDTHEXPAND */
      for (place = 0; place < WIDTH; place = place + 1) begin : bits
        wire [GROUPS-1:0] groups;
        for (g = 0; g < GROUPS; g = g + 1) begin : of_256
          // One LUT, two, or four, where the fourth may be empty.
          localparam integer LEFT = (DEPTH - 256 * g + 63) / 64;
          localparam integer LUTS = LEFT > 2 ? 4 : LEFT;
          wire [LUTS-1:0] of_64;
          for (k = 0; k < LUTS; k = k + 1) begin : luts
            LUT6 #(
                .INIT(contents(256 * g + 64 * k, place))
            ) lut (
                .I0(wide[0]),
                .I1(wide[1]),
                .I2(wide[2]),
                .I3(wide[3]),
                .I4(wide[4]),
                .I5(wide[5]),
                .O (of_64[k])
            );
          end
          if (LUTS == 1) begin : one
            assign groups[g] = of_64[0];
          end else begin : several
            wire [LUTS/2-1:0] of_128;
            for (k = 0; k < LUTS / 2; k = k + 1) begin : pairs
              MUXF7 pair (
                  .I0(of_64[2*k]),
                  .I1(of_64[2*k+1]),
                  .S (wide[6]),
                  .O (of_128[k])
              );
            end
            if (LUTS == 2) begin : two
              assign groups[g] = of_128[0];
            end else begin : four
              MUXF8 both (
                  .I0(of_128[0]),
                  .I1(of_128[1]),
                  .S (wide[7]),
                  .O (groups[g])
              );
            end
          end
        end
        if (GROUPS == 1) begin : whole
          assign word[place] = groups[0];
        end else begin : chosen
          wire [(1<<GROUP_BITS)-1:0] padded = {{(1 << GROUP_BITS) - GROUPS{1'b0}}, groups};
          assign word[place] = padded[group];
        end
      end
    end else begin : in_verilog
      wire [WIDTH*(1<<ADDRESS_BITS)-1:0] padded = {{WIDTH * ((1 << ADDRESS_BITS) - DEPTH){1'b0}}, WORDS};
      assign word = padded[addr*WIDTH+:WIDTH];
    end
  endgenerate

  always @(posedge clk) if (enable) data <= word;

  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, wide, group};
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
