// When a line buffer takes beats and when its reader steps: see plan.windows and plan.tiled.Tiled.
//
// Writer: `x_read` in every cycle with `x_valid` in which fewer than `limit` beats of the reader's
// image are written. Reader: tile after tile, image after image. A tile starts in the first cycle
//   - after the last step of the tile before,
//   - after the read of the image's beat number `need` (at once if `need` is 0),
//   - after the `behind` pulse of the tile before the one before,
// and takes FILL_CYCLES steps, one a cycle. Its first ROWS steps read a row: `row_step`, in the
// step's cycle, with the row's number `row` and `last_row`; `last_tile` says that the tile is its
// image's last. `filled` pulses in the last step's cycle; from the next cycle on `need` and `limit`
// are those of the next tile, and after an image's last tile beats count from the start of the next
// image.
//
// LIMITS_FILE: TILES words {need[24], limit[24]}. Its first word is fetched while `rst` is 1.
`default_nettype none

module line_control #(
    parameter BEATS = 16,  // of an image
    parameter MOST = 32,  // no `limit` is above
    parameter TILES = 4,
    parameter ROWS = 9,
    parameter FILL_CYCLES = 9,  // at least ROWS
    parameter LIMITS_FILE = "",
    parameter STYLE = "auto",
    parameter ROW_BITS = ROWS > 1 ? $clog2(ROWS) : 1
) (
    input  wire                clk,
    input  wire                rst,
    input  wire                x_valid,
    output wire                x_read,
    input  wire                behind,
    output wire                filled,
    output wire                row_step,
    output wire [ROW_BITS-1:0] row,
    output wire                last_row,
    output wire                last_tile
);

  // Signed: the beats of the reader's image may be still to come, and some of the image before too.
  localparam COUNT = $clog2(MOST + 1) < 24 ? $clog2(MOST + 1) + 1 : 25;
  localparam TILE_BITS = TILES > 1 ? $clog2(TILES) : 1;
  localparam STEP_BITS = FILL_CYCLES > 1 ? $clog2(FILL_CYCLES) : 1;
  localparam [31:0] LAST_TILE = TILES - 1;
  localparam [31:0] LAST_ROW = ROWS - 1;
  localparam [31:0] LAST_STEP = FILL_CYCLES - 1;
  localparam [31:0] SECOND_TILE = TILES > 1 ? 1 : 0;
  localparam [31:0] IMAGE = BEATS;
  localparam [31:0] BACK = 1 - BEATS;

  reg signed [COUNT-1:0] written;  // beats, from the start of the reader's image
  reg [STEP_BITS-1:0] step;
  reg [1:0] ahead;  // tiles started for which no `behind` has come
  reg [TILE_BITS-1:0] next_tile;
  reg is_last_tile;

  initial begin
    written = 0;
    step = 0;
    ahead = 0;
    next_tile = SECOND_TILE[TILE_BITS-1:0];
    is_last_tile = TILES == 1;
  end

  wire [47:0] limits;
  // verilator lint_off UNUSEDSIGNAL
  wire [24:0] need_wide = {1'b0, limits[47:24]};  // wider than the counts
  wire [24:0] limit_wide = {1'b0, limits[23:0]};
  // verilator lint_on UNUSEDSIGNAL
  wire signed [COUNT-1:0] need = need_wide[COUNT-1:0];
  wire signed [COUNT-1:0] limit = limit_wide[COUNT-1:0];

  rom #(
      .WIDTH(48),
      .DEPTH(TILES),
      .FILE (LIMITS_FILE),
      .STYLE(STYLE)
  ) limit_table (
      .clk(clk),
      .enable(rst || filled),
      .addr(rst ? {TILE_BITS{1'b0}} : next_tile),
      .data(limits)
  );

  wire between = step == {STEP_BITS{1'b0}};
  wire may_start = !ahead[1] && (need == 0 || written >= need);
  wire start = between && may_start;
  wire active = !between || may_start;

  assign x_read = x_valid && written < limit;
  assign filled = active && step == LAST_STEP[STEP_BITS-1:0];
  assign last_tile = is_last_tile;

  assign row = step[ROW_BITS-1:0];

  generate
    if (FILL_CYCLES > ROWS) begin : some_rows
      assign last_row = step == LAST_ROW[STEP_BITS-1:0];
      assign row_step = active && step <= LAST_ROW[STEP_BITS-1:0];
    end else begin : all_rows
      assign last_row = step == LAST_STEP[STEP_BITS-1:0];
      assign row_step = active;
    end
  endgenerate

  always @(posedge clk) begin
    if (rst) begin
      written <= 0;
      step <= 0;
      ahead <= 0;
      next_tile <= SECOND_TILE[TILE_BITS-1:0];
      is_last_tile <= TILES == 1;
    end else begin
      if (filled && is_last_tile) begin
        written <= written + (x_read ? BACK[COUNT-1:0] : -IMAGE[COUNT-1:0]);
      end else if (x_read) written <= written + 1;
      if (active) step <= filled ? {STEP_BITS{1'b0}} : step + 1;
      if (start != behind) ahead <= start ? ahead + 2'd1 : ahead - 2'd1;
      if (filled) begin
        next_tile <= next_tile == LAST_TILE[TILE_BITS-1:0] ? {TILE_BITS{1'b0}} : next_tile + 1;
        is_last_tile <= next_tile == LAST_TILE[TILE_BITS-1:0];
      end
    end
  end

endmodule

`default_nettype wire
