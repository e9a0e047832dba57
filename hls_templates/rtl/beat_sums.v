// Passes the rows of a vector on, LANES at once, and behind them the sums of groups of any rows.
//
// Rows that come in cycle c (`x_valid`, `x_data`) leave in c + 3 (`fill_we`, `fill_data`). After the
// last, in cycle R, sum row i (two rows a group, low and high: sum_part.v) is in its lane, i modulo
// LANES, from R + 5 + i on; LANES of them are written at once, or what is left of them. The next
// rows come in R + 2 GROUPS + 2 at the earliest.
//
// Each lane adds up on its own. TABLE_FILE holds a word for each beat, then one for each group,
// {last beat, for each lane {kind[2], group}}, lane 0 lowest. kind: of a beat what the lane adds
// its row to: 0 nothing (the row is in no group), 1 zero (the first of its group), 2 the sum that
// the lane made last (the same group), 3 the group's sum in memory. Of a group: 0 where the lane
// has no row of it.
`default_nettype none

module beat_sums #(
    parameter integer LANES = 2,
    parameter BEATS = 9,
    parameter integer GROUPS = 3,
    parameter COLUMNS = 1,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter SUM_BITS = 11,
    parameter LOW_BITS = 7,
    parameter TABLE_FILE = "",
    parameter TABLE_STYLE = "auto",
    parameter STYLE = "auto"
) (
    input  wire                            clk,
    input  wire                            rst,
    input  wire                            x_valid,
    input  wire [LANES*COLUMNS*X_BITS-1:0] x_data,
    output reg                             fill_we,
    output reg  [LANES*COLUMNS*X_BITS-1:0] fill_data
);

  localparam ROW = COLUMNS * X_BITS;
  localparam SUMS = COLUMNS * SUM_BITS;
  localparam GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam LANE_WORD = 2 + GROUP_BITS;
  localparam WORD = 1 + LANES * LANE_WORD;
  localparam SLOT_BITS = LANES > 1 ? $clog2(LANES) : 1;
  localparam integer LAST_LANE = LANES - 1;
  localparam [SLOT_BITS-1:0] LAST_SLOT = LAST_LANE[SLOT_BITS-1:0];
  localparam [SLOT_BITS-1:0] ONE_SLOT = 1;
  localparam [1:0] NOTHING = 2'd0;
  localparam [1:0] ZERO = 2'd1;
  localparam [1:0] MADE_LAST = 2'd2;

  // What comes now: in cycle c, or while `reads`, in R + 2 + i for sum row i.
  reg ended, reads, high;
  wire [WORD-1:0] word;
  wire is_last_group;
  // verilator lint_off UNUSEDSIGNAL
  wire ready;  // two cycles after reset: no beat comes sooner
  // verilator lint_on UNUSEDSIGNAL

  rom_stream #(
      .WIDTH(WORD),
      .DEPTH(BEATS + GROUPS),
      .FILE (TABLE_FILE),
      .STYLE(TABLE_STYLE)
  ) list (
      .clk(clk),
      .rst(rst),
      .next(x_valid || (reads && high)),
      .ready(ready),
      .word(word),
      .is_last(is_last_group)
  );

  // Cycle c + 1 and R + 3 + i; c + 2 and R + 4 + i.
  reg valid_1, reads_1, high_1, last_1;
  reg valid_2, reads_2, high_2, last_2;
  reg [LANES*ROW-1:0] x_1, x_2;

  initial {ended, reads, high} = 3'b000;
  initial {valid_1, reads_1, valid_2, reads_2, fill_we} = 5'b00000;

  always @(posedge clk) begin
    if (rst) begin
      {ended, reads, high} <= 3'b000;
      {valid_1, reads_1, valid_2, reads_2, fill_we} <= 5'b00000;
    end else begin
      ended <= x_valid && word[WORD-1];
      reads <= ended || (reads && !(high && is_last_group));
      high <= reads && !high;
      {valid_1, reads_1} <= {x_valid, reads};
      {valid_2, reads_2} <= {valid_1, reads_1};
      fill_we <= valid_2 || (reads_2 && (last_2 || slot == LAST_SLOT));
    end
    {high_1, last_1} <= {high, high && is_last_group};
    {high_2, last_2} <= {high_1, last_1};
    x_1 <= x_data;
    x_2 <= x_1;
  end

  wire [LANES*SUMS-1:0] of_lanes;

  genvar lane, v;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
      wire [LANE_WORD-1:0] now = word[lane*LANE_WORD+:LANE_WORD];
      reg [1:0] kind;
      reg [GROUP_BITS-1:0] group;
      reg [SUMS-1:0] made_last;
      wire [SUMS-1:0] stored, sums;
      wire we = valid_1 && kind != NOTHING;
      wire re = x_valid || (reads && !high);

      always @(posedge clk) begin
        if (re) {kind, group} <= now;
        if (we) made_last <= sums;
      end

      ram #(
          .WIDTH(SUMS),
          .DEPTH(GROUPS),
          .STYLE(STYLE)
      ) memory (
          .clk(clk),
          .we(we),
          .waddr(group),
          .wdata(sums),
          .re(re),
          .raddr(now[GROUP_BITS-1:0]),
          .rdata(stored)
      );

      for (v = 0; v < COLUMNS; v = v + 1) begin : columns
        wire [X_BITS-1:0] x = x_1[(lane*COLUMNS+v)*X_BITS+:X_BITS];
        wire [SUM_BITS+X_BITS-1:0] wide = {{SUM_BITS{X_SIGNED != 0 && x[X_BITS-1]}}, x};
        wire [SUM_BITS-1:0] so_far = kind == ZERO ? {SUM_BITS{1'b0}}
            : kind == MADE_LAST ? made_last[v*SUM_BITS+:SUM_BITS] : stored[v*SUM_BITS+:SUM_BITS];
        assign sums[v*SUM_BITS+:SUM_BITS] = so_far + wide[SUM_BITS-1:0];
        assign of_lanes[(v*LANES+lane)*SUM_BITS+:SUM_BITS] =
            kind != NOTHING ? stored[v*SUM_BITS+:SUM_BITS] : {SUM_BITS{1'b0}};
        // verilator lint_off UNUSEDSIGNAL
        wire unused = &{1'b0, wide};  // copies of the sign
        // verilator lint_on UNUSEDSIGNAL
      end
    end
  endgenerate

  // Cycle R + 4 + i: the sums of all lanes.
  reg [SUMS-1:0] total;
  wire [SUMS-1:0] together;
  wire [ROW-1:0] part;

  generate
    for (v = 0; v < COLUMNS; v = v + 1) begin : totals
      adder_tree #(
          .TERMS(LANES),
          .BITS (SUM_BITS)
      ) tree (
          .terms(of_lanes[v*LANES*SUM_BITS+:LANES*SUM_BITS]),
          .sum  (together[v*SUM_BITS+:SUM_BITS])
      );
    end
  endgenerate

  always @(posedge clk) total <= together;

  sum_part #(
      .COLUMNS(COLUMNS),
      .X_BITS(X_BITS),
      .X_SIGNED(X_SIGNED),
      .SUM_BITS(SUM_BITS),
      .LOW_BITS(LOW_BITS)
  ) halves (
      .sums(total),
      .high(high_2),
      .row (part)
  );

  // Rows, or sum rows one lane after the other.
  reg [SLOT_BITS-1:0] slot;
  initial slot = 0;
  always @(posedge clk) begin
    if (rst) slot <= 0;
    else if (reads_2) slot <= last_2 || slot == LAST_SLOT ? 0 : slot + ONE_SLOT;
  end

  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : slots
      localparam [SLOT_BITS-1:0] SLOT = lane;
      always @(posedge clk) begin
        if (valid_2) fill_data[lane*ROW+:ROW] <= x_2[lane*ROW+:ROW];
        else if (slot == SLOT) fill_data[lane*ROW+:ROW] <= part;
      end
    end
  endgenerate

endmodule

`default_nettype wire
