// The handshakes of an array that stands in an HLS design as an RTL black box.
//
// A call (ap_ctrl_chain) is one block: IN_BEATS beats in, OUT_BEATS out. `start` stays high until
// `ready`, in the cycle of the call's last read; still high in the next cycle it is the next call,
// which is read while results of earlier ones are on their way. `done` is high from the cycle
// after a call's last write, which follows its `ready`, up to the first cycle with `proceed`
// (ap_continue), in which the next call's beats may go out. `idle`: no call is under way.
//
// Beats pass straight from the FIFO before (x_empty_n) to the array (x_valid, x_read), and from the
// array's own FIFO (y_valid, y_read) to the one behind (y_full_n); what reads one end of the way
// reads or writes the other. In a cycle without `ce` nothing is read, written, made ready or taken note of, and `done` and
// `idle` stay. The array works on: what it makes then has a place in its FIFO.
`default_nettype none

module black_box #(
    parameter integer IN_BEATS  = 1,
    parameter integer OUT_BEATS = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire ce,
    input  wire start,
    output wire ready,
    output reg  done,
    input  wire proceed,
    output wire idle,
    input  wire x_empty_n,
    output wire x_valid,
    input  wire x_read,
    input  wire y_valid,
    output wire y_read,
    input  wire y_full_n
);

  localparam IN_BITS = IN_BEATS > 1 ? $clog2(IN_BEATS) : 1;
  localparam OUT_BITS = OUT_BEATS > 1 ? $clog2(OUT_BEATS) : 1;
  localparam CALL_BITS = 8;  // far more calls than an array can hold at once
  localparam integer LAST_IN_BEAT = IN_BEATS - 1;
  localparam integer LAST_OUT_BEAT = OUT_BEATS - 1;
  localparam [IN_BITS-1:0] LAST_IN = LAST_IN_BEAT[IN_BITS-1:0];
  localparam [OUT_BITS-1:0] LAST_OUT = LAST_OUT_BEAT[OUT_BITS-1:0];
  localparam [IN_BITS-1:0] ONE_IN = 1;
  localparam [OUT_BITS-1:0] ONE_OUT = 1;
  localparam [CALL_BITS-1:0] ONE_CALL = 1;

  reg [IN_BITS-1:0] taken;  // beats of the call that is read
  reg [OUT_BITS-1:0] given;  // beats of the call that is written
  reg [CALL_BITS-1:0] calls;  // read to their ends, not written to their ends

  wire no_call = calls == {CALL_BITS{1'b0}};
  wire last_out = given == LAST_OUT;
  wire finished = y_read && last_out;

  assign x_valid = ce && start && x_empty_n && calls != {CALL_BITS{1'b1}};
  assign ready = x_read && taken == LAST_IN;

  // An array may need less than the whole of its input: the last beat waits for `ready`.
  assign y_read = ce && y_valid && y_full_n && (!done || proceed) && !(last_out && no_call);
  assign idle = !start && no_call && !done;  // in a call that is read, start is high

  initial begin
    taken = 0;
    given = 0;
    calls = 0;
    done  = 1'b0;
  end

  always @(posedge clk) begin
    if (rst) begin
      taken <= 0;
      given <= 0;
      calls <= 0;
      done  <= 1'b0;
    end else begin
      if (x_read) taken <= ready ? 0 : taken + ONE_IN;
      if (y_read) given <= last_out ? 0 : given + ONE_OUT;
      if (ready != finished) calls <= ready ? calls + ONE_CALL : calls - ONE_CALL;
      if (finished) done <= 1'b1;
      else if (ce && proceed) done <= 1'b0;
    end
  end

endmodule

`default_nettype wire
