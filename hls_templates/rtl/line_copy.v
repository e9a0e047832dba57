// One lane of line_copies: its memory, and the pixel it reads OFFSET pixels after lane 0's, or
// OFFSET + WRAP with `wraps`.
//
// `at`, `sub` (word and place in the word of lane 0's pixel) and `wraps` in cycle c + 1 and `re` in
// c + 2 give `pixel` in c + 4: OUTSIDE where `in_map` is 0 in c + 3. Words are beats; the ring has
// RING * CHANNELS of them. `we`, `waddr` and `wdata` write.
`default_nettype none

module line_copy #(
    parameter PIXEL = 8,
    parameter BEAT_PIXELS = 1,
    parameter CHANNELS = 2,
    parameter RING = 32,
    parameter integer OFFSET = 1,
    parameter integer WRAP = 0,
    parameter [PIXEL-1:0] OUTSIDE = 0,
    parameter STYLE = "auto",
    parameter A = RING * CHANNELS > 1 ? $clog2(RING * CHANNELS) : 1,
    parameter SUB = BEAT_PIXELS > 1 ? $clog2(BEAT_PIXELS) : 1
) (
    input  wire                         clk,
    input  wire                         we,
    input  wire [                A-1:0] waddr,
    input  wire [BEAT_PIXELS*PIXEL-1:0] wdata,
    input  wire                         re,
    input  wire [                A-1:0] at,
    // verilator lint_off UNUSEDSIGNAL
    input  wire [              SUB-1:0] sub,
    // verilator lint_on UNUSEDSIGNAL
    input  wire                         wraps,
    input  wire                         in_map,
    output reg  [            PIXEL-1:0] pixel
);

  localparam R = BEAT_PIXELS;
  localparam SIZE = RING * CHANNELS;

  function integer modulo(input integer a, input integer divisor);
    modulo = (a % divisor + divisor) % divisor;
  endfunction

  // Words to the pixel's beat, by {its place in the beat overflows, wraps}.
  function integer words(input [1:0] which);
    integer pixels;
    begin
      pixels = OFFSET + (which[0] ? WRAP : 0);
      words = modulo((pixels - modulo(pixels, R)) / R + (which[1] ? 1 : 0), RING) * CHANNELS;
    end
  endfunction

  wire carry;
  wire [A-1:0] at_lane;
  // verilator lint_off UNUSEDSIGNAL
  wire at_wraps;
  // verilator lint_on UNUSEDSIGNAL
  wire [R*PIXEL-1:0] word;
  wire [PIXEL-1:0] picked;
  reg [A-1:0] from;
  reg [A-1:0] by;
  reg [A:0] by_less;
  // verilator lint_off UNUSEDSIGNAL
  reg [31:0] words_by, words_less;  // tables are made in 32 bits and cut
  // verilator lint_on UNUSEDSIGNAL
  integer k;

  always @* begin
    by = 0;
    by_less = 0;
    for (k = 0; k < 4; k = k + 1) begin
      words_by = words(k[1:0]);
      words_less = words_by - SIZE;
      if ({carry, wraps} == k[1:0]) begin
        by = words_by[A-1:0];
        by_less = words_less[A:0];
      end
    end
  end

  ring_add #(
      .SIZE(SIZE)
  ) add_offset (
      .value(at),
      .by(by),
      .by_less(by_less),
      .sum(at_lane),
      .wraps(at_wraps)
  );

  ram #(
      .WIDTH(R * PIXEL),
      .DEPTH(SIZE),
      .STYLE(STYLE)
  ) lines (
      .clk(clk),
      .we(we),
      .waddr(waddr),
      .wdata(wdata),
      .re(re),
      .raddr(from),
      .rdata(word)
  );

  generate
    if (R > 1) begin : pick
      localparam [31:0] ON = modulo(OFFSET, R);
      localparam [31:0] WRAP_ON = modulo(OFFSET + WRAP, R);
      wire [SUB-1:0] place;
      reg [SUB-1:0] place_1, place_2;
      assign {carry, place} = {1'b0, sub} + {1'b0, wraps ? WRAP_ON[SUB-1:0] : ON[SUB-1:0]};
      assign picked = word[place_2*PIXEL+:PIXEL];
      always @(posedge clk) begin
        place_1 <= place;
        place_2 <= place_1;
      end
    end else begin : whole
      assign carry  = 1'b0;
      assign picked = word;
    end
  endgenerate

  always @(posedge clk) begin
    from  <= at_lane;
    pixel <= in_map ? picked : OUTSIDE;
  end

endmodule

`default_nettype wire
