// One of WORDS words side by side, the lowest is number 0; combinational.
`default_nettype none

module pick #(
    parameter WIDTH = 8,
    parameter WORDS = 4,
    parameter INDEX_BITS = WORDS > 1 ? $clog2(WORDS) : 1
) (
    input  wire [WORDS*WIDTH-1:0] words,
    input  wire [ INDEX_BITS-1:0] index,
    output wire [      WIDTH-1:0] word
);

  generate
    if (WORDS == 1) begin : only
      wire unused = &{1'b0, index};
      assign word = words;
    end else begin : among
      genvar b, k;
      for (b = 0; b < WIDTH; b = b + 1) begin : bits
        wire [WORDS-1:0] column;
        for (k = 0; k < WORDS; k = k + 1) begin : of_word
          assign column[k] = words[k*WIDTH+b];
        end
        assign word[b] = column[index];
      end
    end
  endgenerate

endmodule

`default_nettype wire
