// When a PE array walks: pulses in, levels out for the first PE.
//
// A walk starts in a cycle s in which a tile is filled (`filled` in an earlier cycle, each counts
// once), at most one of the tiles walked is not yet emitted (`emitted`, likewise) and the walk
// before started in s - 2 - WALK_CYCLES or earlier. `off` is 0 from s on, for WALK_CYCLES + 1
// cycles; `hold` is 0 from s + 1 on, for WALK_CYCLES cycles. `bank`, that of the tile, changes in
// s + 1. Cycles without `enable` do not count, except that tiles filled and emitted in them do.
`default_nettype none

module walk_starts #(
    parameter WALK_CYCLES = 512
) (
    input  wire clk,
    input  wire rst,
    input  wire enable,
    input  wire filled,
    input  wire emitted,
    output wire off,
    output wire hold,
    output reg  bank
);

  localparam BITS = WALK_CYCLES > 1 ? $clog2(WALK_CYCLES) : 1;
  localparam integer LAST_CYCLE = WALK_CYCLES - 1;
  localparam [BITS-1:0] LAST = LAST_CYCLE[BITS-1:0];
  localparam [BITS-1:0] ONE = 1;

  reg [1:0] tiles, results;  // filled, not walked; result memories that are free, plus 1
  reg [BITS-1:0] left;
  reg busy, was_busy;

  wire start = !busy && !was_busy && tiles != 2'd0 && results[1];
  assign off  = !start && !busy;
  assign hold = !busy;

  initial begin
    tiles = 2'd0;
    results = 2'd3;
    busy = 1'b0;
    was_busy = 1'b0;
    bank = 1'b1;
  end

  always @(posedge clk) begin
    if (rst) begin
      tiles <= 2'd0;
      results <= 2'd3;
      busy <= 1'b0;
      was_busy <= 1'b0;
      bank <= 1'b1;
    end else begin
      if (filled != (start && enable)) tiles <= filled ? tiles + 2'd1 : tiles - 2'd1;
      if (emitted != (start && enable)) results <= emitted ? results + 2'd1 : results - 2'd1;
      if (enable) begin
        busy <= start || (busy && left != {BITS{1'b0}});
        was_busy <= busy;
        if (start) bank <= !bank;
      end
    end
    if (enable) left <= start ? LAST : left - ONE;
  end

endmodule

`default_nettype wire
