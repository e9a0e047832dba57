// The results of a pool's tiles, one block of CHANNELS beats each, in a memory for two tiles.
//
// `we` writes the next channel's result `wdata`: channel after channel, tile after tile. `filled`
// pulses in the cycle of a tile's last step of reading rows; five cycles later the last result is
// written. A step, at most one a cycle, makes a beat; it needs `y_place`, and a tile's first step
// is in the sixth cycle after its `filled` or later. A step in cycle m: `y_make` in m, `result` in
// m + 1; `emitted` pulses in the cycle of a tile's last step.
`default_nettype none

module pool_results #(
    parameter WIDTH = 32,
    parameter CHANNELS = 16,
    parameter STYLE = "auto"
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             filled,
    input  wire             we,
    input  wire [WIDTH-1:0] wdata,
    input  wire             y_place,
    output wire             y_make,
    output wire             emitted,
    output wire [WIDTH-1:0] result
);

  localparam CHANNEL_BITS = CHANNELS > 1 ? $clog2(CHANNELS) : 1;
  localparam ADDRESS_BITS = $clog2(2 * CHANNELS);
  localparam [31:0] LAST_CHANNEL = CHANNELS - 1;
  localparam [31:0] LAST_ADDRESS = 2 * CHANNELS - 1;
  localparam [ADDRESS_BITS-1:0] ONE = 1;
  localparam [CHANNEL_BITS-1:0] ONE_CHANNEL = 1;

  reg [4:0] filled_at;  // the pulse on its way to the results' last write
  reg [ADDRESS_BITS-1:0] to, from;
  reg [CHANNEL_BITS-1:0] channel;
  wire may_emit;
  // verilator lint_off UNUSEDSIGNAL
  wire may_fill, will_emit, fill_bank, emit_bank;  // the line buffer counts its tiles itself
  // verilator lint_on UNUSEDSIGNAL

  initial begin
    filled_at = 5'd0;
    to = 0;
    from = 0;
    channel = 0;
  end

  double_buffer tiles (
      .clk(clk),
      .rst(rst),
      .filled(filled_at[4]),
      .emitted(emitted),
      .may_fill(may_fill),
      .may_emit(may_emit),
      .will_emit(will_emit),
      .fill_bank(fill_bank),
      .emit_bank(emit_bank)
  );

  assign y_make  = may_emit && y_place;
  assign emitted = y_make && channel == LAST_CHANNEL[CHANNEL_BITS-1:0];

  always @(posedge clk) begin
    filled_at <= rst ? 5'd0 : {filled_at[3:0], filled};
    if (rst) begin
      to <= 0;
      from <= 0;
      channel <= 0;
    end else begin
      if (we) to <= to == LAST_ADDRESS[ADDRESS_BITS-1:0] ? {ADDRESS_BITS{1'b0}} : to + ONE;
      if (y_make) begin
        from <= from == LAST_ADDRESS[ADDRESS_BITS-1:0] ? {ADDRESS_BITS{1'b0}} : from + ONE;
        channel <= emitted ? {CHANNEL_BITS{1'b0}} : channel + ONE_CHANNEL;
      end
    end
  end

  ram #(
      .WIDTH(WIDTH),
      .DEPTH(2 * CHANNELS),
      .STYLE(STYLE)
  ) results (
      .clk(clk),
      .we(we),
      .waddr(to),
      .wdata(wdata),
      .re(y_make),
      .raddr(from),
      .rdata(result)
  );

endmodule

`default_nettype wire
