// A memory of DEPTH words with one write port and one read port; its words start undefined.
//
// A word written in cycle w (`we`) is there for addresses of cycles from w + 1 on. The address of
// a cycle with `re` gives `rdata` in the next cycle; without `re`, `rdata` holds. Reading an
// address in the cycle in which it is written gives no defined word. STYLE: "block" for block
// RAM, "distributed" for LUT RAM, "auto" leaves it to the tool.
`default_nettype none

module ram #(
    parameter WIDTH = 8,
    parameter DEPTH = 16,
    parameter STYLE = "auto",
    parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire                    clk,
    input  wire                    we,
    input  wire [ADDRESS_BITS-1:0] waddr,
    input  wire [       WIDTH-1:0] wdata,
    input  wire                    re,
    input  wire [ADDRESS_BITS-1:0] raddr,
    output reg  [       WIDTH-1:0] rdata
);

  // Comparing strings of different lengths pads the shorter: as meant.
  /* verilator lint_off WIDTHEXPAND */
  generate
    if (STYLE == "block") begin : in_block
      (* ram_style = "block" *) reg [WIDTH-1:0] ram_words[0:DEPTH-1];
      always @(posedge clk) begin
        if (we) ram_words[waddr] <= wdata;
        if (re) rdata <= ram_words[raddr];
      end
    end else if (STYLE == "distributed") begin : in_luts
      (* ram_style = "distributed" *) reg [WIDTH-1:0] ram_words[0:DEPTH-1];
      always @(posedge clk) begin
        if (we) ram_words[waddr] <= wdata;
        if (re) rdata <= ram_words[raddr];
      end
    end else begin : in_any
      reg [WIDTH-1:0] ram_words[0:DEPTH-1];
      always @(posedge clk) begin
        if (we) ram_words[waddr] <= wdata;
        if (re) rdata <= ram_words[raddr];
      end
    end
  endgenerate
  /* verilator lint_on WIDTHEXPAND */

endmodule

`default_nettype wire
