// The ends of a PE array's jobs, from a list: words {time[20], pe[12], base[16]} by rising time.
//
// `idle` is 0 in the WALK_CYCLES cycles in which ends are: times 0, 1, ... of the list. A word
// whose time is cycle E comes out in E + 1 (`hit`, with `hit_pe`, `hit_base`), and its result is
// written in E + 7: `result_we`, `result_addr`, which is {number of the word in the list, bank}.
// Cycles without `enable` do not count. The list starts again, in the other bank, after its last word. RESULTS = 0: nothing ever
// happens.
`default_nettype none

module walk_events #(
    parameter PES = 4,
    parameter WALK_CYCLES = 512,
    parameter RESULTS = 32,
    parameter EVENT_FILE = "",
    parameter STYLE = "auto",
    parameter ADDRESS_BITS = RESULTS > 1 ? $clog2(RESULTS) : 1
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  enable,
    input  wire                  idle,
    output reg                   hit,
    output reg  [          11:0] hit_pe,
    output reg  [          15:0] hit_base,
    output wire                  result_we,
    output reg  [ADDRESS_BITS:0] result_addr
);

  localparam TIME_BITS = WALK_CYCLES > 1 ? $clog2(WALK_CYCLES) : 1;
  localparam PE_BITS = PES > 1 ? $clog2(PES) : 1;
  localparam [TIME_BITS-1:0] ONE_CYCLE = 1;
  localparam [ADDRESS_BITS:0] FIRST = 0;
  localparam [ADDRESS_BITS:0] ONE_RESULT = 2;

  initial hit = 1'b0;

  generate
    if (RESULTS > 0) begin : listed
      reg [TIME_BITS-1:0] now;
      wire [47:0] word;
      wire ready, is_last;
      wire hits = enable && ready && !idle && word[28+:TIME_BITS] == now;

      rom_stream #(
          .WIDTH(48),
          .DEPTH(RESULTS),
          .FILE (EVENT_FILE),
          .STYLE(STYLE)
      ) list (
          .clk(clk),
          .rst(rst),
          .next(hits),
          .ready(ready),
          .word(word),
          .is_last(is_last)
      );

      always @(posedge clk) if (enable) begin
        now <= idle ? 0 : now + ONE_CYCLE;
        hit <= hits && !rst;
        hit_pe <= {{12 - PE_BITS{1'b0}}, word[16+:PE_BITS]};
        hit_base <= word[15:0];
      end

      // Bit k in cycle E + 1 + k.
      reg [6:0] writes, lasts;
      initial writes = 7'd0;
      initial result_addr = FIRST;
      assign result_we = writes[6];
      always @(posedge clk) if (enable) begin
        writes <= rst ? 7'd0 : {writes[5:0], hits};
        lasts  <= {lasts[5:0], is_last};
        if (rst) result_addr <= FIRST;
        else if (result_we) begin
          result_addr <= lasts[6] ? {FIRST[ADDRESS_BITS:1], !result_addr[0]}
              : result_addr + ONE_RESULT;
        end
      end

      // verilator lint_off UNUSEDSIGNAL
      wire unused = &{1'b0, word};
      // verilator lint_on UNUSEDSIGNAL
    end else begin : none
      wire unused = &{1'b0, clk, rst, enable, idle};
      assign result_we = 1'b0;
      always @(posedge clk) begin
        hit <= 1'b0;
        hit_pe <= 12'd0;
        hit_base <= 16'd0;
        result_addr <= FIRST;
      end
    end
  endgenerate

endmodule

`default_nettype wire
