"""Integer networks of random weights, for planning and simulation where no training is needed.

Each weight has n canonical signed digits, n drawn from Binomial(4, digits_per_weight / 4) and then
corrected on randomly chosen weights until every layer has the number of digits asked for, rounded;
where they sit is uniform over all choices of n of the planes 0..6 of which no two are neighbours
(so |w| <= 85); signs are fair. A trained network spreads its digits less evenly over its layers.

Multipliers are powers of two, one per channel, and leave activations of random inputs mostly
inside their range: the largest is three standard deviations from 0 (for the output, eight).
Averages divide by the next power of two.
"""

from __future__ import annotations

import math
import operator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from bitfpga import Network, TensorType
from bitfpga.errors import BitfpgaError
from bitfpga.ir import INPUT, Add, AvgPool, Conv, Dense, Layer, MaxPool, Requantise, Reshape

PLANES = 7
MOST_DIGITS = 4
OUTPUT_BITS = 16
_ROOM, _OUTPUT_ROOM = 3.0, 8.0
_FOLDED = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.Identity)


def random_weights(
    rng: np.random.Generator, shape: tuple[int, ...], digits_per_weight: float
) -> npt.NDArray[np.int16]:
    """Return int16 weights with round(digits_per_weight * number) CSD digits in all."""
    n_weights = math.prod(shape)
    counts = rng.binomial(MOST_DIGITS, digits_per_weight / MOST_DIGITS, n_weights)
    missing = round(digits_per_weight * n_weights) - int(counts.sum())
    while missing:
        step = 1 if missing > 0 else -1
        free = np.flatnonzero(counts < MOST_DIGITS if missing > 0 else counts > 0)
        chosen = rng.choice(free, min(abs(missing), len(free)), replace=False)
        counts[chosen] += step
        missing -= step * len(chosen)
    weights = np.zeros(n_weights, np.int16)
    for n_digits in range(1, MOST_DIGITS + 1):
        found = np.flatnonzero(counts == n_digits)
        choices = _plane_choices(n_digits)
        planes = choices[rng.integers(len(choices), size=len(found))]
        signs = rng.integers(2, size=planes.shape) * 2 - 1
        weights[found] = (signs << planes).sum(axis=1)
    return weights.reshape(shape)


def _plane_choices(n_digits: int) -> npt.NDArray[np.int64]:
    """Return all choices of planes without neighbours, [n_choices, n_digits]."""
    choices = combinations(range(PLANES), n_digits)
    return np.array([c for c in choices if np.all(np.diff(c) > 1)], dtype=np.int64)


def integer_network(
    name: str, module: nn.Module, input_type: TensorType, digits_per_weight: float, seed: int
) -> Network:
    """Return the integer network of the shape of ``module`` (on any device, meta too).

    ``input_type``: its bits are those of all activations. ``BitfpgaError`` for modules other than
    Conv2d, Linear, max and average pooling without padding, Flatten, batch norms and ReLUs behind
    a layer, and the sum of two activations.
    """
    if not 0 <= digits_per_weight <= MOST_DIGITS:
        raise BitfpgaError(
            f"{digits_per_weight} digits per weight: 0 to {MOST_DIGITS} are possible"
        )
    rng = np.random.default_rng(seed)
    maker = _Maker(rng, digits_per_weight, module, input_type)
    return Network(name, input_type, maker.run(), {"scale": "pow2", "seed": seed})


class _Maker:
    """Walks the traced module; knows the root mean square of every tensor made so far."""

    def __init__(
        self, rng: np.random.Generator, digits: float, module: nn.Module, input_type: TensorType
    ) -> None:
        self.rng, self.digits, self.input_type = rng, digits, input_type
        self.traced = fx.symbolic_trace(module.eval())
        device = next(module.parameters()).device
        ShapeProp(self.traced).propagate(torch.zeros(1, *input_type.shape, device=device))
        self.layers: list[Layer] = []
        self.types = {INPUT: input_type}
        # Inputs are taken as uniform over their range.
        self.rms = {INPUT: max(input_type.high, -input_type.low) / math.sqrt(3)}
        self.names: dict[fx.Node, str] = {}

    def run(self) -> tuple[Layer, ...]:
        """Return the layers in the order they run."""
        for node in self.traced.graph.nodes:
            if node.op == "placeholder":
                self.names[node] = INPUT
            elif node.op == "call_module":
                self._call(node, self.traced.get_submodule(str(node.target)))
            elif node.op == "call_function" and node.target is operator.add:
                self._add(node)
            elif node.op != "output":
                raise BitfpgaError(f"{node.op} {node.target}: is not known here")
        return tuple(self.layers)

    def _call(self, node: fx.Node, module: nn.Module) -> None:
        source = self.names[node.all_input_nodes[0]]
        if isinstance(module, _FOLDED):
            self.names[node] = source
        elif isinstance(module, nn.Conv2d | nn.Linear):
            self._weigh(node, module, source)
        elif isinstance(module, nn.MaxPool2d):
            kernel, stride = _pair(module.kernel_size), _pair(module.stride)
            options = {"stride": stride, "padding": ((0, 0),) * 2, "dilation": (1, 1)}
            out = self._moved(node, source)
            self._append(node, MaxPool, source, out, self.rms[source], kernel=kernel, **options)
        elif isinstance(module, nn.AvgPool2d):
            self._average(node, module, source)
        elif isinstance(module, nn.Flatten):
            self._append(node, Reshape, source, self._moved(node, source), self.rms[source])
        else:
            raise BitfpgaError(f"{type(module).__name__}: is not known here")

    def _weigh(self, node: fx.Node, module: nn.Conv2d | nn.Linear, source: str) -> None:
        weight = random_weights(self.rng, tuple(module.weight.shape), self.digits)
        norms = np.sqrt(np.square(weight.reshape(len(weight), -1), dtype=np.float64).sum(axis=1))
        out = self._computed(node)
        axes = (-1,) + (1,) * (len(out.shape) - 1)
        requantise, rms = self._in_range(norms * self.rms[source], out, axes)
        options: dict[str, Any] = {"weight": weight, "requantise": requantise}
        if isinstance(module, nn.Linear):
            self._append(node, Dense, source, out, rms, **options)
            return
        padding = tuple((pad, pad) for pad in _pair(module.padding))
        options |= {"stride": _pair(module.stride), "padding": padding, "dilation": (1, 1)}
        self._append(node, Conv, source, out, rms, groups=module.groups, **options)

    def _average(self, node: fx.Node, module: nn.AvgPool2d, source: str) -> None:
        kernel = _pair(module.kernel_size)
        out = self._moved(node, source)
        options: dict[str, Any] = {"stride": _pair(module.stride), "padding": ((0, 0),) * 2}
        requantise = _requantise(out, shift=(math.prod(kernel) - 1).bit_length())
        # Behind a ReLU the mean of a channel is what is left of its values.
        rms = self.rms[source] / math.sqrt(2)
        options |= {"kernel": kernel, "requantise": requantise}
        self._append(node, AvgPool, source, out, rms, **options)

    def _add(self, node: fx.Node) -> None:
        sources = tuple(self.names[source] for source in node.all_input_nodes)
        out, spread = self._computed(node), math.hypot(*(self.rms[name] for name in sources))
        requantise, rms = self._in_range(np.array([spread]), out, (-1,))
        weights = (1,) * len(sources)
        self._append(node, Add, sources, out, rms, weights=weights, requantise=requantise)

    def _computed(self, node: fx.Node) -> TensorType:
        """Return the type of what ``node`` computes: unsigned behind a ReLU, wide at the end."""
        reader = node
        while len(reader.users) == 1:
            reader = next(iter(reader.users))
            module = self._module(reader)
            if isinstance(module, nn.ReLU):
                return self._type(node, self.input_type.bits, signed=False)
            if reader.op == "output":
                return self._type(node, OUTPUT_BITS, signed=True)
            if not isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                break
        return self._type(node, self.input_type.bits, signed=True)

    def _module(self, node: fx.Node) -> nn.Module | None:
        is_module = node.op == "call_module"
        return self.traced.get_submodule(str(node.target)) if is_module else None

    def _moved(self, node: fx.Node, source: str) -> TensorType:
        return self._type(node, self.types[source].bits, self.types[source].signed)

    def _type(self, node: fx.Node, bits: int, signed: bool) -> TensorType:
        shape = tuple(node.meta["tensor_meta"].shape[1:])
        return TensorType(shape, bits, signed, self.input_type.scale)

    def _in_range(
        self, spreads: npt.NDArray[np.float64], out: TensorType, axes: tuple[int, ...]
    ) -> tuple[Requantise, float]:
        """Return power-of-two multipliers for accumulators of these deviations, and the new rms."""
        aim = out.high / (_OUTPUT_ROOM if out.bits == OUTPUT_BITS else _ROOM)
        powers = np.rint(np.log2(aim / np.where(spreads == 0, aim, spreads))).astype(np.int64)
        shift = max(0, -int(powers.min()))
        largest = round(aim / 4 * 2**shift)
        bias = self.rng.integers(-largest, largest, size=spreads.shape, endpoint=True)
        multiplier = np.int64(1) << (powers + shift)
        left = float(np.sqrt(np.mean(np.square(spreads * 2.0**powers)))) or 1.0
        rms = left if out.signed else left / math.sqrt(2)
        return _requantise(out, shift, multiplier.reshape(axes), bias.reshape(axes)), rms

    def _append(
        self,
        node: fx.Node,
        kind: type[Layer],
        sources: str | tuple[str, ...],
        out: TensorType,
        rms: float,
        **options: Any,
    ) -> None:
        name = f"{kind.kind}_{len(self.layers)}"
        inputs = (sources,) if isinstance(sources, str) else sources
        self.layers.append(kind(name, inputs, out, str(node.target), **options))
        self.names[node], self.types[name], self.rms[name] = name, out, rms


def _requantise(
    out: TensorType,
    shift: int,
    multiplier: npt.NDArray[np.int64] | None = None,
    bias: npt.NDArray[np.int64] | None = None,
) -> Requantise:
    factor = np.ones(1, np.int64) if multiplier is None else multiplier
    offset = np.zeros(1, np.int64) if bias is None else bias
    return Requantise(factor, offset, shift, out.low, out.high)


def _pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)
