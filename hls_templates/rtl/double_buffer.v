// Which of two memories is filled and which is emptied, by one-cycle pulses.
//
// `filled` and `emitted` come in the cycle of the last step of filling or emptying a memory; the
// flags follow in the next cycle. may_fill: one of the two is free to write, `fill_bank`. may_emit:
// one of the two is full, the older is `emit_bank`. will_emit: may_emit of the next cycle.
`default_nettype none

module double_buffer (
    input  wire clk,
    input  wire rst,
    input  wire filled,
    input  wire emitted,
    output wire may_fill,
    output wire may_emit,
    output wire will_emit,
    output reg  fill_bank,
    output reg  emit_bank
);

  reg is_one, is_two;  // memories that are full

  assign may_fill  = !is_two;
  assign may_emit  = is_one || is_two;
  assign will_emit = filled || is_two || (is_one && !emitted);

  initial begin
    is_one = 1'b0;
    is_two = 1'b0;
    fill_bank = 1'b0;
    emit_bank = 1'b0;
  end

  always @(posedge clk) begin
    if (rst) begin
      is_one <= 1'b0;
      is_two <= 1'b0;
      fill_bank <= 1'b0;
      emit_bank <= 1'b0;
    end else begin
      if (filled != emitted) begin
        is_one <= filled ? !is_one : is_two;
        is_two <= filled && is_one;
      end
      if (filled) fill_bank <= !fill_bank;
      if (emitted) emit_bank <= !emit_bank;
    end
  end

endmodule

`default_nettype wire
