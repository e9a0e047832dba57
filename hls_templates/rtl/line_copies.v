// The line buffer of any window: a memory for each lane of the tile, each with all of the ring.
//
// See line_buffer.v. A word is a beat. A step in cycle c adds the lane's offset to the position of
// lane 0 in c + 1, reads the memories in c + 2, picks the pixel from the beat in c + 3. A beat that
// is read in cycle c is written in c + 2: so no word is read in the cycle in which it is written.
`default_nettype none

module line_copies #(
    parameter BITS = 8,
    parameter SAMPLES = 1,
    parameter BEAT_PIXELS = 1,
    parameter TILE_PIXELS = 4,
    parameter CHANNELS = 2,
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
    parameter PAD_LEFT = 1,
    parameter BUFFER_ROWS = 4,
    parameter integer OUTSIDE = 0,
    parameter STYLE = "auto"
) (
    input  wire                                clk,
    input  wire                                rst,
    input  wire                                x_read,
    input  wire [BEAT_PIXELS*SAMPLES*BITS-1:0] x_data,
    input  wire                                step,
    input  wire                                last_row,
    input  wire                                last_tile,
    output wire [TILE_PIXELS*SAMPLES*BITS-1:0] row_data
);

  localparam V = TILE_PIXELS;
  localparam R = BEAT_PIXELS;
  localparam C = CHANNELS;
  localparam PIXEL = SAMPLES * BITS;
  localparam PIXELS = HEIGHT * WIDTH;
  localparam BLOCKS = (PIXELS + R - 1) / R;
  localparam TILES = (OUT_HEIGHT * OUT_WIDTH + V - 1) / V;
  // Blocks that may hold BUFFER_ROWS * WIDTH pixels, where an image's last block is not full.
  localparam KEPT = BUFFER_ROWS * WIDTH;
  localparam REST = KEPT % PIXELS;
  localparam RING = PIXELS % R == 0 ? (KEPT + R - 1) / R :
      KEPT / PIXELS * BLOCKS + (REST + 2 * R - 2) / R;
  localparam SIZE = RING * C;  // words
  localparam A = SIZE > 1 ? $clog2(SIZE) : 1;
  localparam SUB = R > 1 ? $clog2(R) : 1;
  localparam [31:0] LAST_WORD = SIZE - 1;

  // Distances in pixels from lane 0's tap to its next, by `move` of window_walk.
  localparam SPAN = (KERNEL_H - 1) * DILATION_H * WIDTH + (KERNEL_W - 1) * DILATION_W;
  localparam TILE = V / OUT_WIDTH * STRIDE_H * WIDTH + V % OUT_WIDTH * STRIDE_W;
  localparam WRAP = STRIDE_H * WIDTH - OUT_WIDTH * STRIDE_W;  // a line on, OUT_WIDTH pixels back
  localparam START = -PAD_TOP * WIDTH - PAD_LEFT;
  localparam LAST_TILE_AT = ((TILES - 1) * V) / OUT_WIDTH * STRIDE_H * WIDTH +
      ((TILES - 1) * V) % OUT_WIDTH * STRIDE_W;

  function integer distance(input integer which);
    case (which)
      0: distance = DILATION_W;
      1: distance = DILATION_H * WIDTH - (KERNEL_W - 1) * DILATION_W;
      2: distance = -SPAN;
      3: distance = TILE - SPAN;
      4: distance = TILE + WRAP - SPAN;
      default: distance = BLOCKS * R - LAST_TILE_AT - SPAN;
    endcase
  endfunction

  function integer modulo(input integer a, input integer divisor);
    modulo = (a % divisor + divisor) % divisor;
  endfunction

  // Words from a beat to that `pixels` on in the same channel, not counting `modulo(pixels, R)`.
  function integer words(input integer pixels);
    words = modulo((pixels - modulo(pixels, R)) / R, RING) * C;
  endfunction

  // Words to the next tap, by {a pixel's place in the beat overflows, move}.
  function integer words_on(input [3:0] which);
    words_on = modulo(words(distance({29'd0, which[2:0]})) + (which[3] ? C : 0) +
        (which[2:0] == 2 ? 1 : which[2:0] > 2 ? 1 - C : 0), SIZE);
  endfunction

  // ---- the walk, cycle c
  wire [2:0] move;
  wire [V-1:0] wraps, in_map;

  window_walk #(
      .TILE_PIXELS(TILE_PIXELS),
      .HEIGHT(HEIGHT),
      .WIDTH(WIDTH),
      .OUT_HEIGHT(OUT_HEIGHT),
      .OUT_WIDTH(OUT_WIDTH),
      .KERNEL_H(KERNEL_H),
      .KERNEL_W(KERNEL_W),
      .STRIDE_H(STRIDE_H),
      .STRIDE_W(STRIDE_W),
      .DILATION_H(DILATION_H),
      .DILATION_W(DILATION_W),
      .PAD_TOP(PAD_TOP),
      .PAD_LEFT(PAD_LEFT)
  ) walk (
      .clk(clk),
      .rst(rst),
      .step(step),
      .last_row(last_row),
      .last_tile(last_tile),
      .move(move),
      .wraps(wraps),
      .in_map(in_map)
  );

  // ---- lane 0's position, cycle c + 1
  localparam [31:0] FIRST_WORD = words(START);
  localparam [31:0] FIRST_SUB = modulo(START, R);

  reg stepped, stepped_then;
  reg [2:0] moved;
  reg [A-1:0] at;
  reg [SUB-1:0] sub;  // the pixel's place in its beat
  wire [A-1:0] at_next;
  wire [SUB-1:0] sub_next;
  reg [A-1:0] by;
  reg [A:0] by_less;
  wire carry;
  // verilator lint_off UNUSEDSIGNAL
  wire at_wraps;
  // verilator lint_on UNUSEDSIGNAL

  initial {stepped, at, sub} = {1'b0, FIRST_WORD[A-1:0], FIRST_SUB[SUB-1:0]};

  integer which;
  // verilator lint_off UNUSEDSIGNAL
  reg [31:0] table_by, table_less;  // tables are made in 32 bits and cut
  // verilator lint_on UNUSEDSIGNAL
  always @* begin
    by = 0;
    by_less = 0;
    for (which = 0; which < 16; which = which + 1) begin
      table_by = words_on(which[3:0]);
      table_less = table_by - SIZE;
      if ({carry, moved} == which[3:0]) begin
        by = table_by[A-1:0];
        by_less = table_less[A:0];
      end
    end
  end

  ring_add #(
      .SIZE(SIZE)
  ) next_at (
      .value(at),
      .by(by),
      .by_less(by_less),
      .sum(at_next),
      .wraps(at_wraps)
  );

  generate
    if (R > 1) begin : places
      reg [SUB-1:0] sub_by;
      integer m;
      // verilator lint_off UNUSEDSIGNAL
      reg [31:0] table_sub;  // cut
      // verilator lint_on UNUSEDSIGNAL
      always @* begin
        sub_by = 0;
        for (m = 0; m < 8; m = m + 1) begin
          table_sub = modulo(distance(m), R);
          if (moved == m[2:0]) sub_by = table_sub[SUB-1:0];
        end
      end
      assign {carry, sub_next} = {1'b0, sub} + {1'b0, sub_by};
    end else begin : one_place
      assign carry = 1'b0;
      assign sub_next = 1'b0;
    end
  endgenerate

  always @(posedge clk) begin
    stepped <= step && !rst;
    stepped_then <= stepped;
    moved <= move;
    if (rst) begin
      at  <= FIRST_WORD[A-1:0];
      sub <= FIRST_SUB[SUB-1:0];
    end else if (stepped) begin
      at  <= at_next;
      sub <= sub_next;
    end
  end

  // ---- the writer, cycles c + 1 and c + 2
  reg [A-1:0] to, to_then;
  reg taken, taken_then;
  reg [R*PIXEL-1:0] beat, beat_then;

  initial {to, taken, taken_then} = 0;

  always @(posedge clk) begin
    taken <= x_read && !rst;
    taken_then <= taken && !rst;
    beat <= x_data;
    beat_then <= beat;
    to_then <= to;
    if (rst) to <= 0;
    else if (taken) to <= to == LAST_WORD[A-1:0] ? {A{1'b0}} : to + 1;
  end

  // ---- the lanes
  genvar v;
  generate
    for (v = 0; v < V; v = v + 1) begin : lanes
      line_copy #(
          .PIXEL(PIXEL),
          .BEAT_PIXELS(R),
          .CHANNELS(C),
          .RING(RING),
          .OFFSET(v / OUT_WIDTH * STRIDE_H * WIDTH + v % OUT_WIDTH * STRIDE_W),
          .WRAP(WRAP),
          .OUTSIDE({SAMPLES{OUTSIDE[BITS-1:0]}}),
          .STYLE(STYLE)
      ) lane (
          .clk(clk),
          .we(taken_then),
          .waddr(to_then),
          .wdata(beat_then),
          .re(stepped_then),
          .at(at),
          .sub(sub),
          .wraps(wraps[v]),
          .in_map(in_map[v]),
          .pixel(row_data[v*PIXEL+:PIXEL])
      );
    end
  endgenerate

endmodule

`default_nettype wire
