// The line buffer whose lanes read neighbours: one ring for all, in a bank for each lane.
//
// See line_buffer.v. Groups of STRIDE_W pixels of a row, one after the other, lie in bank after
// bank; with STRIDE_H > 1 each of STRIDE_H planes of map rows on its own. Under one tap the lanes
// of a tile read neighbouring groups of one plane, each from another bank, at one of two addresses.
// That needs
//   - WIDTH and HEIGHT to be multiples of STRIDE_W and STRIDE_H,
//   - OUT_WIDTH == WIDTH / STRIDE_W, or OUT_HEIGHT == 1,
//   - BEAT_PIXELS and STRIDE_W one to be a multiple of the other,
//   - WIDTH to be a multiple of BEAT_PIXELS where STRIDE_H > 1 and BEAT_PIXELS > STRIDE_W.
//
// A step in cycle c reads the banks in c + 1; the tap's pixel of each group is picked and turned to
// its lane in c + 2 and c + 3. A beat that is read in cycle c is written in c + 1: so no word that
// counts is read in the cycle in which it is written.
`default_nettype none

module line_banks #(
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
    output reg  [TILE_PIXELS*SAMPLES*BITS-1:0] row_data
);

  localparam V = TILE_PIXELS;
  localparam R = BEAT_PIXELS;
  localparam SX = STRIDE_W;
  localparam SY = STRIDE_H;
  localparam PIXEL = SAMPLES * BITS;
  localparam PIXELS = HEIGHT * WIDTH;
  localparam BLOCKS = (PIXELS + R - 1) / R;
  localparam TILES = (OUT_HEIGHT * OUT_WIDTH + V - 1) / V;
  localparam GROUPS = R > SX ? R / SX : 1;  // in a beat
  localparam PARTS = R < SX ? SX / R : 1;  // beats in a group
  localparam WORD = SX / PARTS * PIXEL;
  localparam ROW_GROUPS = WIDTH / SX;
  // Groups of the ring, at least: whole rows, or as many blocks as in line_copies.
  localparam KEPT = BUFFER_ROWS * WIDTH;
  localparam REST = KEPT % PIXELS;
  localparam KEPT_BLOCKS = PIXELS % R == 0 ? (KEPT + R - 1) / R :
      KEPT / PIXELS * BLOCKS + (REST + 2 * R - 2) / R;
  localparam RING = SY > 1 ? (BUFFER_ROWS + SY - 1) / SY * ROW_GROUPS :
      PARTS > 1 ? (KEPT + SX - 1) / SX : KEPT_BLOCKS * GROUPS;
  localparam IMAGE = SY > 1 ? HEIGHT / SY * ROW_GROUPS : PARTS > 1 ? PIXELS / SX : BLOCKS * GROUPS;
  localparam DEPTH = (RING + V - 1) / V;
  localparam SIZE = DEPTH * SY * CHANNELS;  // words of a bank
  localparam A = SIZE > 1 ? $clog2(SIZE) : 1;
  localparam BANK = V > 1 ? $clog2(V) : 1;
  localparam PHASE = SX > 1 ? $clog2(SX) : 1;
  localparam SETS = V / GROUPS;
  localparam SET = SETS > 1 ? $clog2(SETS) : 1;
  localparam PART = PARTS > 1 ? $clog2(PARTS) : 1;

  // ---- the reader, cycles c and c + 1
  wire [2:0] move;
  // verilator lint_off UNUSEDSIGNAL
  wire [V-1:0] wraps;  // lanes are neighbours over the end of a row, too
  // verilator lint_on UNUSEDSIGNAL
  wire [V-1:0] in_map;
  wire [A-1:0] at, at_second;
  wire [V-1:0] second;
  wire [BANK-1:0] bank;
  wire [PHASE-1:0] phase;
  // verilator lint_off UNUSEDSIGNAL
  reg [BANK-1:0] bank_then;  // nobody asks where there is one bank, or one pixel in a group
  reg [PHASE-1:0] phase_then;
  // verilator lint_on UNUSEDSIGNAL
  reg stepped;

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

  bank_reader #(
      .BANKS(V),
      .DEPTH(DEPTH),
      .CHANNELS(CHANNELS),
      .ROW_GROUPS(ROW_GROUPS),
      .NEXT_IMAGE(IMAGE - (TILES - 1) * V),
      .KERNEL_H(KERNEL_H),
      .KERNEL_W(KERNEL_W),
      .STRIDE_H(STRIDE_H),
      .STRIDE_W(STRIDE_W),
      .DILATION_H(DILATION_H),
      .DILATION_W(DILATION_W),
      .PAD_TOP(PAD_TOP),
      .PAD_LEFT(PAD_LEFT)
  ) reader (
      .clk(clk),
      .rst(rst),
      .step(step),
      .move(move),
      .at(at),
      .at_second(at_second),
      .second(second),
      .bank(bank),
      .phase(phase)
  );

  // ---- the writer, cycle c + 1
  reg taken;
  reg [R*PIXEL-1:0] beat;
  wire [A-1:0] to;
  wire [SET-1:0] set;
  wire [PART-1:0] part;

  bank_writer #(
      .CHANNELS(CHANNELS),
      .SETS(SETS),
      .PARTS(PARTS),
      .PLANES(SY),
      .ROW_BLOCKS(ROW_GROUPS * PARTS / GROUPS > 0 ? ROW_GROUPS * PARTS / GROUPS : 1),
      .SIZE(SIZE)
  ) writer (
      .clk(clk),
      .rst(rst),
      .next(taken),
      .at(to),
      .set(set),
      .part(part)
  );

  initial taken = 1'b0;
  initial stepped = 1'b0;

  always @(posedge clk) begin
    taken <= x_read && !rst;
    stepped <= step && !rst;
    beat <= x_data;
    bank_then <= bank;
    phase_then <= phase;
  end

  // ---- the banks, and from cycle c + 2 on what they gave
  wire [V*PIXEL-1:0] picked, turned;
  genvar b, p, v;
  generate
    for (b = 0; b < V; b = b + 1) begin : banks
      localparam [31:0] OF_SET = b / GROUPS;
      wire [SX*PIXEL-1:0] group;
      for (p = 0; p < PARTS; p = p + 1) begin : parts
        localparam [31:0] OF_PART = p;
        ram #(
            .WIDTH(WORD),
            .DEPTH(SIZE),
            .STYLE(STYLE)
        ) lines (
            .clk(clk),
            .we(taken && set == OF_SET[SET-1:0] && part == OF_PART[PART-1:0]),
            .waddr(to),
            .wdata(beat[b%GROUPS*WORD+:WORD]),
            .re(stepped),
            .raddr(second[b] ? at_second : at),
            .rdata(group[p*WORD+:WORD])
        );
      end
      if (SX > 1) begin : pick
        assign picked[b*PIXEL+:PIXEL] = group[phase_then*PIXEL+:PIXEL];
      end else begin : whole
        assign picked[b*PIXEL+:PIXEL] = group;
      end
    end

    if (V > 1) begin : turn
      rotate #(
          .WIDTH(PIXEL),
          .ITEMS(V)
      ) to_lanes (
          .clk(clk),
          .x(picked),
          .amount(bank_then),
          .y(turned)
      );
    end else begin : stay
      reg [PIXEL-1:0] only;
      always @(posedge clk) only <= picked;
      assign turned = only;
    end

    for (v = 0; v < V; v = v + 1) begin : lanes
      always @(posedge clk) begin
        row_data[v*PIXEL+:PIXEL] <=
            in_map[v] ? turned[v*PIXEL+:PIXEL] : {SAMPLES{OUTSIDE[BITS-1:0]}};
      end
    end
  endgenerate

endmodule

`default_nettype wire
