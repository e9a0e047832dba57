"""Weights of array layers to draw, with groups, zero rows and awkward sizes, and their streams."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitfpga.digits import NumberSystem
from bitfpga.plan.streams import LayerStream, build_stream
from bitfpga.plan.taps import layer_taps

SYSTEMS = st.sampled_from(list(NumberSystem))
VALUES = st.integers(-256, 256) | st.sampled_from((0, 0, 1, -1, 128, -128, -256, 256, 85, 129))


@st.composite
def grouped_weights(draw) -> tuple[np.ndarray, int]:
    """Draw weights int16 [1..8, 1..9] and their groups."""
    n_groups = draw(st.integers(1, 3))
    shape = n_groups * draw(st.integers(1, 8 // n_groups)), draw(st.integers(1, 9))
    weight = draw(hnp.arrays(np.int16, shape, elements=VALUES))
    weight[draw(st.lists(st.integers(0, shape[0] - 1), max_size=2))] = 0
    weight[:, draw(st.lists(st.integers(0, shape[1] - 1), max_size=2))] = 0
    return weight, n_groups


def whole_window(weight: np.ndarray, n_groups: int) -> np.ndarray:
    """Return ``weight`` [n_outputs, rows_per_group] on all the window's rows, int64."""
    n_outputs, n_rows = weight.shape
    whole = np.zeros((n_outputs, n_groups * n_rows), np.int64)
    for output in range(n_outputs):
        first = output // (n_outputs // n_groups) * n_rows
        whole[output, first : first + n_rows] = weight[output]
    return whole


def random_weight(shape: tuple[int, int], spread: float, seed: int = 0) -> np.ndarray:
    """Return normal weights, int16 in -127..127, of standard deviation ``spread``."""
    drawn = np.random.default_rng(seed).normal(0, spread, shape)
    return np.clip(np.round(drawn), -127, 127).astype(np.int16)


def stream_of(
    weight: np.ndarray,
    n_groups: int = 1,
    system: NumberSystem = NumberSystem.CSD,
    split_rows: int = 0,
    n_pes: int = 1,
    row_bits: int = 36,
    symbol_bits: int | None = None,
) -> LayerStream:
    """Return the stream of a layer, of one split unless ``split_rows`` says otherwise."""
    taps = layer_taps(weight, n_groups, system)
    return build_stream(
        taps,
        split_rows=split_rows or taps.n_rows,
        n_pes=n_pes,
        row_bits=row_bits,
        symbol_bits=symbol_bits,
    )
