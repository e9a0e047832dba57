// ITEMS items side by side, turned: item i of `y` is item (i + amount) modulo ITEMS of `x`.
//
// `x` and `amount` (below ITEMS) of cycle c give `y` in cycle c + 1, behind a register and more
// logic: each level chooses from four ways, the first one before the register.
`default_nettype none

module rotate #(
    parameter WIDTH = 8,
    parameter ITEMS = 9,
    parameter AMOUNT_BITS = ITEMS > 1 ? $clog2(ITEMS) : 1
) (
    input  wire                   clk,
    input  wire [ITEMS*WIDTH-1:0] x,
    input  wire [AMOUNT_BITS-1:0] amount,
    output wire [ITEMS*WIDTH-1:0] y
);

  localparam LEVELS = (AMOUNT_BITS + 1) / 2;
  localparam ALL = ITEMS * WIDTH;

  reg [ALL-1:0] turned;
  reg [2*LEVELS-1:0] amount_then;
  wire [2*LEVELS-1:0] digits = {{2 * LEVELS - AMOUNT_BITS{1'b0}}, amount};
  wire [(LEVELS+1)*ALL-1:0] level;  // k: what goes into level k

  assign level[0+:ALL] = x;
  assign y = LEVELS > 1 ? level[LEVELS*ALL+:ALL] : turned;

  always @(posedge clk) begin
    turned <= level[ALL+:ALL];
    amount_then <= digits;
  end

  genvar k, i;
  generate
    for (k = 0; k < LEVELS; k = k + 1) begin : levels
      wire [ALL-1:0] from = k == 1 ? turned : level[k*ALL+:ALL];
      wire [1:0] digit = k == 0 ? digits[1:0] : amount_then[2*k+:2];
      for (i = 0; i < ITEMS; i = i + 1) begin : items
        localparam ONE = (i + (1 << 2 * k)) % ITEMS;
        localparam TWO = (i + 2 * (1 << 2 * k)) % ITEMS;
        localparam THREE = (i + 3 * (1 << 2 * k)) % ITEMS;
        assign level[(k+1)*ALL+i*WIDTH+:WIDTH] =
            digit[1] ? (digit[0] ? from[THREE*WIDTH+:WIDTH] : from[TWO*WIDTH+:WIDTH]) :
            (digit[0] ? from[ONE*WIDTH+:WIDTH] : from[i*WIDTH+:WIDTH]);
      end
    end
  endgenerate

  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, level, amount_then};  // the first level's digit, and levels beyond the last
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
