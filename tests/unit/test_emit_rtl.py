"""The generated Verilog as text: its files, names and tables, and what it refuses."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from bbs_nets import coded_network
from foldings import any_schedule
from hostile_maps import HOSTILE_MAPS
from mlps import requantise

from bitfpga.digits import NumberSystem
from bitfpga.emit import emit_rtl
from bitfpga.emit.rtl_sums import sums_of_rows
from bitfpga.emit.rtl_words import (
    Sized,
    hex_file,
    pack,
    packed,
    side_by_side,
    verilog,
)
from bitfpga.ir import ROUNDED_AVERAGING, Network, Scale, TensorType
from bitfpga.plan import GroupSums
from bitfpga.prune.bbs import BbsConfig

KEYWORDS = ("module", "reg", "wire", "load", "store", "fork_input", "begin")


def chain(*names: str) -> Network:
    """Return scales one after the other, of these names."""
    tensor = TensorType((3, 5), 8, True)
    layers = []
    for name, source in zip(names, ("input", *names[:-1]), strict=True):
        scaling = requantise(tensor, [[3], [5], [-7]], 4, 3)
        layers.append(Scale(name, (source,), tensor, requantise=scaling))
    return Network("chain", tensor, tuple(layers))


@cache
def map_files(beat_pixels: int = 2) -> dict[str, bytes]:
    network = HOSTILE_MAPS["shortcuts_that_shrink"]()
    return emit_rtl(network, any_schedule(network, beat_pixels=beat_pixels))


def test_the_same_schedule_gives_the_same_bytes() -> None:
    first = map_files()
    map_files.cache_clear()
    assert map_files() == first


def test_every_module_and_every_table_that_is_named_is_there() -> None:
    files = map_files()
    top = files["bitfpga_top.v"].decode()
    modules = set(re.findall(r"^  (\w+) #\($", top, re.MULTILINE))
    assert {"fifo", "window_array"} <= modules
    assert {f"lib/{name}.v" for name in modules} <= set(files)
    tables = set(re.findall(r'"([^"]+\.mem)"', top))
    assert tables == {name for name in files if name.endswith(".mem")}


def test_instances_and_wires_have_names_of_their_own() -> None:
    top = emit_rtl(chain(*KEYWORDS), any_schedule(chain(*KEYWORDS)))["bitfpga_top.v"].decode()
    instances = re.findall(r"^  \) (\w+) \($", top, re.MULTILINE)
    wires = re.findall(r"^  wire(?: \[\d+:0\])? (\w+);$", top, re.MULTILINE)
    names = [*instances, *wires, "clk", "rst", "unused"]
    assert len(names) == len(set(names))
    assert not set(names) & {"module", "reg", "wire", "begin"}


def test_every_word_of_a_table_fits_its_memory() -> None:
    for name, data in map_files().items():
        if name.endswith(".mem"):
            lines = data.decode().splitlines()
            assert lines, name
            assert len({len(line) for line in lines}) == 1, name


@pytest.mark.parametrize("beat_pixels", [1, 2])
def test_shared_sums_of_neighbours_need_no_table(beat_pixels: int) -> None:
    network = coded_network(BbsConfig(4, ROUNDED_AVERAGING, False, 32))
    files = emit_rtl(network, any_schedule(network, NumberSystem.BBS, beat_pixels))
    tables = {name for name in files if name.endswith("_sums.mem")}
    assert tables == {"layer_c_sums.mem"}  # a flattened map: another order
    lines = files["layer_c_sums.mem"].decode().split()
    assert len(lines) == 7 * -(-9 // beat_pixels) + 2


def test_the_table_of_shared_sums_says_what_each_row_is_added_to() -> None:
    sums = GroupSums(np.array([0, 1, 0, 2, 1, 0, 0, 1]), 2, 7)
    parameters, tables = sums_of_rows(sums, 2, 8)
    assert (parameters["SUM_BITS"], parameters["SUM_LOW_BITS"]) == (10, 7)
    words = [int(word, 16) for word in tables["sums"].split()]
    nothing, zero, again, stored = 0, 2, 4, 6  # a kind and a group of one bit
    lanes = [(zero, zero + 1), (again, nothing), (zero + 1, zero), (stored, stored + 1)]
    of_groups = [(stored, stored), (stored + 1, stored + 1)]
    expected = [low | high << 3 for low, high in [*lanes, *of_groups]]
    expected[3] |= 1 << 6
    assert words == expected
    assert sums_of_rows(sums, 1, 8)[0]["SUM_FILE"] == "sums"
    assert sums_of_rows(GroupSums(np.array([0, 0, 0, 1, 1]), 2, 7), 1, 8) == (
        {
            "SUM_GROUPS": 2,
            "SUM_BITS": 10,
            "SUM_LOW_BITS": 7,
            "SUM_STYLE": "distributed",
            "SUM_ROWS": 3,
        },
        {},
    )


def test_fields_are_packed_from_the_highest_down() -> None:
    assert pack([([1, 0], 1), ([-1, 5], 4), ([0, 0], 0)]) == [0b11111, 0b00101]
    assert pack([(np.array([True, False]), 1)]) == [1, 0]
    assert packed([1, 2, -1], 4) == Sized(0xF21, 12)
    assert side_by_side([1, 2, 3, 4], 4, 2) == [0x21, 0x43]


@pytest.mark.parametrize(("value", "bits"), [(4, 2), (-3, 2), (1, 0)])
def test_a_value_that_does_not_fit_its_field_is_an_error(value: int, bits: int) -> None:
    with pytest.raises(ValueError, match=f"{value} does not fit {bits} bits"):
        pack([([value], bits)])


def test_words_and_parameters_as_text() -> None:
    assert hex_file([10, -1], 9) == b"00a\n1ff\n"
    assert verilog("a.mem") == '"a.mem"'
    assert verilog(Sized(-1, 70)) == "70'h3fffffffffffffffff"
    assert verilog(-(1 << 31)) == "-2147483648"
    with pytest.raises(ValueError, match="no 32-bit parameter"):
        verilog(1 << 31)
