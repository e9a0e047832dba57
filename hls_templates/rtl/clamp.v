// The signed `value` of cycle c limited to LOW..HIGH, as OUT_BITS bits in cycle c + 1.
//
// Only the high bits tell whether a value leaves the smallest type that holds LOW and HIGH; what is
// inside that type is compared with LOW or HIGH only where they are not the type's ends.
`default_nettype none

module clamp #(
    parameter IN_BITS = 12,
    parameter integer LOW = -128,
    parameter integer HIGH = 127,
    parameter OUT_BITS = 8
) (
    input  wire                clk,
    input  wire [ IN_BITS-1:0] value,
    output reg  [OUT_BITS-1:0] y
);

  // The fewest bits, at least one, of an unsigned (LOW >= 0) or a signed type that holds LOW..HIGH.
  function integer type_bits(input integer low, input integer high);
    integer top, bottom;
    begin
      type_bits = 1;
      if (low >= 0) begin
        for (top = 1; top < high; top = top * 2 + 1) type_bits = type_bits + 1;
      end else begin
        bottom = -1;
        for (top = 0; top < high || bottom > low; top = top * 2 + 1) begin
          type_bits = type_bits + 1;
          bottom = bottom * 2;
        end
      end
    end
  endfunction

  localparam SIGNED = LOW < 0;
  localparam TYPE = type_bits(LOW, HIGH);
  localparam integer TYPE_LOW = SIGNED ? -(1 << (TYPE - 1)) : 0;
  localparam integer TYPE_HIGH = SIGNED ? (1 << (TYPE - 1)) - 1 : (1 << TYPE) - 1;
  localparam BITS = (IN_BITS > OUT_BITS ? IN_BITS : OUT_BITS) + 1;
  localparam [OUT_BITS-1:0] LEAST = LOW[OUT_BITS-1:0];
  localparam [OUT_BITS-1:0] MOST = HIGH[OUT_BITS-1:0];

  wire [BITS-1:0] wide = {{BITS - IN_BITS{value[IN_BITS-1]}}, value};
  wire negative = value[IN_BITS-1];
  wire outside = SIGNED ? wide[BITS-1:TYPE-1] != {BITS - TYPE + 1{negative}} : |wide[BITS-1:TYPE];
  wire below, above;

  generate
    if (LOW != TYPE_LOW || HIGH != TYPE_HIGH) begin : compare
      wire signed [TYPE:0] typed =  {SIGNED && wide[TYPE-1], wide[TYPE-1:0]};
      localparam signed [TYPE:0] LIMIT_LOW = LOW[TYPE:0];
      localparam signed [TYPE:0] LIMIT_HIGH = HIGH[TYPE:0];
      assign below = outside ? negative : typed < LIMIT_LOW;
      assign above = outside ? !negative : typed > LIMIT_HIGH;
    end else begin : ends
      assign below = outside && negative;
      assign above = outside && !negative;
    end
  endgenerate

  always @(posedge clk) y <= below ? LEAST : above ? MOST : wide[OUT_BITS-1:0];

endmodule

`default_nettype wire
