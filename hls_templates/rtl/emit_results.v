// The last part of an array: results of a tile's PEs, entry by entry, added, requantised and made
// beats.
//
// A tile is handed over by a pulse `walked`; up to two may be waiting. Its first step is in the
// cycle after `walked`, or after the last step of the tile before, if that is later. Steps go
// through the tile's blocks of BEAT_PIXELS pixels and in each block through the ENTRIES entries,
// one a cycle; a step whose entry is `last` waits for `y_place`, others wait for nothing. The
// tile's last step makes `emitted`, in its cycle; tiles read bank 0 and bank 1 of the results in
// turn. A step in cycle e:
//   e      `res_addr`, `res_bank`, and `y_make` where its entry is last
//   e + 1  `res_row` is the row of that address; the block's columns are picked from it
//   e + 2  shifted and added to the sum of the output's entries before
//   e + 3  the sum is complete after a last entry: requantise
//   e + 5 + TERMS  `y_write`, `y_data`
//
// ENTRY_FILE: ENTRIES words {last, has_result, shift[ENTRY_SHIFT_BITS], arrival[ADDRESS_BITS]}: the
// output's sum takes result `arrival` << shift, or nothing where has_result = 0. ENTRY_SHIFT_BITS
// may be 0. ALL_LAST = 1: every entry is last. HAS_EMPTY = 0: every one has a result. SCALE_FILE: a
// word of `requantise` for each output in the order of their last entries, or one for all (SCALES =
// 1). A tile has TILE_BLOCKS blocks, the last of the TILES tiles of an image LAST_BLOCKS.
`default_nettype none

module emit_results #(
    parameter TILE_PIXELS = 24,
    parameter BEAT_PIXELS = 1,
    parameter SAMPLES = 1,
    parameter ACC = 20,
    parameter RESULTS = 64,
    parameter TILES = 1,
    parameter TILE_BLOCKS = 24,
    parameter LAST_BLOCKS = TILE_BLOCKS,
    parameter ENTRIES = 64,
    parameter ENTRY_SHIFT_BITS = 0,
    parameter ALL_LAST = 0,
    parameter HAS_EMPTY = 1,
    parameter ENTRY_FILE = "",
    parameter ENTRY_STYLE = "auto",
    parameter SCALES = 64,
    parameter SCALE_FILE = "",
    parameter SCALE_STYLE = "auto",
    parameter SCALED_BITS = 24,
    parameter TERMS = 1,
    parameter SHIFT_BITS = 0,
    parameter [(TERMS > 0 ? TERMS : 1)*8-1:0] SHIFT_MIN = 0,
    parameter [(TERMS > 0 ? TERMS : 1)*8-1:0] SHIFT_MAX = SHIFT_MIN,
    parameter [(TERMS > 0 ? TERMS : 1)-1:0] MAY_NEGATE = {(TERMS > 0 ? TERMS : 1) {1'b1}},
    parameter [(TERMS > 0 ? TERMS : 1)-1:0] MAY_SKIP = {(TERMS > 0 ? TERMS : 1) {1'b1}},
    parameter SHIFT = 0,
    parameter integer LOW = -128,
    parameter integer HIGH = 127,
    parameter OUT_BITS = 8,
    parameter ADDRESS_BITS = RESULTS > 1 ? $clog2(RESULTS) : 1
) (
    input  wire                                    clk,
    input  wire                                    rst,
    input  wire                                    walked,
    output wire                                    emitted,
    output reg                                     res_bank,
    output wire [                ADDRESS_BITS-1:0] res_addr,
    input  wire [     TILE_PIXELS*SAMPLES*ACC-1:0] res_row,
    input  wire                                    y_place,
    output wire                                    y_make,
    output wire                                    y_write,
    output wire [BEAT_PIXELS*SAMPLES*OUT_BITS-1:0] y_data
);

  localparam STAGES = 5 + TERMS;
  localparam PART = BEAT_PIXELS * SAMPLES * ACC;
  localparam BLOCKS = TILE_PIXELS / BEAT_PIXELS;
  localparam BLOCK_BITS = BLOCKS > 1 ? $clog2(BLOCKS) : 1;
  localparam ENTRY_BITS = ADDRESS_BITS + ENTRY_SHIFT_BITS + 2;
  localparam TILE_BITS = TILES > 1 ? $clog2(TILES) : 1;
  localparam integer LAST_TILE_INDEX = TILES - 1;
  localparam integer TILE_END_INDEX = TILE_BLOCKS - 1;
  localparam integer LAST_END_INDEX = LAST_BLOCKS - 1;
  localparam [TILE_BITS-1:0] LAST_TILE = LAST_TILE_INDEX[TILE_BITS-1:0];
  localparam [BLOCK_BITS-1:0] TILE_END = TILE_END_INDEX[BLOCK_BITS-1:0];
  localparam [BLOCK_BITS-1:0] LAST_END = LAST_END_INDEX[BLOCK_BITS-1:0];
  localparam [TILE_BITS-1:0] ONE_TILE = 1;
  localparam [BLOCK_BITS-1:0] ONE_BLOCK = 1;

  // Cycle e: the entry, and whether it takes its step.
  reg [1:0] waiting;  // tiles handed over and not yet emitted
  reg [TILE_BITS-1:0] tile;
  reg [BLOCK_BITS-1:0] block;
  wire [ENTRY_BITS-1:0] entry;
  wire entry_ready, list_ends;
  wire last = ALL_LAST != 0 || entry[ENTRY_BITS-1];
  wire step = waiting != 2'd0 && entry_ready && (y_place || !last);
  wire block_ends = block == (tile == LAST_TILE ? LAST_END : TILE_END);

  initial waiting = 2'd0;
  initial tile = 0;
  initial block = 0;
  initial res_bank = 1'b0;

  rom_stream #(
      .WIDTH(ENTRY_BITS),
      .DEPTH(ENTRIES),
      .FILE (ENTRY_FILE),
      .STYLE(ENTRY_STYLE)
  ) entries (
      .clk(clk),
      .rst(rst),
      .next(step),
      .ready(entry_ready),
      .word(entry),
      .is_last(list_ends)
  );

  assign res_addr = entry[ADDRESS_BITS-1:0];
  assign y_make = step && last;
  assign emitted = step && list_ends && block_ends;

  always @(posedge clk) begin
    if (rst) begin
      waiting <= 2'd0;
      tile <= 0;
      block <= 0;
      res_bank <= 1'b0;
    end else begin
      if (walked != emitted) waiting <= walked ? waiting + 2'd1 : waiting - 2'd1;
      if (step && list_ends) block <= block_ends ? 0 : block + ONE_BLOCK;
      if (emitted) begin
        tile <= tile == LAST_TILE ? 0 : tile + ONE_TILE;
        res_bank <= !res_bank;
      end
    end
  end

  // What follows a step down the pipeline: bit k in cycle e + 1 + k.
  reg [STAGES-1:0] makes;
  reg [1:0] steps;
  initial makes = 0;
  initial steps = 2'b00;
  assign y_write = makes[STAGES-1];
  always @(posedge clk) begin
    makes <= rst ? 0 : {makes[STAGES-2:0], y_make};
    steps <= rst ? 2'b00 : {steps[0], step};
  end

  // Cycle e + 1: the block's part of the row, and what is left of that in cycle e + 2.
  reg [BLOCK_BITS-1:0] picked;
  reg [1:0] has_result;
  wire [PART-1:0] picked_part;
  wire [PART-1:0] part = HAS_EMPTY != 0 ? picked_part & {PART{has_result[1]}} : picked_part;

  pick_part #(
      .WIDTH(PART),
      .PARTS(BLOCKS)
  ) columns (
      .clk  (clk),
      .parts(res_row),
      .index(picked),
      .part (picked_part)
  );

  always @(posedge clk) begin
    picked <= block;
    has_result <= {has_result[0], entry[ENTRY_BITS-2]};
  end

  // Cycle e + 2: shifted and added.
  wire [PART-1:0] shifted;
  wire [PART-1:0] sum;

  generate
    genvar v;
    if (ENTRY_SHIFT_BITS > 0) begin : shifts
      reg [2*ENTRY_SHIFT_BITS-1:0] places;
      always @(posedge clk) begin
        places <= {places[ENTRY_SHIFT_BITS-1:0], entry[ADDRESS_BITS+:ENTRY_SHIFT_BITS]};
      end
      for (v = 0; v < PART; v = v + ACC) begin : columns
        assign shifted[v+:ACC] = part[v+:ACC] << places[ENTRY_SHIFT_BITS+:ENTRY_SHIFT_BITS];
      end
    end else begin : no_shifts
      assign shifted = part;
    end

    if (ALL_LAST != 0) begin : passes
      reg [PART-1:0] only;
      always @(posedge clk) only <= shifted;
      assign sum = only;
    end else begin : adds
      reg goes_on;  // an entry of the same output is in `total`
      reg [PART-1:0] total;
      wire [PART-1:0] carried = total & {PART{goes_on}};
      initial goes_on = 1'b0;
      always @(posedge clk) begin
        if (rst) goes_on <= 1'b0;
        else if (steps[1]) goes_on <= !makes[1];
      end
      for (v = 0; v < PART; v = v + ACC) begin : columns
        always @(posedge clk) if (steps[1]) total[v+:ACC] <= shifted[v+:ACC] + carried[v+:ACC];
      end
      assign sum = total;
    end
  endgenerate

  // Cycle e + 3: requantise, with the next output's scale.
  // The first scale is there before any tile is; `steps` is not used where every entry is last.
  // verilator lint_off UNUSEDSIGNAL
  wire scale_ready;
  wire unused = &{1'b0, steps, has_result, entry, scale_ready};
  // verilator lint_on UNUSEDSIGNAL

  requantise_stream #(
      .LANES(BEAT_PIXELS * SAMPLES),
      .IN_BITS(ACC),
      .SCALES(SCALES),
      .SCALE_FILE(SCALE_FILE),
      .SCALE_STYLE(SCALE_STYLE),
      .SCALED_BITS(SCALED_BITS),
      .TERMS(TERMS),
      .SHIFT_BITS(SHIFT_BITS),
      .SHIFT_MIN(SHIFT_MIN),
      .SHIFT_MAX(SHIFT_MAX),
      .MAY_NEGATE(MAY_NEGATE),
      .MAY_SKIP(MAY_SKIP),
      .SHIFT(SHIFT),
      .LOW(LOW),
      .HIGH(HIGH),
      .OUT_BITS(OUT_BITS)
  ) requantiser (
      .clk(clk),
      .rst(rst),
      .ready(scale_ready),
      .next(makes[2]),
      .values(sum),
      .y(y_data)
  );

endmodule

`default_nettype wire
