// Where line_banks writes its beats.
//
// `next` goes on to the next beat. A beat holds the groups of pixels of a set of neighbouring banks
// (or one of PARTS parts of a group, number `part`): it goes to the banks of `set` at address `at`.
// Beats come channel by channel, block by block. Blocks fill the SETS sets one after the other,
// then the next addresses of all; with PLANES > 1 the PLANES map rows of a turn, ROW_BLOCKS blocks
// each, fill the same sets, every row in its own plane of addresses.
`default_nettype none

module bank_writer #(
    parameter CHANNELS = 1,
    parameter SETS = 4,
    parameter PARTS = 1,
    parameter PLANES = 1,
    parameter ROW_BLOCKS = 1,
    parameter SIZE = 8,
    parameter AT_BITS = SIZE > 1 ? $clog2(SIZE) : 1,
    parameter SET_BITS = SETS > 1 ? $clog2(SETS) : 1,
    parameter PART_BITS = PARTS > 1 ? $clog2(PARTS) : 1
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire                 next,
    output reg  [  AT_BITS-1:0] at,
    output reg  [ SET_BITS-1:0] set,
    output reg  [PART_BITS-1:0] part
);

  localparam CHANNEL_BITS = CHANNELS > 1 ? $clog2(CHANNELS) : 1;
  localparam PLANE_BITS = PLANES > 1 ? $clog2(PLANES) : 1;
  localparam COLUMN_BITS = ROW_BLOCKS > 1 ? $clog2(ROW_BLOCKS) : 1;
  localparam [31:0] LAST_CHANNEL = CHANNELS - 1;
  localparam [31:0] LAST_SET = SETS - 1;
  localparam [31:0] LAST_PART = PARTS - 1;
  localparam [31:0] LAST_PLANE = PLANES - 1;
  localparam [31:0] LAST_COLUMN = ROW_BLOCKS - 1;
  localparam [31:0] PLANE = CHANNELS % SIZE;  // words of a plane
  // Words to a block's next in its plane, and to the first plane, by {first plane, next address}.
  localparam [31:0] ONE = (PLANES * CHANNELS) % SIZE;
  localparam [31:0] BACK = (SIZE - (PLANES - 1) * CHANNELS) % SIZE;
  localparam [31:0] ONE_BACK = CHANNELS % SIZE;
  localparam [31:0] ONE_LESS = ONE - SIZE;
  localparam [31:0] BACK_LESS = BACK - SIZE;
  localparam [31:0] ONE_BACK_LESS = ONE_BACK - SIZE;
  localparam [31:0] NONE_LESS = -SIZE;

  reg [CHANNEL_BITS-1:0] channel;
  reg [PLANE_BITS-1:0] plane;
  reg [COLUMN_BITS-1:0] column;
  reg [AT_BITS-1:0] block_at, row_at;  // of the block's first channel; of the row's first block
  reg [SET_BITS-1:0] row_set;

  initial begin
    channel = 0;
    plane = 0;
    column = 0;
    at = 0;
    block_at = 0;
    row_at = 0;
    set = 0;
    row_set = 0;
    part = 0;
  end

  wire last_channel = channel == LAST_CHANNEL[CHANNEL_BITS-1:0];
  wire last_part = part == LAST_PART[PART_BITS-1:0];
  wire last_set = set == LAST_SET[SET_BITS-1:0];
  wire row_ends = PLANES > 1 && column == LAST_COLUMN[COLUMN_BITS-1:0];
  wire last_plane = plane == LAST_PLANE[PLANE_BITS-1:0];
  wire turn_ends = row_ends && last_plane;

  wire [AT_BITS-1:0] on_by = turn_ends ? (last_set ? ONE_BACK[AT_BITS-1:0] : BACK[AT_BITS-1:0]) :
      last_set ? ONE[AT_BITS-1:0] : {AT_BITS{1'b0}};
  wire [AT_BITS:0] on_less =
      turn_ends ? (last_set ? ONE_BACK_LESS[AT_BITS:0] : BACK_LESS[AT_BITS:0]) :
      last_set ? ONE_LESS[AT_BITS:0] : NONE_LESS[AT_BITS:0];
  wire [AT_BITS-1:0] on_at;
  // verilator lint_off UNUSEDSIGNAL
  wire on_wraps;
  // verilator lint_on UNUSEDSIGNAL

  ring_add #(
      .SIZE(SIZE)
  ) next_block (
      .value(block_at),
      .by(on_by),
      .by_less(on_less),
      .sum(on_at),
      .wraps(on_wraps)
  );

  // The next block: another part of the same groups, the next groups, or the next plane's first.
  wire next_plane = row_ends && !last_plane;
  wire [AT_BITS-1:0] plane_at = row_at + PLANE[AT_BITS-1:0];
  wire [AT_BITS-1:0] next_at = !last_part ? block_at : next_plane ? plane_at : on_at;

  always @(posedge clk) begin
    if (rst) begin
      channel <= 0;
      plane <= 0;
      column <= 0;
      at <= 0;
      block_at <= 0;
      row_at <= 0;
      set <= 0;
      row_set <= 0;
      part <= 0;
    end else if (next && !last_channel) begin
      channel <= channel + {{CHANNEL_BITS - 1{1'b0}}, 1'b1};
      at <= at + {{AT_BITS - 1{1'b0}}, 1'b1};
    end else if (next) begin
      channel <= 0;
      at <= next_at;
      block_at <= next_at;
      part <= last_part ? 0 : part + {{PART_BITS - 1{1'b0}}, 1'b1};
      column <= row_ends ? 0 : column + {{COLUMN_BITS - 1{1'b0}}, 1'b1};
      if (last_part) begin
        set <= next_plane ? row_set : last_set ? 0 : set + {{SET_BITS - 1{1'b0}}, 1'b1};
        if (row_ends) begin
          plane  <= last_plane ? 0 : plane + {{PLANE_BITS - 1{1'b0}}, 1'b1};
          row_at <= next_at;
          if (last_plane) row_set <= last_set ? 0 : set + {{SET_BITS - 1{1'b0}}, 1'b1};
        end
      end
    end
  end

endmodule

`default_nettype wire
