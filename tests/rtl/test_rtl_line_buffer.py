"""The line buffer: rows against plain numpy, every cycle against what plan.tiled says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from line_cases import LineCase
from rtl_bench import without_verilator
from rtl_lines import LineBench

from bitfpga.plan.line_memory import LineMemory, line_memory
from bitfpga.plan.windows import Window

NEEDS_VERILATOR = pytest.mark.skipif(without_verilator(), reason="needs verilator, perl and make")


def window(
    channels: int,
    size: tuple[int, int],
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Window:
    """Return the window with ``padding`` above, left, below, right."""
    out = [
        (n + padding[axis] + padding[axis + 2] - (k - 1) * d - 1) // s + 1
        for axis, (n, k, s, d) in enumerate(zip(size, kernel, stride, dilation, strict=True))
    ]
    return Window(channels, *size, out[0], out[1], kernel, stride, dilation, padding[:2])


SAME = window(2, (6, 8), (3, 3), padding=(1, 1, 1, 1))
HALVED = window(2, (6, 8), (3, 3), stride=(2, 2), padding=(1, 1, 1, 1))

COPIES = [
    LineCase(window(1, (1, 1), (1, 1)), 1),
    LineCase(window(2, (1, 1), (3, 3), padding=(1, 1, 1, 1)), 2, samples=2, bits=4),
    LineCase(window(2, (5, 7), (3, 2), padding=(1, 0, 1, 1)), 9, outside=-1),
    LineCase(window(1, (7, 5), (1, 1), stride=(3, 2)), 4, idle=2),
    # The last row is not read, and the first tile needs nothing: the reader is an image ahead.
    LineCase(window(1, (7, 2), (1, 1), stride=(3, 1), padding=(1, 0, 0, 0)), 2),
    LineCase(window(3, (6, 5), (2, 3), dilation=(2, 2), padding=(2, 1, 0, 3)), 6, 2),
    # 5 rows of 3 pixels may lie in 6 blocks of 4: images end in blocks that are not full.
    LineCase(window(1, (3, 3), (2, 2), padding=(1, 1, 1, 1)), 8, 4, bits=3),
    LineCase(window(2, (1, 13), (1, 4), stride=(1, 3), padding=(0, 2, 0, 1)), 8, 4, samples=2),
]
BANKS = [
    LineCase(window(1, (1, 1), (1, 1)), 1),
    LineCase(SAME, 5, outside=-1, idle=1),
    LineCase(SAME, 24, 8, samples=2, bits=5),
    LineCase(window(3, (3, 5), (3, 3), padding=(1, 1, 1, 1)), 12, 4, spare_rows=3),
    LineCase(window(2, (1, 11), (1, 3), dilation=(1, 2), padding=(0, 1, 0, 2)), 4, 2),
    LineCase(window(1, (4, 4), (1, 1)), 1, ahead=0),
    LineCase(HALVED, 3),
    LineCase(HALVED, 8, 2, spare_rows=1, outside=1),
    LineCase(HALVED, 16, 8),
    LineCase(window(2, (6, 8), (2, 5), stride=(3, 4), dilation=(2, 1), padding=(1, 3, 2, 1)), 2),
    LineCase(window(2, (1, 12), (1, 5), stride=(1, 4), padding=(0, 1, 0, 1)), 4, 2),
]


def banks_and_copies() -> list[LineCase]:
    banks = [replace(case, kind="banks") for case in BANKS]
    return [*COPIES, *banks, replace(BANKS[1], kind="copies"), replace(BANKS[7], kind="copies")]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> LineBench:
    return LineBench(tmp_path_factory.mktemp("lines"), banks_and_copies())


@NEEDS_VERILATOR
@pytest.mark.parametrize(
    "gaps",
    [
        {},
        {"in_percent": 35, "out_percent": 60},
        {"in_percent": 90, "out_percent": 6, "seed": 2},
        {"in_percent": 60, "out_percent": 50, "seed": 3, "reset_at": 77},
        {"seed": 4, "reset_at": 30},
    ],
    ids=["full speed", "slow input", "slow walks", "reset with gaps", "reset"],
)
def test_rows_and_cycles(bench: LineBench, gaps: dict[str, int]) -> None:
    bench.run(**gaps)


def memory(case: LineCase, *, banks: bool = True) -> LineMemory:
    return line_memory(
        case.window, case.tile_pixels, case.beat_pixels, case.buffer_rows, banks=banks
    )


def test_which_windows_have_banks() -> None:
    assert {memory(case).kind for case in BANKS} == {"banks"}
    assert [memory(case).kind for case in COPIES if case.window.stride != (1, 1)] == ["copies"] * 3
    narrower = LineCase(window(2, (6, 8), (3, 3)), 5)  # 4 x 6 outputs: rows end between lanes
    assert memory(narrower).kind == "copies"
    assert memory(LineCase(HALVED, 16, 8)).kind == "banks"
    straddling = window(2, (6, 12), (3, 3), stride=(2, 2), padding=(1, 1, 1, 1))
    assert memory(LineCase(straddling, 16, 8)).kind == "copies"


def test_memories() -> None:
    assert memory(LineCase(SAME, 5)) == LineMemory("banks", 5, 14, 1)  # 4 rows of 8: 7 in each
    assert memory(LineCase(SAME, 5), banks=False) == LineMemory("copies", 5, 64, 1)
    assert memory(LineCase(SAME, 8, 4)) == LineMemory("banks", 8, 8, 1)
    # 3 x 4 groups of 2, 4 in each bank, 2 planes; then 4 x 4 groups in 8 banks.
    assert memory(LineCase(HALVED, 3)) == LineMemory("banks", 6, 16, 1)
    assert memory(LineCase(HALVED, 8, 2)) == LineMemory("banks", 8, 8, 2)
    # Two images of 13 pixels, 4 beats each, and one more for what is left of a beat.
    assert memory(COPIES[-1]) == LineMemory("copies", 8, 18, 4)


def test_banks_hold_as_much_as_the_ring() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        stride = tuple(rng.integers(1, 4, 2).tolist())
        size = tuple((rng.integers(1, 9, 2) * stride).tolist())
        case = window(int(rng.integers(1, 4)), size, (2, 2), stride=stride, padding=(1, 1, 1, 1))
        beat = int(rng.choice([1, 2, 4, 8]))
        tile, rows = beat * int(rng.integers(1, 9)), int(rng.integers(1, 7))
        lines = line_memory(case, tile, beat, rows)
        pixels = lines.rows * lines.pixels_a_word * lines.n_memories
        assert (
            pixels // (tile if lines.kind == "copies" else 1) >= rows * case.width * case.channels
        )
