// The beats of a FIFO of DEPTH >= 2 in block RAM, the oldest always on `data_out` (see fifo.v).
//
// A beat written while no other waits (`is_alone`: none there, or the only one is read in this
// cycle) goes to a register and is on `data_out` in the next cycle. Any other goes to the memory;
// the read of the beat before fetches it, so that it is on `data_out` in the cycle after.
`default_nettype none

module fifo_block #(
    parameter WIDTH = 8,
    parameter DEPTH = 2,
    parameter STYLE = "block"
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             write,
    input  wire [WIDTH-1:0] data_in,
    input  wire             is_alone,
    output wire [WIDTH-1:0] data_out,
    input  wire             read
);

  localparam WORDS = DEPTH - 1;
  localparam ADDRESS_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam [ADDRESS_BITS-1:0] FIRST = 0;
  localparam [31:0] LAST = WORDS - 1;
  localparam [ADDRESS_BITS-1:0] STEP = 1;

  reg [ADDRESS_BITS-1:0] to, from;
  reg  [WIDTH-1:0] alone;
  reg              from_alone;
  wire [WIDTH-1:0] fetched;
  wire             store = write && !is_alone;
  wire             fetch = read && !is_alone;

  ram #(
      .WIDTH(WIDTH),
      .DEPTH(WORDS),
      .STYLE(STYLE)
  ) beats (
      .clk(clk),
      .we(store),
      .waddr(to),
      .wdata(data_in),
      .re(fetch),
      .raddr(from),
      .rdata(fetched)
  );

  assign data_out = from_alone ? alone : fetched;

  initial begin
    to = FIRST;
    from = FIRST;
  end

  always @(posedge clk) begin
    if (write && is_alone) begin
      alone <= data_in;
      from_alone <= 1'b1;
    end else if (fetch) begin
      from_alone <= 1'b0;
    end
    if (rst) to <= FIRST;
    else if (store) to <= to == LAST[ADDRESS_BITS-1:0] ? FIRST : to + STEP;
    if (rst) from <= FIRST;
    else if (fetch) from <= from == LAST[ADDRESS_BITS-1:0] ? FIRST : from + STEP;
  end

endmodule

`default_nettype wire
