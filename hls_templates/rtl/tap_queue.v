// The tap rows of one PE on their way from memory: DEPTH places, the row asked for in a register.
//
// A row written in cycle w (`we`, `row`, `is_last`: the PE's last of a tile) is there from w + 1
// on; `full`: no place is free. `off`, `re` are those of the PE (tap_decoder.v): a cycle with `re`
// but without `off` takes a row, if `enable`, into `tap_row` of the next cycle. `waits`: there is
// none to take. After a tile's last row nothing is taken until `off` has been 1.
`default_nettype none

module tap_queue #(
    parameter ROW_BITS = 64,
    parameter DEPTH = 16,
    parameter STYLE = "auto"
) (
    input  wire                clk,
    input  wire                rst,
    input  wire                we,
    input  wire [ROW_BITS-1:0] row,
    input  wire                is_last,
    output wire                full,
    input  wire                enable,
    input  wire                off,
    input  wire                re,
    output wire                waits,
    output wire [ROW_BITS-1:0] tap_row
);

  localparam BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam COUNT_BITS = $clog2(DEPTH + 1);
  localparam [COUNT_BITS-1:0] ALL = DEPTH[COUNT_BITS-1:0];
  localparam [COUNT_BITS-1:0] ONE = 1;
  localparam integer LAST_PLACE = DEPTH - 1;
  localparam [BITS-1:0] LAST = LAST_PLACE[BITS-1:0];
  localparam [BITS-1:0] NEXT = 1;

  reg [COUNT_BITS-1:0] count;
  reg [BITS-1:0] write_place, read_place;
  reg has_row;  // of this tile, in tap_row
  wire tap_is_last;
  wire asks = re && !off && !(has_row && tap_is_last);
  wire takes = asks && enable && !waits;

  assign full  = count == ALL;
  assign waits = asks && count == {COUNT_BITS{1'b0}};

  initial begin
    count = 0;
    write_place = 0;
    read_place = 0;
    has_row = 1'b0;
  end

  always @(posedge clk) begin
    if (rst) begin
      count <= 0;
      write_place <= 0;
      read_place <= 0;
      has_row <= 1'b0;
    end else begin
      if (we != takes) count <= we ? count + ONE : count - ONE;
      if (we) write_place <= write_place == LAST ? 0 : write_place + NEXT;
      if (takes) read_place <= read_place == LAST ? 0 : read_place + NEXT;
      if (enable) has_row <= !off && (has_row || takes);
    end
  end

  ram #(
      .WIDTH(ROW_BITS + 1),
      .DEPTH(DEPTH),
      .STYLE(STYLE)
  ) places (
      .clk(clk),
      .we(we),
      .waddr(write_place),
      .wdata({is_last, row}),
      .re(takes),
      .raddr(read_place),
      .rdata({tap_is_last, tap_row})
  );

endmodule

`default_nettype wire
