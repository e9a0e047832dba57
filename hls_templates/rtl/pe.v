// One PE: a decoder of taps, its own copy of the tile's rows, and a column for each pixel.
//
// With SYMBOL_BITS 0 there is no decoder: `tap_row` of cycle d + 1 is the word of the step in cycle
// d, {SPAN - index, shift, negate}; `tap_addr` is not used, the array says what is read.
//
// A decode step in cycle d: `back` in d + 2 addresses the tile memory; its row is there in d + 3,
// in a register in d + 4 (zero where the step has no tap, or the null tap at index SPAN), added
// in `acc` of d + 5. `clear` in cycle d + 4: the step is the first of a job. In the same cycle
// the sum of the job before is in `acc`: with `gate` it is in `result` in d + 5, which is zero
// otherwise. With FED cycles without `enable` do not count. Times of off, hold and restart:
// tap_decoder.v. `bank` and `base`: those of the address, d + 2.
//
// Row r of the window lies at address TOP - r, SPAN - index being what the decoder counts. A PE
// with bases (HAS_BASE) reads row base + index: `base` is then its distance from what is counted,
// TOP - SPAN - base, modulo the addresses. With FILL_LANES > 1 a word holds that many rows, the
// last row of them lowest in their order of addresses; the one read is picked from it in d + 3.
`default_nettype none

module pe #(
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
    parameter HAS_BASE = 0,
    parameter FED = 0,
    parameter TILE_STYLE = "auto",
    parameter IMPL = "xilinx",
    parameter TAP_ADDRESS_BITS = TAP_ROWS > 1 ? $clog2(TAP_ROWS) : 1,
    parameter ROW_ADDRESS_BITS = SPLIT_ROWS > 1 ? $clog2(SPLIT_ROWS) : 1,
    parameter LANE_BITS = $clog2(FILL_LANES),
    parameter WORD_BITS = ROW_ADDRESS_BITS - LANE_BITS + 1,
    parameter WORDS = FILL_LANES > 1 ? 2 * SPLIT_ROWS / FILL_LANES
        : (HAS_BASE != 0 || SPAN == SPLIT_ROWS) && SPLIT_ROWS < 1 << ROW_ADDRESS_BITS
        ? 2 * (SPLIT_ROWS + 1) : 2 << ROW_ADDRESS_BITS
) (
    input  wire                                 clk,
    input  wire                                 rst,
    input  wire                                 enable,
    input  wire                                 off,
    input  wire                                 hold,
    input  wire                                 restart,
    input  wire                                 clear_n,
    input  wire                                 gate_n,
    input  wire                                 bank,
    input  wire [         ROW_ADDRESS_BITS-1:0] base,
    input  wire                                 fill_we,
    input  wire [                WORD_BITS-1:0] fill_addr,
    input  wire [FILL_LANES*COLUMNS*X_BITS-1:0] fill_data,
    output wire                                 tap_re,
    output wire [         TAP_ADDRESS_BITS-1:0] tap_addr,
    input  wire [                 ROW_BITS-1:0] tap_row,
    output reg  [              COLUMNS*ACC-1:0] result
);

  localparam INDEX_BITS = $clog2(SPAN + 1);
  localparam A = ROW_ADDRESS_BITS;

  wire [INDEX_BITS-1:0] back;
  wire shift, negate, is_tap;
  wire run = FED == 0 || enable;

  generate
    if (SYMBOL_BITS == 0) begin : words
      reg [INDEX_BITS+1:0] step;
      always @(posedge clk) step <= tap_row[INDEX_BITS+1:0];
      assign {back, shift, negate} = step;
      assign is_tap = 1'b1;
      assign tap_re = 1'b1;
      assign tap_addr = {TAP_ADDRESS_BITS{1'b0}};
      wire unused = &{1'b0, off, hold, restart};
    end else begin : cells
      tap_decoder #(
          .SPAN(SPAN),
          .SYMBOL_BITS(SYMBOL_BITS),
          .CELLS_PER_ROW(CELLS_PER_ROW),
          .ROW_BITS(ROW_BITS),
          .TAP_ROWS(TAP_ROWS),
          .IMPL(IMPL)
      ) decoder (
          .clk(clk),
          .enable(run),
          .off(off),
          .hold(hold),
          .restart(restart),
          .tap_re(tap_re),
          .tap_addr(tap_addr),
          .tap_row(tap_row),
          .back(back),
          .shift(shift),
          .negate(negate),
          .is_tap(is_tap)
      );
    end
  endgenerate

  // Cycle d + 2: the row's address.
  wire [A+INDEX_BITS-1:0] back_wide = {{A{1'b0}}, back};
  wire [A-1:0] address;
  generate
    if (HAS_BASE != 0 || FILL_LANES > 1) begin : from_base
      assign address = back_wide[A-1:0] + base;
    end else begin : from_end
      assign address = back_wide[A-1:0];
    end
  endgenerate

  wire [A:0] read_word = {1'b0, address} >> LANE_BITS;
  wire [A+1:0] read_addr = {read_word, bank};

  // Cycle d + 3: the word, and of it the row.
  wire [FILL_LANES*COLUMNS*X_BITS-1:0] word;
  wire [COLUMNS*X_BITS-1:0] picked;

  ram #(
      .WIDTH(FILL_LANES * COLUMNS * X_BITS),
      .DEPTH(WORDS),
      .STYLE(TILE_STYLE)
  ) tile (
      .clk(clk),
      .we(fill_we),
      .waddr(fill_addr),
      .wdata(fill_data),
      .re(run),
      .raddr(read_addr[WORD_BITS-1:0]),
      .rdata(word)
  );

  generate
    if (FILL_LANES > 1) begin : lanes
      reg [LANE_BITS-1:0] lane;
      always @(posedge clk) if (run) lane <= ~address[LANE_BITS-1:0];
      pick #(
          .WIDTH(COLUMNS * X_BITS),
          .WORDS(FILL_LANES)
      ) of_word (
          .words(word),
          .index(lane),
          .word(picked)
      );
    end else begin : whole
      assign picked = word;
    end
  endgenerate

  // Cycle d + 4: the row in a register. `rst` keeps these few registers from becoming a memory.
  reg zero, shift_3, shift_4, negate_3, negate_4;
  reg [COLUMNS*X_BITS-1:0] x;

  always @(posedge clk) if (run) begin
    zero <= !is_tap || back == {INDEX_BITS{1'b0}};
    x <= zero ? {COLUMNS * X_BITS{1'b0}} : picked;
    {shift_3, negate_3} <= rst ? 2'b00 : {shift, negate};
    {shift_4, negate_4} <= {shift_3, negate_3};
  end

  wire [COLUMNS*ACC-1:0] acc;

  genvar v;
  generate
    for (v = 0; v < COLUMNS; v = v + 1) begin : columns
      column #(
          .WIDTH(ACC),
          .X_BITS(X_BITS),
          .X_SIGNED(X_SIGNED),
          .IMPL(IMPL)
      ) column (
          .clk(clk),
          .enable(run),
          .clear_n(clear_n),
          .shift(shift_4),
          .negate(negate_4),
          .x(x[v*X_BITS+:X_BITS]),
          .acc(acc[v*ACC+:ACC])
      );
    end
  endgenerate

  initial result = {COLUMNS * ACC{1'b0}};
  always @(posedge clk) if (run) result <= gate_n ? {COLUMNS * ACC{1'b0}} : acc;

  // The base is not read where no row has one; bits of the index past the addresses' are not.
  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, base, back_wide, read_addr};
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
