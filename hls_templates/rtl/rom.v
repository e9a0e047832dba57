// A table of DEPTH words, read from the hex file FILE (one word a line; "" for none).
//
// The address of a cycle with `enable` gives `data` in the next cycle; without `enable`, `data`
// holds. STYLE: "block" for block RAM, "distributed" for LUTs, "auto" leaves it to the tool.
`default_nettype none

module rom #(
    parameter WIDTH = 8,
    parameter DEPTH = 16,
    parameter FILE = "",
    parameter STYLE = "auto",
    parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire                    clk,
    input  wire                    enable,
    input  wire [ADDRESS_BITS-1:0] addr,
    output reg  [       WIDTH-1:0] data
);

  // Comparing strings of different lengths pads the shorter: as meant.
  /* verilator lint_off WIDTHEXPAND */
  generate
    if (STYLE == "block") begin : in_block
      (* rom_style = "block" *) reg [WIDTH-1:0] rom_words[0:DEPTH-1];
      initial if (FILE != "") $readmemh(FILE, rom_words);
      always @(posedge clk) if (enable) data <= rom_words[addr];
    end else if (STYLE == "distributed") begin : in_luts
      // ram_style for Yosys, which calls a table in LUTs so; rom_style for Vivado.
      (* ram_style = "registers", rom_style = "distributed" *)
      reg [WIDTH-1:0] rom_words[0:DEPTH-1];
      initial if (FILE != "") $readmemh(FILE, rom_words);
      always @(posedge clk) if (enable) data <= rom_words[addr];
    end else begin : in_any
      reg [WIDTH-1:0] rom_words[0:DEPTH-1];
      initial if (FILE != "") $readmemh(FILE, rom_words);
      always @(posedge clk) if (enable) data <= rom_words[addr];
    end
  endgenerate
  /* verilator lint_on WIDTHEXPAND */

endmodule

`default_nettype wire
