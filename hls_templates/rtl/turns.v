// Whose turn it is: input k has COUNTS[k] steps (COUNT_BITS bits each, input 0 lowest), input after
// input, over and over.
//
// `turn` has the bit of this cycle's input; `is_last` tells the last step of a round. Both move on
// in the cycle after a `step`. No count is 0.
`default_nettype none

module turns #(
    parameter INPUTS = 2,
    parameter COUNT_BITS = 16,
    parameter [INPUTS*COUNT_BITS-1:0] COUNTS = {INPUTS{{(COUNT_BITS - 1) {1'b0}}, 1'b1}}
) (
    input  wire              clk,
    input  wire              rst,
    input  wire              step,
    output reg  [INPUTS-1:0] turn,
    output wire              is_last
);

  // Bits of the largest of count - 1, at least 1.
  function integer most_bits(input integer unused);
    integer k, most;
    begin
      most = 1;
      for (k = 0; k < INPUTS; k = k + 1) begin
        while (((COUNTS[k*COUNT_BITS+:COUNT_BITS] - 1) >> most) != 0) most = most + 1;
      end
      most_bits = most + 0 * unused;
    end
  endfunction

  localparam BITS = most_bits(0);
  localparam [BITS-1:0] NONE = {BITS{1'b1}};  // -1
  localparam [COUNT_BITS-1:0] FIRST = COUNTS[COUNT_BITS-1:0] - 1'b1;
  localparam [INPUTS-1:0] INPUT_0 = 1;

  wire [INPUTS*BITS-1:0] reloads;  // of the input's successor, in its turn only
  reg  [       BITS-1:0] left;  // steps of this turn after the next
  reg  [       BITS-1:0] reload;
  wire                   ends = left == {BITS{1'b0}};

  assign is_last = ends && turn[INPUTS-1];

  genvar k;
  generate
    for (k = 0; k < INPUTS; k = k + 1) begin : inputs
      localparam NEXT = k + 1 == INPUTS ? 0 : k + 1;
      localparam [COUNT_BITS-1:0] STEPS = COUNTS[NEXT*COUNT_BITS+:COUNT_BITS] - 1'b1;
      assign reloads[k*BITS+:BITS] = turn[k] ? STEPS[BITS-1:0] : {BITS{1'b0}};
    end
  endgenerate

  integer i;
  always @* begin
    reload = {BITS{1'b0}};
    for (i = 0; i < INPUTS; i = i + 1) reload = reload | reloads[i*BITS+:BITS];
  end

  initial begin
    turn = INPUT_0;
    left = FIRST[BITS-1:0];
  end

  always @(posedge clk) begin
    if (rst) begin
      turn <= INPUT_0;
      left <= FIRST[BITS-1:0];
    end else if (step) begin
      left <= ends ? reload : left + NONE;
      if (ends) turn <= (turn << 1) | (turn >> (INPUTS - 1));
    end
  end

endmodule

`default_nettype wire
