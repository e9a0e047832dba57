// PES processing elements that walk the rows of a tile, and the memory of their results.
//
// Fill: `fill_we` in any cycle up to `filled` + 4 writes FILL_LANES rows, from `fill_row` of
// split `fill_split` on, for the tile in `fill_bank`; tiles lie in bank 0 and bank 1 in turn.
// `filled` hands a tile over, in the cycle of its last fill step.
//
// Walk: the walk of tile g starts in cycle s = max(end before + 1, filled(g) + 1, emitted(g - 2)
// + 1) and its end is s + 1 + WALK_CYCLES. PE p starts p cycles later: its decode step t is in s
// + 2 + p + t (pe.v says what follows). `walked` is in cycle end + PES - 1, that of the last PE's
// last step.
//
// Events: the jobs' ends, words of EVENT_FILE {time[20], pe[12], base of the PE's next job[16]}
// by rising time, none twice; time 0 is the last PE's first step, s + PES + 1. With E the event's
// cycle: the PE's index restarts in E + 2, its sum goes through its gate in E + 5, all gates are
// ORed into a register in E + 6, which is written to the result memory in E + 7, under the number
// of the event in its tile. `res_addr`, `res_bank` of a cycle after that give `res_row` in the
// next one.
//
// Tap rows: a rom.v outside for each PE, with enable `tap_re`, address `tap_addr`, data `tap_row`.
// With SYMBOL_BITS 0 a row is a tap word (pe.v), and the address of step t, which all PEs share,
// goes from PE to PE. With FED = 1 there is tap_feed.v instead, which looks at `tap_re` where
// `tap_off` is 0; then cycles without `enable` do not count, and `walked` comes in the cycle of
// `end`: WALK_CYCLES lasts until the last result is stored. PE_SPLIT, FIRST_BASE: 16 bits a PE, PE
// 0 lowest: its split, and the base of its first job.
`default_nettype none

module pe_array #(
    parameter PES = 4,
    parameter COLUMNS = 16,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter ACC = 20,
    parameter FILL_LANES = 1,
    parameter SPLIT_ROWS = 144,
    parameter SPAN = 144,
    parameter SYMBOL_BITS = 3,
    parameter CELLS_PER_ROW = 9,
    parameter ROW_BITS = 36,
    parameter TAP_ROWS = 64,
    parameter WALK_CYCLES = 512,
    parameter RESULTS = 32,
    parameter EVENT_FILE = "",
    parameter HAS_BASE = 0,
    parameter [PES*16-1:0] FIRST_BASE = 0,
    parameter [PES*16-1:0] PE_SPLIT = 0,
    parameter EVENT_STYLE = "auto",
    parameter TILE_STYLE = "auto",
    parameter RESULT_STYLE = "auto",
    parameter FED = 0,
    parameter IMPL = "xilinx",
    parameter TAP_ADDRESS_BITS = TAP_ROWS > 1 ? $clog2(TAP_ROWS) : 1,
    parameter ADDRESS_BITS = RESULTS > 1 ? $clog2(RESULTS) : 1
) (
    input  wire                                 clk,
    input  wire                                 rst,
    input  wire                                 enable,
    input  wire                                 fill_we,
    input  wire                                 fill_bank,
    input  wire [                         15:0] fill_split,
    input  wire [                         15:0] fill_row,
    input  wire [FILL_LANES*COLUMNS*X_BITS-1:0] fill_data,
    input  wire                                 filled,
    output wire                                 walked,
    output wire [                      PES-1:0] tap_off,
    output wire [                      PES-1:0] tap_re,
    output wire [     PES*TAP_ADDRESS_BITS-1:0] tap_addr,
    input  wire [             PES*ROW_BITS-1:0] tap_row,
    input  wire                                 res_bank,
    input  wire [             ADDRESS_BITS-1:0] res_addr,
    output wire [              COLUMNS*ACC-1:0] res_row,
    input  wire                                 emitted
);

  localparam RESULT_BITS = COLUMNS * ACC;
  localparam [TAP_ADDRESS_BITS-1:0] NEXT_STEP = 1;
  localparam LANE_BITS = $clog2(FILL_LANES);
  localparam ROW_ADDRESS_BITS = SPLIT_ROWS > 1 ? $clog2(SPLIT_ROWS) : 1;
  localparam WORD_BITS = ROW_ADDRESS_BITS - LANE_BITS + 1;
  // Row r lies at address TOP - r: pe.v.
  localparam TOP = FILL_LANES > 1 ? SPLIT_ROWS - 1 : HAS_BASE != 0 ? SPLIT_ROWS : SPAN;

  // Where each tile starts.
  wire off, hold, bank;
  wire run = FED == 0 || enable || rst;
  walk_starts #(
      .WALK_CYCLES(WALK_CYCLES)
  ) starts (
      .clk(clk),
      .rst(rst),
      .enable(run),
      .filled(filled),
      .emitted(emitted),
      .off(off),
      .hold(hold),
      .bank(bank)
  );

  // One PE after the other: offs[p], holds[p] and banks[p] are p cycles late, and events look at
  // those of some cycles later.
  reg [PES:1] offs_behind;
  reg [PES+4:1] holds_behind;
  reg [PES+1:1] banks_behind;
  wire [PES:0] offs = {offs_behind, off};
  wire [PES+4:0] holds = {holds_behind, hold};
  wire [PES+1:0] banks = {banks_behind, bank};

  initial offs_behind = {PES{1'b1}};
  initial holds_behind = {PES + 4{1'b1}};
  always @(posedge clk) if (run) begin
    offs_behind <= rst ? {PES{1'b1}} : offs[PES-1:0];
    holds_behind <= rst ? {PES + 4{1'b1}} : holds[PES+3:0];
    banks_behind <= banks[PES:0];
  end

  assign tap_off = offs[PES-1:0];
  assign walked = FED != 0 ? hold && !holds[1] && enable : holds[PES-1] && !holds[PES];

  // The event of cycle E, as it is in E + 1.
  wire hit;
  wire [11:0] hit_pe;
  wire [15:0] hit_base;
  wire result_we;
  wire [ADDRESS_BITS:0] result_addr;

  walk_events #(
      .PES(PES),
      .WALK_CYCLES(WALK_CYCLES),
      .RESULTS(RESULTS),
      .EVENT_FILE(EVENT_FILE),
      .STYLE(EVENT_STYLE)
  ) events (
      .clk(clk),
      .rst(rst),
      .enable(run),
      .idle(holds[PES]),
      .hit(hit),
      .hit_pe(hit_pe),
      .hit_base(hit_base),
      .result_we(result_we),
      .result_addr(result_addr)
  );

  reg [ROW_ADDRESS_BITS-1:0] event_base;  // cycle E + 2
  wire [31:0] base_from_top = TOP - SPAN - {16'd0, hit_base};
  always @(posedge clk) if (run) event_base <= base_from_top[ROW_ADDRESS_BITS-1:0];

  // Rows from their end.
  wire [31:0] fill_from_top = (TOP - {16'd0, fill_row}) >> LANE_BITS;
  wire [WORD_BITS-1:0] fill_addr = {fill_from_top[WORD_BITS-2:0], fill_bank};

  wire [PES*RESULT_BITS-1:0] gated;

  genvar p;
  generate
    for (p = 0; p < PES; p = p + 1) begin : pes
      localparam [11:0] NUMBER = p;
      localparam [15:0] SPLIT = PE_SPLIT[16*p+:16];
      localparam [31:0] FIRST = TOP - SPAN - {16'd0, FIRST_BASE[16*p+:16]};

      // Job ends in E + 2 to E + 5; an idle PE restarts in every cycle, and ends nothing.
      reg restart_2, restart_3, restart_4, clear_n, gate_n;
      initial clear_n = 1'b0;
      initial gate_n = 1'b1;
      always @(posedge clk) if (run) begin
        restart_2 <= (hit && hit_pe == NUMBER) || holds[p+2];
        restart_3 <= restart_2 || rst;
        restart_4 <= restart_3;
        clear_n <= !restart_4;
        gate_n <= !restart_4 || holds[p+5];
      end

      wire [TAP_ADDRESS_BITS-1:0] row_addr;
      if (SYMBOL_BITS > 0) begin : row_of_cells
        assign tap_addr[p*TAP_ADDRESS_BITS+:TAP_ADDRESS_BITS] = row_addr;
      end else begin : row_of_step
        reg [TAP_ADDRESS_BITS-1:0] step;
        if (p == 0) begin : first
          always @(posedge clk) step <= holds[1] ? 0 : step + NEXT_STEP;
        end else begin : behind
          always @(posedge clk) step <= tap_addr[(p-1)*TAP_ADDRESS_BITS+:TAP_ADDRESS_BITS];
        end
        assign tap_addr[p*TAP_ADDRESS_BITS+:TAP_ADDRESS_BITS] = step;
        wire unused = &{1'b0, row_addr};
      end

      reg [ROW_ADDRESS_BITS-1:0] base;
      always @(posedge clk) begin
        if (restart_2 && run) base <= holds[p+3] ? FIRST[ROW_ADDRESS_BITS-1:0] : event_base;
      end

      pe #(
          .COLUMNS(COLUMNS),
          .X_BITS(X_BITS),
          .X_SIGNED(X_SIGNED),
          .ACC(ACC),
          .FILL_LANES(FILL_LANES),
          .SPLIT_ROWS(SPLIT_ROWS),
          .SPAN(SPAN),
          .SYMBOL_BITS(SYMBOL_BITS),
          .CELLS_PER_ROW(CELLS_PER_ROW),
          .ROW_BITS(ROW_BITS),
          .TAP_ROWS(TAP_ROWS),
          .HAS_BASE(HAS_BASE),
          .FED(FED),
          .TILE_STYLE(TILE_STYLE),
          .IMPL(IMPL)
      ) pe (
          .clk(clk),
          .rst(rst),
          .enable(run),
          .off(offs[p]),
          .hold(holds[p]),
          .restart(restart_2),
          .clear_n(clear_n),
          .gate_n(gate_n),
          .bank(banks[p+2]),
          .base(base),
          .fill_we(fill_we && fill_split == SPLIT),
          .fill_addr(fill_addr),
          .fill_data(fill_data),
          .tap_re(tap_re[p]),
          .tap_addr(row_addr),
          .tap_row(tap_row[p*ROW_BITS+:ROW_BITS]),
          .result(gated[p*RESULT_BITS+:RESULT_BITS])
      );
    end

    if (RESULTS > 0) begin : results
      reg [RESULT_BITS-1:0] collected;
      wire [RESULT_BITS-1:0] any;
      or_bits #(
          .WIDTH(RESULT_BITS),
          .N(PES),
          .IMPL(IMPL)
      ) of_pes (
          .words(gated),
          .any(any)
      );
      always @(posedge clk) if (run) collected <= any;
      ram #(
          .WIDTH(RESULT_BITS),
          .DEPTH(2 * RESULTS),
          .STYLE(RESULT_STYLE)
      ) memory (
          .clk(clk),
          .we(result_we),
          .waddr(result_addr),
          .wdata(collected),
          .re(1'b1),
          .raddr({res_addr, res_bank}),
          .rdata(res_row)
      );
    end else begin : no_results
      assign res_row = {RESULT_BITS{1'b0}};
    end
  endgenerate

  // No PE follows the last; bits of rows past the memory's; without results nothing is read.
  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, offs, base_from_top, fill_from_top, gated, result_we, result_addr,
                  res_addr, res_bank};
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
