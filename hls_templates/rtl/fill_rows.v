// Brings the rows of a tile to the tile memories, LANES at once, and behind them the shared sums.
//
// Rows that come in cycle c (`x_valid`, `x_data`) are written where row_places.v says, with
// `fill_we`: in c itself; with DELAYED in c + 1; with sums in c + 1 (group_sums.v) or c + 3
// (beat_sums.v). The rows of SUM_GROUPS sums, two each, lie behind the ROWS rows of a tile; the
// last one is written 2 SUM_GROUPS + 4 cycles after the last row came, or sooner. SUM_ROWS: rows
// of a group, neighbours; 0 where SUM_FILE tells the group of each row.
`default_nettype none

module fill_rows #(
    parameter integer ROWS = 18,
    parameter integer LANES = 1,
    parameter SPLIT_ROWS = 18,
    parameter COLUMNS = 1,
    parameter X_BITS = 8,
    parameter X_SIGNED = 1,
    parameter DELAYED = 0,
    parameter integer SUM_GROUPS = 0,
    parameter SUM_ROWS = 0,
    parameter SUM_BITS = X_BITS,
    parameter SUM_LOW_BITS = X_BITS,
    parameter SUM_FILE = "",
    parameter SUM_TABLE_STYLE = "auto",
    parameter SUM_STYLE = "auto"
) (
    input  wire                            clk,
    input  wire                            rst,
    input  wire                            x_valid,
    input  wire [LANES*COLUMNS*X_BITS-1:0] x_data,
    output wire                            fill_we,
    output wire                            fill_bank,
    output wire [                    15:0] fill_split,
    output wire [                    15:0] fill_row,
    output wire [LANES*COLUMNS*X_BITS-1:0] fill_data
);

  localparam ALL_ROWS = (ROWS + 2 * SUM_GROUPS + LANES - 1) / LANES * LANES;

  generate
    if (SUM_GROUPS > 0 && SUM_ROWS > 0) begin : of_neighbours
      group_sums #(
          .ROWS(ROWS),
          .GROUP_ROWS(SUM_ROWS),
          .GROUPS(SUM_GROUPS),
          .COLUMNS(COLUMNS),
          .X_BITS(X_BITS),
          .X_SIGNED(X_SIGNED),
          .SUM_BITS(SUM_BITS),
          .LOW_BITS(SUM_LOW_BITS),
          .STYLE(SUM_STYLE)
      ) adder (
          .clk(clk),
          .rst(rst),
          .x_valid(x_valid),
          .x_data(x_data),
          .fill_we(fill_we),
          .fill_data(fill_data)
      );
    end else if (SUM_GROUPS > 0) begin : of_any_rows
      beat_sums #(
          .LANES(LANES),
          .BEATS(ROWS / LANES),
          .GROUPS(SUM_GROUPS),
          .COLUMNS(COLUMNS),
          .X_BITS(X_BITS),
          .X_SIGNED(X_SIGNED),
          .SUM_BITS(SUM_BITS),
          .LOW_BITS(SUM_LOW_BITS),
          .TABLE_FILE(SUM_FILE),
          .TABLE_STYLE(SUM_TABLE_STYLE),
          .STYLE(SUM_STYLE)
      ) adder (
          .clk(clk),
          .rst(rst),
          .x_valid(x_valid),
          .x_data(x_data),
          .fill_we(fill_we),
          .fill_data(fill_data)
      );
    end else if (DELAYED != 0) begin : later
      reg valid;
      reg [LANES*COLUMNS*X_BITS-1:0] data;
      initial valid = 1'b0;
      always @(posedge clk) begin
        valid <= x_valid && !rst;
        data  <= x_data;
      end
      assign {fill_we, fill_data} = {valid, data};
    end else begin : at_once
      assign {fill_we, fill_data} = {x_valid, x_data};
    end
  endgenerate

  row_places #(
      .ROWS(ALL_ROWS),
      .LANES(LANES),
      .SPLIT_ROWS(SPLIT_ROWS)
  ) places (
      .clk(clk),
      .rst(rst),
      .step(fill_we),
      .split(fill_split),
      .row(fill_row),
      .bank(fill_bank)
  );

endmodule

`default_nettype wire
