// Passes the rows of a tile on, and behind them the sums of groups of GROUP_ROWS neighbouring rows.
//
// A row that comes in cycle c (`x_valid`, `x_data`) leaves in c + 1 (`fill_we`, `fill_data`). After
// the last of ROWS rows, in cycle T, there are two rows for each group, one a cycle: those of group
// g in T + 2 + 2 g (low) and T + 3 + 2 g (high), sum_part.v. The next tile's first row comes in
// T + 2 GROUPS + 1 at the earliest. The last group has the rows that are left.
`default_nettype none

module group_sums #(
    parameter integer ROWS = 18,
    parameter integer GROUP_ROWS = 8,
    parameter integer GROUPS = 3,
    parameter COLUMNS = 1,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter SUM_BITS = 11,
    parameter LOW_BITS = 7,
    parameter STYLE = "auto"
) (
    input  wire                      clk,
    input  wire                      rst,
    input  wire                      x_valid,
    input  wire [COLUMNS*X_BITS-1:0] x_data,
    output reg                       fill_we,
    output reg  [COLUMNS*X_BITS-1:0] fill_data
);

  localparam SUMS = COLUMNS * SUM_BITS;
  localparam integer LAST_OF_GROUP = GROUP_ROWS - 1;
  localparam integer LAST_GROUP = GROUPS - 1;
  localparam integer LAST_OF_TILE = ROWS - LAST_GROUP * GROUP_ROWS - 1;
  localparam PLACE_BITS = GROUP_ROWS > 1 ? $clog2(GROUP_ROWS) : 1;
  localparam GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam [PLACE_BITS-1:0] FIRST_ROW = 0;
  localparam [PLACE_BITS-1:0] ONE_ROW = 1;
  localparam [GROUP_BITS-1:0] FIRST_GROUP = 0;
  localparam [GROUP_BITS-1:0] ONE_GROUP = 1;

  // Cycle c: the row's place in its group, and the sum up to it.
  reg [PLACE_BITS-1:0] place;
  reg [GROUP_BITS-1:0] group;
  reg [SUMS-1:0] sums;
  wire [SUMS-1:0] sums_next;
  wire is_last_group = group == LAST_GROUP[GROUP_BITS-1:0];
  wire ends_tile = x_valid && is_last_group && place == LAST_OF_TILE[PLACE_BITS-1:0];
  wire ends_group = x_valid && (ends_tile || place == LAST_OF_GROUP[PLACE_BITS-1:0]);

  genvar v;
  generate
    for (v = 0; v < COLUMNS; v = v + 1) begin : columns
      wire [X_BITS-1:0] x = x_data[v*X_BITS+:X_BITS];
      wire [SUM_BITS+X_BITS-1:0] wide = {{SUM_BITS{X_SIGNED != 0 && x[X_BITS-1]}}, x};
      wire [SUM_BITS-1:0] so_far =
          place == FIRST_ROW ? {SUM_BITS{1'b0}} : sums[v*SUM_BITS+:SUM_BITS];
      assign sums_next[v*SUM_BITS+:SUM_BITS] = so_far + wide[SUM_BITS-1:0];
      // verilator lint_off UNUSEDSIGNAL
      wire unused = &{1'b0, wide};  // copies of the sign
      // verilator lint_on UNUSEDSIGNAL
    end
  endgenerate

  // Cycle T + 1 + i: row i of the sums, of group i / 2, which was read when `reads`.
  reg emits, high;
  reg [GROUP_BITS-1:0] next_group;
  wire is_last = high && next_group == FIRST_GROUP;
  wire reads = ends_tile || (emits && high && !is_last);
  wire reads_last = next_group == LAST_GROUP[GROUP_BITS-1:0];
  wire [SUMS-1:0] sums_read;
  wire [COLUMNS*X_BITS-1:0] part;

  initial begin
    place = 0;
    group = 0;
    emits = 1'b0;
    high = 1'b0;
    next_group = 0;
    fill_we = 1'b0;
  end

  always @(posedge clk) begin
    if (rst) begin
      place <= 0;
      group <= 0;
      emits <= 1'b0;
      high <= 1'b0;
      next_group <= 0;
      fill_we <= 1'b0;
    end else begin
      if (x_valid) place <= ends_group ? 0 : place + ONE_ROW;
      if (ends_group) group <= is_last_group ? 0 : group + ONE_GROUP;
      emits <= ends_tile || (emits && !is_last);
      high <= emits && !high;
      if (reads) next_group <= reads_last ? 0 : next_group + ONE_GROUP;
      fill_we <= x_valid || emits;
    end
    if (x_valid) sums <= sums_next;
    fill_data <= emits ? part : x_data;
  end

  generate
    if (GROUPS > 1) begin : several
      ram #(
          .WIDTH(SUMS),
          .DEPTH(GROUPS),
          .STYLE(STYLE)
      ) memory (
          .clk(clk),
          .we(ends_group),
          .waddr(group),
          .wdata(sums_next),
          .re(reads),
          .raddr(next_group),
          .rdata(sums_read)
      );
    end else begin : one
      assign sums_read = sums;
    end
  endgenerate

  sum_part #(
      .COLUMNS(COLUMNS),
      .X_BITS(X_BITS),
      .X_SIGNED(X_SIGNED),
      .SUM_BITS(SUM_BITS),
      .LOW_BITS(LOW_BITS)
  ) halves (
      .sums(sums_read),
      .high(high),
      .row (part)
  );

endmodule

`default_nettype wire
