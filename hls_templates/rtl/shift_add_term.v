// One term of a multiplication: sum_in +- (value << s), or sum_in alone.
//
// `value` and `field` in cycle c and `sum_in` in cycle c + 1 give `sum_out` in cycle c + 2. `field`
// is {negative, used, places[FIELD-2]} and s = SHIFT_MIN + places, 0 <= places <= SPAN. negative is
// 0 where used is 0. MAY_NEGATE, MAY_SKIP: 0 where negative is never 1, used never 0.
`default_nettype none

module shift_add_term #(
    parameter IN_BITS = 20,
    parameter BITS = 24,
    parameter FIELD = 2,
    parameter SHIFT_MIN = 0,
    parameter SPAN = 0,
    parameter MAY_NEGATE = 1,
    parameter MAY_SKIP = 1
) (
    input  wire               clk,
    input  wire [IN_BITS-1:0] value,
    input  wire [  FIELD-1:0] field,
    input  wire [   BITS-1:0] sum_in,
    output wire [   BITS-1:0] sum_out
);

  localparam PLACE_BITS = SPAN > 0 ? $clog2(SPAN + 1) : 1;
  localparam HIGH_BITS = BITS - SHIFT_MIN;  // those that are added to
  localparam SHIFTED_BITS = HIGH_BITS < IN_BITS + SPAN ? HIGH_BITS : IN_BITS + SPAN;

  wire [SHIFTED_BITS+IN_BITS-1:0] wide = {{SHIFTED_BITS{value[IN_BITS-1]}}, value};
  wire [SHIFTED_BITS-1:0] placed;
  reg [SHIFTED_BITS-1:0] shifted;
  wire [SHIFTED_BITS+HIGH_BITS-1:0] term = {{HIGH_BITS{shifted[SHIFTED_BITS-1]}}, shifted};
  wire [HIGH_BITS-1:0] kept;  // the masks of used and negative fit in the adder's LUTs
  reg [HIGH_BITS-1:0] high;

  always @(posedge clk) shifted <= placed;

  generate
    if (SPAN > 0) begin : by_places
      assign placed = wide[SHIFTED_BITS-1:0] << field[PLACE_BITS-1:0];
    end else begin : by_wires
      assign placed = wide[SHIFTED_BITS-1:0];
    end

    if (MAY_SKIP != 0) begin : skips
      reg used;
      always @(posedge clk) used <= field[FIELD-2];
      assign kept = term[HIGH_BITS-1:0] & {HIGH_BITS{used}};
    end else begin : always_used
      assign kept = term[HIGH_BITS-1:0];
    end

    if (MAY_NEGATE != 0) begin : negates
      // x - y = x + ~y + 1: the lowest place makes the carry.
      reg negative;
      wire [HIGH_BITS-1:0] flipped = kept ^ {HIGH_BITS{negative}};
      wire [HIGH_BITS:0] added = {sum_in[BITS-1:SHIFT_MIN], 1'b1} + {flipped, negative};
      always @(posedge clk) begin
        negative <= field[FIELD-1];
        high <= added[HIGH_BITS:1];
      end
      // verilator lint_off UNUSEDSIGNAL
      wire unused_carry = added[0];
      // verilator lint_on UNUSEDSIGNAL
    end else begin : adds
      always @(posedge clk) high <= sum_in[BITS-1:SHIFT_MIN] + kept;
    end

    if (SHIFT_MIN > 0) begin : passed
      reg [SHIFT_MIN-1:0] low;
      always @(posedge clk) low <= sum_in[SHIFT_MIN-1:0];
      assign sum_out = {high, low};
    end else begin : whole
      assign sum_out = high;
    end
  endgenerate

  // Copies of the sign past the widths, and fields that nothing needs.
  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, wide, term, field};
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
