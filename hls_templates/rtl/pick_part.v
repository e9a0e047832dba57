// Part number `index` of PARTS parts side by side (the lowest is part 0), one cycle later.
//
// `parts` and `index` in cycle c give `part` in c + 1: multiplexers of four before a register, the
// rest after it. An `index` of PARTS or more gives any part.
`default_nettype none

module pick_part #(
    parameter WIDTH = 20,
    parameter PARTS = 24,
    parameter INDEX_BITS = PARTS > 1 ? $clog2(PARTS) : 1
) (
    input  wire                   clk,
    input  wire [PARTS*WIDTH-1:0] parts,
    input  wire [ INDEX_BITS-1:0] index,
    output wire [      WIDTH-1:0] part
);

  localparam GROUPS = (PARTS + 3) / 4;
  localparam GROUP_BITS = INDEX_BITS > 2 ? INDEX_BITS - 2 : 1;

  reg [GROUPS*WIDTH-1:0] groups;
  wire [3:0] place = {2'b00, index[INDEX_BITS > 1 ? 1 : 0], index[0]};

  genvar g, i, k;
  generate
    for (g = 0; g < GROUPS; g = g + 1) begin : of_four
      localparam SIZE = PARTS - 4 * g < 4 ? PARTS - 4 * g : 4;
      wire [SIZE*WIDTH-1:0] four = parts[4*g*WIDTH+:SIZE*WIDTH];
      if (SIZE == 1) begin : one
        always @(posedge clk) groups[g*WIDTH+:WIDTH] <= four;
      end else begin : some
        for (i = 0; i < WIDTH; i = i + 1) begin : bits
          wire a = four[i];
          wire b = four[WIDTH+i];
          wire c = four[(SIZE>2?2 : 0)*WIDTH+i];
          wire d = four[(SIZE>3?3 : 1)*WIDTH+i];
          wire low = place[0] ? b : a;
          wire high = place[0] ? d : c;
          always @(posedge clk) groups[g*WIDTH+i] <= place[1] && SIZE > 2 ? high : low;
        end
      end
    end

    if (GROUPS == 1) begin : no_more
      assign part = groups;
    end else begin : more
      reg [GROUP_BITS-1:0] group;
      always @(posedge clk) group <= index[INDEX_BITS-1:INDEX_BITS-GROUP_BITS];
      for (i = 0; i < WIDTH; i = i + 1) begin : bits
        wire [GROUPS-1:0] of_groups;
        for (k = 0; k < GROUPS; k = k + 1) begin : all
          assign of_groups[k] = groups[k*WIDTH+i];
        end
        assign part[i] = of_groups[group];
      end
    end
  endgenerate

  // verilator lint_off UNUSEDSIGNAL
  wire unused = &{1'b0, place, index};  // bits that few parts do not need
  // verilator lint_on UNUSEDSIGNAL

endmodule

`default_nettype wire
