"""scale_elements.v, add_elements.v and sum_map.v as Verilog with FIFOs around them."""

from __future__ import annotations

from dataclasses import dataclass

from rtl_choice import join
from rtl_scaling import Scaling, signed_values

IN_DEPTH = 4

Weight = tuple[tuple[int, int], ...]  # terms: sign, shift


@dataclass(frozen=True)
class Case:
    """``inputs``: bits and sign of each. ``weights``: of an add. ``channels``: of a sum."""

    module: str
    scaling: Scaling
    inputs: tuple[tuple[int, bool], ...]
    lanes: int = 1
    samples: int = 1
    n_scales: int = 1
    scale_lanes: int = 1
    weights: tuple[Weight, ...] = ()
    channels: int = 1
    blocks: int = 1
    last_pixels: int = 1
    style: str = "auto"
    out_depth: int = 7

    @property
    def stages(self) -> int:
        first = {"scale_elements": 2, "add_elements": 4, "sum_map": 4}[self.module]
        return first + self.scaling.n_terms

    @property
    def values(self) -> int:
        return self.lanes * self.samples

    @property
    def out_values(self) -> int:
        return self.samples if self.module == "sum_map" else self.values

    def numbers(self, word: int, k: int) -> list[int]:
        """The values of input k in a word."""
        bits, signed = self.inputs[k]
        fields = word >> sum(b for b, _ in self.inputs[:k]) * self.values
        if signed:
            return signed_values(fields, bits, self.values)
        return [fields >> v * bits & (1 << bits) - 1 for v in range(self.values)]


def scaling(in_bits: int, terms: int = 1, **settings: int) -> Scaling:
    spans = ((3, 5), (0, 1), (0, 0))[:terms]
    limits = {"low": -128, "high": 127, "out_bits": 8, "bias_limit": 1 << in_bits} | settings
    shift = in_bits - 3  # most results are inside the clamp
    return Scaling(spans, in_bits, in_bits + 8, shift, **limits)


BODY = """
  localparam N = {inputs}, OUT = {out};
  wire place, make, write, is_there, in_place;
  wire [N-1:0] read, valid;
  wire [{in_bits}-1:0] data;
  wire [OUT-1:0] y;
  reg [1:0] warm = 0;  // the first beat is there two cycles after a reset at the earliest
  reg late;
  reg [{in_bits}-1:0] late_data;
  assign x_ready = in_place && warm[0];
  always @(posedge clk) begin
    warm <= rst ? 0 : {{warm, 1'b1}};
    late <= !rst && x_valid && x_ready;
    late_data <= x_data;
  end
  {queues}
  {module} #({parameters}) unit (.clk(clk), .rst(rst), .x_valid(valid), .x_data(data),
      .x_read(read[0]), .y_place(place), .y_make(make), .y_write(write), .y_data(y));
  fifo #(.WIDTH(OUT), .DEPTH({out_depth})) beats (.clk(clk), .rst(rst), .make(make), .place(place),
      .write(write), .data_in(y), .valid(is_there), .data_out(y_data[OUT-1:0]), .read(y_valid));
  assign y_valid = is_there && y_open[0];
  assign y_data[127:OUT] = 0;
"""

QUEUE = """
  fifo #(.WIDTH({bits}), .DEPTH({depth})) queue{k} (.clk(clk), .rst(rst), .place({place}),
      .make(x_valid && x_ready), .write({write}), .data_in({data}[{at} +: {bits}]),
      .valid(valid[{k}]), .data_out(data[{at} +: {bits}]), .read(read[0]));
"""


def body(case: Case, number: int) -> str:
    """Return the Verilog of a case; beats of its inputs but the first come a cycle later."""
    queues, at = "", 0
    for k, (bits, _) in enumerate(case.inputs):
        queues += QUEUE.format(
            bits=bits * case.values, depth=IN_DEPTH, k=k, place="in_place" if k == 0 else "",
            write="late" if k else "x_valid && x_ready", data="late_data" if k else "x_data", at=at,
        )  # fmt: skip
        at += bits * case.values
    return BODY.format(
        inputs=len(case.inputs), out=case.out_values * case.scaling.out_bits, in_bits=at,
        queues=queues, module=case.module, parameters=parameters(case, number),
        out_depth=case.out_depth,
    )  # fmt: skip


def parameters(case: Case, number: int) -> str:
    n, bits = len(case.inputs), [bits for bits, _ in case.inputs]
    signed = join([signed for _, signed in case.inputs], 1)
    text = f'.SCALES({case.n_scales}), .SCALE_FILE("scales{number}.hex"), '
    text += f'.SCALE_STYLE("{case.style}"), {case.scaling.parameters()}, '
    if case.module == "sum_map":
        return text + (
            f".BEAT_PIXELS({case.lanes}), .SAMPLES({case.samples}), .X_BITS({bits[0]}), "
            f".X_SIGNED({signed}), .CHANNELS({case.channels}), .BLOCKS({case.blocks}), "
            f".LAST_PIXELS({case.last_pixels}), .SUM_BITS({case.scaling.in_bits}), "
            f'.SUM_STYLE("{case.style}")'
        )
    text += f".LANES({case.values}), .SCALE_LANES({case.scale_lanes}), "
    if case.module == "scale_elements":
        return text + f".X_BITS({bits[0]}), .X_SIGNED({signed})"
    terms = [term for weight in case.weights for term in weight]
    m = len(terms)
    return text + (
        f".INPUTS({n}), .X_BITS({8 * n}'d{join(bits, 8)}), .X_SIGNED({n}'d{signed}), "
        f".X_TOTAL({sum(bits)}), .SUM_BITS({case.scaling.in_bits}), .WEIGHT_TERMS({m // n}), "
        f".WEIGHT_SHIFT({8 * m}'d{join([shift for _, shift in terms], 8)}), "
        f".WEIGHT_USED({m}'d{join([sign != 0 for sign, _ in terms], 1)}), "
        f".WEIGHT_NEGATIVE({m}'d{join([sign < 0 for sign, _ in terms], 1)})"
    )
