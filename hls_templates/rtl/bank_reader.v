// Where lane 0 reads in line_banks.
//
// A `step` in cycle c, with window_walk's `move`, reads in c + 1: lane 0 from bank `bank`, lane v
// from bank (bank + v) modulo BANKS; the banks in `second` (those below `bank`) at `at_second`, the
// same channel's next word, the others at `at`. `phase` is the tap's pixel in its group. All are
// valid in c + 1.
//
// A group is STRIDE_W pixels; ROW_GROUPS are a map row. Group g of a plane of rows lies in bank
// g % BANKS, at word (g / BANKS * STRIDE_H + plane) * CHANNELS + channel of DEPTH * STRIDE_H *
// CHANNELS. NEXT_IMAGE: groups from an image's last tile to the next one's first.
`default_nettype none

module bank_reader #(
    parameter BANKS = 4,
    parameter DEPTH = 8,
    parameter CHANNELS = 2,
    parameter ROW_GROUPS = 8,
    parameter integer NEXT_IMAGE = 4,
    parameter KERNEL_H = 3,
    parameter KERNEL_W = 3,
    parameter STRIDE_H = 1,
    parameter STRIDE_W = 1,
    parameter DILATION_H = 1,
    parameter DILATION_W = 1,
    parameter PAD_TOP = 1,
    parameter PAD_LEFT = 1,
    parameter SIZE = DEPTH * STRIDE_H * CHANNELS,
    parameter A = SIZE > 1 ? $clog2(SIZE) : 1,
    parameter BANK = BANKS > 1 ? $clog2(BANKS) : 1,
    parameter PHASE = STRIDE_W > 1 ? $clog2(STRIDE_W) : 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             step,
    input  wire [      2:0] move,
    output reg  [    A-1:0] at,
    output reg  [    A-1:0] at_second,
    output reg  [BANKS-1:0] second,
    output reg  [ BANK-1:0] bank,
    output reg  [PHASE-1:0] phase
);

  localparam C = CHANNELS;
  localparam SX = STRIDE_W;
  localparam SY = STRIDE_H;
  localparam PLANE = SY > 1 ? $clog2(SY) : 1;

  function integer modulo(input integer a, input integer divisor);
    modulo = (a % divisor + divisor) % divisor;
  endfunction

  function integer quotient(input integer a, input integer divisor);
    quotient = (a - modulo(a, divisor)) / divisor;
  endfunction

  // The kernel's first and last tap: groups from lane 0's pixel, pixel of the group, plane.
  localparam integer LEFT = quotient(-PAD_LEFT, SX);
  localparam integer RIGHT = quotient((KERNEL_W - 1) * DILATION_W - PAD_LEFT, SX);
  localparam integer TOP = quotient(-PAD_TOP, SY);
  localparam integer BOTTOM = quotient((KERNEL_H - 1) * DILATION_H - PAD_TOP, SY);
  localparam integer FIRST_PHASE = modulo(-PAD_LEFT, SX);
  localparam integer FIRST_PLANE = modulo(-PAD_TOP, SY);
  localparam integer LAST_PLANE = modulo((KERNEL_H - 1) * DILATION_H - PAD_TOP, SY);
  localparam integer FIRST_GROUP = TOP * ROW_GROUPS + LEFT;

  // Groups from one tap to the next, by {phase or plane overflows, move}.
  function integer groups_on(input [3:0] which);
    case (which[2:0])
      3'd0: groups_on = DILATION_W / SX + (which[3] ? 1 : 0);
      3'd1: groups_on = LEFT - RIGHT + (DILATION_H / SY + (which[3] ? 1 : 0)) * ROW_GROUPS;
      3'd2: groups_on = LEFT - RIGHT + (TOP - BOTTOM) * ROW_GROUPS;
      3'd3, 3'd4: groups_on = LEFT - RIGHT + (TOP - BOTTOM) * ROW_GROUPS + BANKS;
      default: groups_on = LEFT - RIGHT + (TOP - BOTTOM) * ROW_GROUPS + NEXT_IMAGE;
    endcase
  endfunction

  // Words of a bank, by {bank overflows, phase or plane overflows, move}.
  function integer words_on(input [4:0] which);
    integer besides;
    begin
      case (which[2:0])
        3'd0: besides = 0;
        3'd1: besides = (DILATION_H % SY - (which[3] ? SY : 0)) * C;
        3'd2: besides = (FIRST_PLANE - LAST_PLANE) * C + 1;
        default: besides = (FIRST_PLANE - LAST_PLANE) * C + 1 - C;
      endcase
      words_on = modulo((quotient(groups_on(which[3:0]), BANKS) + (which[4] ? 1 : 0)) * SY * C +
          besides, SIZE);
    end
  endfunction

  // ---- cycle c: phase, plane and bank, which need not wait for each other's tables
  localparam [31:0] START_PHASE = FIRST_PHASE;
  localparam [31:0] START_PLANE = FIRST_PLANE;
  localparam [31:0] START_BANK = modulo(FIRST_GROUP, BANKS);
  localparam [31:0] START_AT =
      modulo((quotient(FIRST_GROUP, BANKS) * SY + FIRST_PLANE) * C, SIZE);
  localparam [31:0] START_SECOND = modulo(START_AT + SY * C, SIZE);
  localparam [31:0] PHASE_BY = DILATION_W % SX;
  localparam [31:0] PHASE_LESS = DILATION_W % SX - SX;
  localparam [31:0] PLANE_BY = DILATION_H % SY;
  localparam [31:0] PLANE_LESS = DILATION_H % SY - SY;

  reg [PHASE-1:0] phase_now;
  reg [PLANE-1:0] plane_now;
  reg [BANK-1:0] bank_now;
  wire [PHASE-1:0] phase_next;
  wire [PLANE-1:0] plane_next;
  wire [BANK-1:0] bank_next;
  wire phase_wraps, plane_wraps, bank_wraps;
  wire overflows = move == 3'd0 ? phase_wraps : move == 3'd1 && plane_wraps;

  // Tables are made in 32 bits and cut.
  /* verilator lint_off UNUSEDSIGNAL */
  reg [BANK-1:0] bank_by;
  reg [BANK:0] bank_less;
  reg [31:0] banks_by, banks_less;
  integer b;
  always @* begin
    bank_by = 0;
    bank_less = 0;
    for (b = 0; b < 16; b = b + 1) begin
      banks_by = modulo(groups_on(b[3:0]), BANKS);
      banks_less = banks_by - BANKS;
      if ({overflows, move} == b[3:0]) begin
        bank_by = banks_by[BANK-1:0];
        bank_less = banks_less[BANK:0];
      end
    end
  end

  ring_add #(
      .SIZE(SX)
  ) next_phase (
      .value(phase_now),
      .by(PHASE_BY[PHASE-1:0]),
      .by_less(PHASE_LESS[PHASE:0]),
      .sum(phase_next),
      .wraps(phase_wraps)
  );

  ring_add #(
      .SIZE(SY)
  ) next_plane (
      .value(plane_now),
      .by(PLANE_BY[PLANE-1:0]),
      .by_less(PLANE_LESS[PLANE:0]),
      .sum(plane_next),
      .wraps(plane_wraps)
  );

  ring_add #(
      .SIZE(BANKS)
  ) next_bank (
      .value(bank_now),
      .by(bank_by),
      .by_less(bank_less),
      .sum(bank_next),
      .wraps(bank_wraps)
  );

  // ---- cycle c + 1: addresses
  reg stepped;
  reg [4:0] moved;
  reg [A-1:0] by;
  reg [A:0] by_less;
  reg [31:0] words_by, words_less;
  wire at_wraps, second_wraps;
  /* verilator lint_on UNUSEDSIGNAL */
  wire [A-1:0] at_next, at_second_next;
  integer m;
  always @* begin
    by = 0;
    by_less = 0;
    for (m = 0; m < 32; m = m + 1) begin
      words_by = words_on(m[4:0]);
      words_less = words_by - SIZE;
      if (moved == m[4:0]) begin
        by = words_by[A-1:0];
        by_less = words_less[A:0];
      end
    end
  end

  ring_add #(
      .SIZE(SIZE)
  ) next_at (
      .value(at),
      .by(by),
      .by_less(by_less),
      .sum(at_next),
      .wraps(at_wraps)
  );

  ring_add #(
      .SIZE(SIZE)
  ) next_at_second (
      .value(at_second),
      .by(by),
      .by_less(by_less),
      .sum(at_second_next),
      .wraps(second_wraps)
  );

  initial begin
    phase_now = START_PHASE[PHASE-1:0];
    plane_now = START_PLANE[PLANE-1:0];
    bank_now = START_BANK[BANK-1:0];
    stepped = 1'b0;
    at = START_AT[A-1:0];
    at_second = START_SECOND[A-1:0];
  end

  integer k;
  always @(posedge clk) begin
    if (rst) begin
      phase_now <= START_PHASE[PHASE-1:0];
      plane_now <= START_PLANE[PLANE-1:0];
      bank_now <= START_BANK[BANK-1:0];
    end else if (step) begin
      phase_now <= move == 3'd0 ? phase_next : START_PHASE[PHASE-1:0];
      if (move == 3'd1) plane_now <= plane_next;
      else if (move != 3'd0) plane_now <= START_PLANE[PLANE-1:0];
      bank_now <= bank_next;
    end
    stepped <= step && !rst;
    moved <= {bank_wraps, overflows, move};
    bank <= bank_now;
    phase <= phase_now;
    for (k = 0; k < BANKS; k = k + 1) second[k] <= k[BANK:0] < {1'b0, bank_now};
    if (rst) begin
      at <= START_AT[A-1:0];
      at_second <= START_SECOND[A-1:0];
    end else if (stepped) begin
      at <= at_next;
      at_second <= at_second_next;
    end
  end

endmodule

`default_nettype wire
