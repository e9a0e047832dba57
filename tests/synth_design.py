"""A small design in Verilog whose area can be counted by hand, for the Yosys driver."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bitfpga.boards import load_board
from bitfpga.plan import FifoSchedule, Resources

# A column of WIDTH LUT6_2 and carry chains between registers; xor, so that no bit can be left out.
COLUMN = """
module column #(parameter WIDTH = 4) (input clk, input [WIDTH-1:0] a, b, output reg [WIDTH-1:0] s);
  localparam N = (WIDTH + 3) / 4;
  wire [4*N-1:0] o5, o6, sum;
  wire [4*N:0] carry;
  reg [WIDTH-1:0] p, q;
  genvar i;
  generate
    for (i = 0; i < 4 * N; i = i + 1) begin : bits
      if (i < WIDTH) LUT6_2 #(.INIT(64'h6666666688888888)) l (.I0(p[i]), .I1(q[i]), .I2(1'b0),
          .I3(1'b0), .I4(1'b0), .I5(1'b1), .O6(o6[i]), .O5(o5[i]));
      else assign {o6[i], o5[i]} = 0;
    end
    for (i = 0; i < N; i = i + 1) begin : carries
      CARRY4 c (.CO(carry[4*i+4-:4]), .O(sum[4*i+:4]), .CI(i ? carry[4*i] : 1'b0), .CYINIT(1'b0),
          .DI(o5[4*i+:4]), .S(o6[4*i+:4]));
    end
  endgenerate
  always @(posedge clk) begin p <= a; q <= b; s <= sum[WIDTH-1:0]; end
endmodule
"""
# A shift register, of any length read at a constant place: one SRL a bit.
DELAY = """
module delay #(parameter WIDTH = 3, DEPTH = 17) (input clk, en, input [WIDTH-1:0] d,
    output [WIDTH-1:0] q);
  genvar i;
  generate for (i = 0; i < WIDTH; i = i + 1) begin : bits
    reg [DEPTH-1:0] shift;
    always @(posedge clk) if (en) shift <= {shift[DEPTH-2:0], d[i]};
    assign q[i] = shift[DEPTH-1];
  end endgenerate
endmodule
"""
MEMORY = """
module memory #(parameter WIDTH = 6, DEPTH = 32, STYLE = "distributed") (input clk, we,
    input [$clog2(DEPTH)-1:0] to, from, input [WIDTH-1:0] d, output reg [WIDTH-1:0] q);
  (* ram_style = STYLE *) reg [WIDTH-1:0] words[0:DEPTH-1];
  always @(posedge clk) begin
    if (we) words[to] <= d;
    q <= words[from];
  end
endmodule
"""
TABLE = """
module table_of #(parameter FILE = "") (input clk, input [8:0] at, output reg [35:0] q);
  (* rom_style = "block" *) reg [35:0] words[0:511];
  initial $readmemh(FILE, words);
  always @(posedge clk) q <= words[at];
endmodule
"""
# Two PEs, each one column: mapped once, counted twice.
PES = """
module pe (input clk, input [7:0] a, output [7:0] s);
  column #(.WIDTH(8)) one (.clk(clk), .a(a), .b(~a), .s(s));
endmodule
module array (input clk, input [15:0] a, output [15:0] s);
  pe first (.clk(clk), .a(a[7:0]), .s(s[7:0]));
  pe second (.clk(clk), .a(a[15:8]), .s(s[15:8]));
endmodule
"""
TOP = """
module bitfpga_top (input clk, en, input [8:0] i, j, input [44:0] d, output [44:0] s5, output [2:0]
    q, output [5:0] r, output [35:0] b, v, w, output [15:0] e, output [4:0] t5, output x);
  column #(.WIDTH(5)) layer_sum (.clk(clk), .a(d[4:0]), .b(d[9:5]), .s(s5[4:0]));
  column #(.WIDTH(5)) layer_twin (.clk(clk), .a(d[14:10]), .b(d[19:15]), .s(t5));
  delay fifo_wait (.clk(clk), .en(en), .d(d[2:0]), .q(q));
  memory small (.clk(clk), .we(en), .to(i[4:0]), .from(j[4:0]), .d(d[5:0]), .q(r));
  memory #(.WIDTH(36), .DEPTH(512), .STYLE("block")) large (.clk(clk), .we(en), .to(i), .from(j),
      .d(d[35:0]), .q(b));
  table_of #(.FILE("data/one.hex")) taps0_layer_twin (.clk(clk), .at(i), .q(v));
  table_of #(.FILE("data/two.hex")) two (.clk(clk), .at(i), .q(w));
  array pair (.clk(clk), .a(d[15:0]), .s(e));
  assign s5[44:5] = 0, x = en & d[44];
endmodule
"""


def files(top: str = TOP) -> dict[str, bytes]:
    """Return the small design as emit gives one: top, library, and the tables of its ROMs."""
    library = {"column": COLUMN, "delay": DELAY, "memory": MEMORY, "table": TABLE, "pes": PES}
    tables = {
        name: "".join(f"{(seed * k) % 977:09x}\n" for k in range(512))
        for seed, name in ((31, "one"), (57, "two"))
    }
    return {
        "bitfpga_top.v": top.encode(),
        **{f"lib/{name}.v": text.encode() for name, text in library.items()},
        **{f"data/{name}.hex": text.encode() for name, text in tables.items()},
    }


def schedule(board: str = "pynq-z2") -> Any:
    """Return what the driver asks of a schedule."""
    layers = [
        SimpleNamespace(name=name, origin=name, resources=Resources(5, 15, 0.0))
        for name in ("sum", "twin")
    ]
    return SimpleNamespace(
        network="small",
        board=load_board(board),
        layers=layers,
        fifos=(FifoSchedule("fifo_wait", 17, 3),),
        resources=Resources(99, 99, 9.0),
    )
