// Where the rows of a tile lie as they arrive, LANES at once: split, row in its split, and bank.
//
// The outputs are of the rows that arrive next; they move on in the cycle after a `step`. A tile
// has ROWS rows, a multiple of LANES, in splits of SPLIT_ROWS; tiles lie in bank 0 and bank 1 in
// turn.
`default_nettype none

module row_places #(
    parameter integer ROWS = 144,
    parameter integer LANES = 1,
    parameter integer SPLIT_ROWS = 144
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        step,
    output wire [15:0] split,
    output wire [15:0] row,
    output reg         bank
);

  localparam LANE_BITS = $clog2(LANES);
  localparam integer LAST_OF_SPLIT = SPLIT_ROWS / LANES - 1;
  localparam integer LAST_SPLIT = (ROWS - 1) / SPLIT_ROWS;
  localparam integer LAST_OF_TILE = (ROWS - LAST_SPLIT * SPLIT_ROWS) / LANES - 1;
  localparam ROW_BITS = LAST_OF_SPLIT > 0 ? $clog2(LAST_OF_SPLIT + 1) : 1;
  localparam SPLIT_BITS = LAST_SPLIT > 0 ? $clog2(LAST_SPLIT + 1) : 1;
  localparam [ROW_BITS-1:0] ONE_ROW = 1;
  localparam [SPLIT_BITS-1:0] ONE_SPLIT = 1;

  reg [ROW_BITS-1:0] count;
  reg [SPLIT_BITS-1:0] number;
  wire is_last_split = number == LAST_SPLIT[SPLIT_BITS-1:0];
  wire ends_split = count == LAST_OF_SPLIT[ROW_BITS-1:0];
  wire ends_tile = is_last_split && count == LAST_OF_TILE[ROW_BITS-1:0];

  assign split = {{16 - SPLIT_BITS{1'b0}}, number};
  assign row   = {{16 - ROW_BITS{1'b0}}, count} << LANE_BITS;

  initial begin
    count = 0;
    number = 0;
    bank = 1'b0;
  end

  always @(posedge clk) begin
    if (rst) begin
      count <= 0;
      number <= 0;
      bank <= 1'b0;
    end else if (step) begin
      count <= ends_tile || ends_split ? 0 : count + ONE_ROW;
      if (ends_tile) number <= 0;
      else if (ends_split) number <= number + ONE_SPLIT;
      if (ends_tile) bank <= !bank;
    end
  end

endmodule

`default_nettype wire
