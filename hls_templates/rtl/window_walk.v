// Where the windows of a tile read the map: the state of a line buffer's reader, lane 0's position
// and which lanes read inside the map.
//
// A `step` is a row: kernel column after kernel column, row after row, channel after channel
// (`last_row`: the tile's last row), then the next tile, after the image's `last_tile` the next
// image. In a step's cycle `move` says where the next row is:
//   0 the kernel's next column, 1 its next row, 2 the next channel, 3 the next tile,
//   4 the next tile, where lane 0 is on one map row more than V / OUT_WIDTH, 5 the next image.
// Output pixel v of a tile, counted from lane 0, is V / OUT_WIDTH map rows below it, and one more
// for the lanes in `wraps`, which is valid in the cycle after the step. `in_map` is valid three
// cycles after the step: the lanes whose pixel lies in the map (lanes past the end of the output
// map: anything).
`default_nettype none

module window_walk #(
    parameter TILE_PIXELS = 4,
    parameter HEIGHT = 8,
    parameter WIDTH = 8,
    parameter OUT_HEIGHT = 8,
    parameter OUT_WIDTH = 8,
    parameter KERNEL_H = 3,
    parameter KERNEL_W = 3,
    parameter STRIDE_H = 1,
    parameter STRIDE_W = 1,
    parameter DILATION_H = 1,
    parameter DILATION_W = 1,
    parameter PAD_TOP = 1,
    parameter PAD_LEFT = 1
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire                   step,
    input  wire                   last_row,
    input  wire                   last_tile,
    output wire [            2:0] move,
    output reg  [TILE_PIXELS-1:0] wraps,
    output reg  [TILE_PIXELS-1:0] in_map
);

  localparam V = TILE_PIXELS;
  localparam LINES = V / OUT_WIDTH;  // a tile is so many lines of the output map
  localparam EXTRA = V % OUT_WIDTH;  // and so many pixels
  localparam SPAN_X = (KERNEL_W - 1) * DILATION_W;
  localparam SPAN_Y = (KERNEL_H - 1) * DILATION_H;
  localparam COLUMN_BITS = KERNEL_W > 1 ? $clog2(KERNEL_W) : 1;
  localparam LINE_BITS = KERNEL_H > 1 ? $clog2(KERNEL_H) : 1;
  localparam OUT_BITS = OUT_WIDTH > 1 ? $clog2(OUT_WIDTH) : 1;
  // Signed positions, of any lane and of lanes past the map's end.
  localparam X_BITS = $clog2(2 * OUT_WIDTH * STRIDE_W + SPAN_X + PAD_LEFT + WIDTH + 1) + 1;
  localparam Y_BITS =
      $clog2((OUT_HEIGHT + 2 * LINES + 2) * STRIDE_H + SPAN_Y + PAD_TOP + HEIGHT + 1) + 1;
  localparam CLIPS_X = PAD_LEFT > 0 || (OUT_WIDTH - 1) * STRIDE_W + SPAN_X >= WIDTH;
  localparam CLIPS_Y = PAD_TOP > 0 || (OUT_HEIGHT - 1) * STRIDE_H + SPAN_Y >= HEIGHT;

  localparam [2:0] COLUMN = 0, LINE = 1, CHANNEL = 2, TILE = 3, TILE_WRAP = 4, IMAGE = 5;
  localparam [31:0] LAST_COLUMN = KERNEL_W - 1;
  localparam [31:0] LAST_LINE = KERNEL_H - 1;
  localparam [31:0] WRAP_AT = OUT_WIDTH - EXTRA;
  localparam [31:0] OUT_STEP = EXTRA;
  localparam [31:0] OUT_BACK = EXTRA - OUT_WIDTH;
  localparam [31:0] X_START = -PAD_LEFT;
  localparam [31:0] Y_START = -PAD_TOP;
  localparam [31:0] X_COLUMN = DILATION_W;
  localparam [31:0] X_BACK = -SPAN_X;
  localparam [31:0] X_TILE = EXTRA * STRIDE_W - SPAN_X;
  localparam [31:0] X_TILE_WRAP = (EXTRA - OUT_WIDTH) * STRIDE_W - SPAN_X;
  localparam [31:0] Y_LINE = DILATION_H;
  localparam [31:0] Y_BACK = -SPAN_Y;
  localparam [31:0] Y_TILE = LINES * STRIDE_H - SPAN_Y;
  localparam [31:0] Y_TILE_WRAP = (LINES + 1) * STRIDE_H - SPAN_Y;

  reg [COLUMN_BITS-1:0] column;
  reg [LINE_BITS-1:0] line;
  reg [OUT_BITS-1:0] out_x;  // of lane 0
  reg [X_BITS-1:0] x, x_then;  // map position under the kernel in lane 0
  reg [Y_BITS-1:0] y, y_then;

  initial begin
    column = 0;
    line = 0;
    out_x = 0;
    x = X_START[X_BITS-1:0];
    y = Y_START[Y_BITS-1:0];
  end

  wire last_column = column == LAST_COLUMN[COLUMN_BITS-1:0];
  wire last_line = line == LAST_LINE[LINE_BITS-1:0];
  wire tile_wraps = EXTRA > 0 && {1'b0, out_x} >= WRAP_AT[OUT_BITS:0];

  assign move = !last_column ? COLUMN : !last_line ? LINE : !last_row ? CHANNEL :
      last_tile ? IMAGE : tile_wraps ? TILE_WRAP : TILE;

  reg [X_BITS-1:0] x_by;
  reg [Y_BITS-1:0] y_by;
  always @* begin
    case (move)
      COLUMN: x_by = X_COLUMN[X_BITS-1:0];
      TILE: x_by = X_TILE[X_BITS-1:0];
      TILE_WRAP: x_by = X_TILE_WRAP[X_BITS-1:0];
      default: x_by = X_BACK[X_BITS-1:0];
    endcase
    case (move)
      LINE: y_by = Y_LINE[Y_BITS-1:0];
      TILE: y_by = Y_TILE[Y_BITS-1:0];
      TILE_WRAP: y_by = Y_TILE_WRAP[Y_BITS-1:0];
      default: y_by = Y_BACK[Y_BITS-1:0];
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      column <= 0;
      line <= 0;
      out_x <= 0;
      x <= X_START[X_BITS-1:0];
      y <= Y_START[Y_BITS-1:0];
    end else if (step) begin
      column <= last_column ? {COLUMN_BITS{1'b0}} : column + 1;
      if (last_column) line <= last_line ? {LINE_BITS{1'b0}} : line + 1;
      if (move == IMAGE) out_x <= 0;
      else if (move == TILE) out_x <= out_x + OUT_STEP[OUT_BITS-1:0];
      else if (move == TILE_WRAP) out_x <= out_x + OUT_BACK[OUT_BITS-1:0];
      x <= move == IMAGE ? X_START[X_BITS-1:0] : x + x_by;
      if (move == IMAGE) y <= Y_START[Y_BITS-1:0];
      else if (move != COLUMN) y <= y + y_by;
    end
    x_then <= x;
    y_then <= y;
  end

  genvar v;
  generate
    for (v = 0; v < V; v = v + 1) begin : lanes
      localparam PLACE = v % OUT_WIDTH;
      localparam [31:0] AT = OUT_WIDTH - PLACE;
      // The lane's pixel is inside for lane 0's x in FIRST_X..LAST_X, one map row up in
      // WRAP_FIRST_X..; for y likewise.
      localparam integer FIRST_X = -PLACE * STRIDE_W;
      localparam integer LAST_X = WIDTH - 1 - PLACE * STRIDE_W;
      localparam integer FIRST_Y = -(v / OUT_WIDTH) * STRIDE_H;
      localparam integer LAST_Y = HEIGHT - 1 - (v / OUT_WIDTH) * STRIDE_H;
      localparam integer WRAP_FIRST_X = FIRST_X + OUT_WIDTH * STRIDE_W;
      localparam integer WRAP_LAST_X = LAST_X + OUT_WIDTH * STRIDE_W;
      localparam integer WRAP_FIRST_Y = FIRST_Y - STRIDE_H;
      localparam integer WRAP_LAST_Y = LAST_Y - STRIDE_H;

      wire signed [31:0] x_wide = {{32 - X_BITS{x_then[X_BITS-1]}}, x_then};
      wire signed [31:0] y_wide = {{32 - Y_BITS{y_then[Y_BITS-1]}}, y_then};
      wire x_ok = wraps[v] ? x_wide >= WRAP_FIRST_X && x_wide <= WRAP_LAST_X :
          x_wide >= FIRST_X && x_wide <= LAST_X;
      wire y_ok = wraps[v] ? y_wide >= WRAP_FIRST_Y && y_wide <= WRAP_LAST_Y :
          y_wide >= FIRST_Y && y_wide <= LAST_Y;
      reg x_in, y_in;

      always @(posedge clk) begin
        wraps[v] <= PLACE > 0 && {1'b0, out_x} >= AT[OUT_BITS:0];
        x_in <= CLIPS_X == 0 || x_ok;
        y_in <= CLIPS_Y == 0 || y_ok;
        in_map[v] <= x_in && y_in;
      end
    end
  endgenerate

endmodule

`default_nettype wire
