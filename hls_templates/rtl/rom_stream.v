// Shows the words of a table one after the other, again from the first after the last.
//
// `word` is the current word, in a register, and `is_last` tells whether it is the table's last;
// with `next` the word after it is there in the cycle after. `ready` comes two cycles after reset,
// with the first word; `next` only with `ready`. Words go through two registers (the memory's and
// `word`), so that a word may change in every cycle and nothing waits for the memory.
`default_nettype none

module rom_stream #(
    parameter WIDTH = 8,
    parameter DEPTH = 16,
    parameter FILE = "",
    parameter STYLE = "auto"
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             next,
    output wire             ready,
    output reg  [WIDTH-1:0] word,
    output reg              is_last
);

  localparam ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam [ADDRESS_BITS-1:0] FIRST = 0;
  localparam integer LAST_WORD = DEPTH - 1;
  localparam [ADDRESS_BITS-1:0] LAST = LAST_WORD[ADDRESS_BITS-1:0];
  localparam [ADDRESS_BITS-1:0] STEP = 1;

  reg [1:0] loaded;
  reg [ADDRESS_BITS-1:0] addr;  // of the word after the next
  reg behind_is_last;
  wire [WIDTH-1:0] behind;
  wire advance = next || !loaded[1];

  initial loaded = 2'b00;
  initial addr = FIRST;

  assign ready = loaded[1];

  rom #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH),
      .FILE (FILE),
      .STYLE(STYLE)
  ) stored (
      .clk(clk),
      .enable(advance),
      .addr(addr),
      .data(behind)
  );

  always @(posedge clk) begin
    if (rst) begin
      loaded <= 2'b00;
      addr   <= FIRST;
    end else if (advance) begin
      loaded <= {loaded[0], 1'b1};
      addr   <= addr == LAST ? FIRST : addr + STEP;
    end
    if (advance) begin
      behind_is_last <= addr == LAST;
      word <= behind;
      is_last <= behind_is_last;
    end
  end

endmodule

`default_nettype wire
