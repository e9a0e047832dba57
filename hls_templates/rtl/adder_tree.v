// The sum of the used terms, each added or subtracted, in the same cycle (modulo 2^BITS).
//
// Term k is terms[k*BITS +: BITS]; USED[k] = 0: it is left out; NEGATIVE[k] = 1: it is subtracted.
// A balanced tree of two-input adders: a node is the sum of its children, or the difference; its
// own sign turns over only where both are subtracted, so a negation is left only if all terms are.
`default_nettype none

module adder_tree #(
    parameter TERMS = 2,
    parameter BITS = 12,
    parameter [TERMS-1:0] USED = {TERMS{1'b1}},
    parameter [TERMS-1:0] NEGATIVE = {TERMS{1'b0}}
) (
    input  wire [TERMS*BITS-1:0] terms,
    output wire [      BITS-1:0] sum
);

  // Node i has the children 2i + 1 and 2i + 2; node 0 is the sum, the last nodes are the terms.
  localparam NODES = 2 * TERMS - 1;

  function [NODES-1:0] used_nodes(input integer n_nodes);
    integer i;
    begin
      used_nodes = {USED, {TERMS - 1{1'b0}}};
      for (i = n_nodes - TERMS - 1; i >= 0; i = i - 1) begin
        used_nodes[i] = used_nodes[2*i+1] || used_nodes[2*i+2];
      end
    end
  endfunction

  function [NODES-1:0] negative_nodes(input integer n_nodes);
    integer i;
    begin
      negative_nodes = {NEGATIVE, {TERMS - 1{1'b0}}};
      for (i = n_nodes - TERMS - 1; i >= 0; i = i - 1) begin
        negative_nodes[i] = (negative_nodes[2*i+1] || !IS_USED[2*i+1]) &&
            (negative_nodes[2*i+2] || !IS_USED[2*i+2]);
      end
    end
  endfunction

  localparam [NODES-1:0] IS_USED = used_nodes(NODES);
  localparam [NODES-1:0] IS_NEGATIVE = negative_nodes(NODES);

  wire [NODES*BITS-1:0] nodes;
  assign nodes[NODES*BITS-1-:TERMS*BITS] = terms;

  genvar i;
  generate
    for (i = 0; i < TERMS - 1; i = i + 1) begin : inner
      // verilator lint_off UNUSEDSIGNAL
      wire [BITS-1:0] left = nodes[(2*i+1)*BITS+:BITS];
      wire [BITS-1:0] right = nodes[(2*i+2)*BITS+:BITS];
      // verilator lint_on UNUSEDSIGNAL
      if (!IS_USED[2*i+1]) begin : only_right
        assign nodes[i*BITS+:BITS] = right;
      end else if (!IS_USED[2*i+2]) begin : only_left
        assign nodes[i*BITS+:BITS] = left;
      end else if (IS_NEGATIVE[2*i+1] == IS_NEGATIVE[2*i+2]) begin : both
        assign nodes[i*BITS+:BITS] = left + right;
      end else if (IS_NEGATIVE[2*i+1]) begin : less_left
        assign nodes[i*BITS+:BITS] = right - left;
      end else begin : less_right
        assign nodes[i*BITS+:BITS] = left - right;
      end
    end

    if (!IS_USED[0]) begin : nothing
      assign sum = {BITS{1'b0}};
    end else if (IS_NEGATIVE[0]) begin : negated
      assign sum = -nodes[BITS-1:0];
    end else begin : as_is
      assign sum = nodes[BITS-1:0];
    end
  endgenerate

endmodule

`default_nettype wire
