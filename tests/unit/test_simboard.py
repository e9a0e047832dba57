"""The parts of the simulated board that need no pynq; tests/pynq_board/ has the rest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_designs import interface_document, write_design
from mlps import mlp

from bitfpga.boards import board_names, load_board
from bitfpga.errors import ProjectError
from bitfpga.project import Project, build
from bitfpga.simboard import fake_bit, write_bitstream, write_hwh
from bitfpga.simboard.core_facts import core_facts
from bitfpga.simboard.hwh_registers import hls_registers
from bitfpga.simboard.memory import BusError, Memory
from bitfpga.simboard.processing_system import divisors
from bitfpga.simboard.simulation import Simulation
from bitfpga.simboard.sources import design
from bitfpga.simboard.streams import Stream


@pytest.fixture(scope="module")
def project() -> Project:
    return build(mlp((6, 4, 3)))


@pytest.fixture
def document(project: Project) -> dict[str, Any]:
    return interface_document(project)


def test_the_facts_are_those_of_the_document(document: dict[str, Any]) -> None:
    facts = core_facts(document)
    assert (facts.input_bytes, facts.output_bytes, facts.max_samples) == (6, 3, 300)
    assert facts.pointers == ("x", "y")
    assert core_facts(json.dumps(document)) == facts

    class Written:
        def to_json(self) -> str:
            return json.dumps(document)

    assert core_facts(Written()) == facts


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", "other", "not a bitfpga-interface"),
        ("kind", "pcie", "kind 'pcie', allowed: m_axi, axi_dma"),
        ("kind", "axi_dma", "do not fit kind axi_dma"),
        ("registers", ["x", "y", "status"], "do not fit kind m_axi"),
        ("id", "123", "id '123' has not 16 hex digits"),
        ("id", "z" * 16, "invalid literal"),
        ("max_samples", "many", "invalid literal"),
        ("input", {"shape": [3]}, "no 'dtype'"),
    ],
)
def test_a_damaged_document_is_refused(
    document: dict[str, Any], key: str, value: object, reason: str
) -> None:
    with pytest.raises(ProjectError, match=re.escape(reason)):
        core_facts({**document, key: value})
    with pytest.raises(ProjectError, match=f"no '{key}'"):
        core_facts({name: document[name] for name in document if name != key})


def test_registers_lie_where_hls_puts_them(document: dict[str, Any]) -> None:
    found = {register.name: register.offset for register in hls_registers(core_facts(document))}
    assert found == {
        **{"CTRL": 0x00, "GIER": 0x04, "IP_IER": 0x08, "IP_ISR": 0x0C},
        **{"x_1": 0x10, "x_2": 0x14, "y_1": 0x1C, "y_2": 0x20, "n_samples": 0x28},
        **{"id_low": 0x30, "id_low_ctrl": 0x34, "id_high": 0x40, "id_high_ctrl": 0x44},
        **{"interface_version": 0x50, "interface_version_ctrl": 0x54},
        **{"status": 0x60, "status_ctrl": 0x64},
    }


def test_a_bit_file_has_a_vivado_header_and_its_own_bytes(document: dict[str, Any]) -> None:
    board = load_board("kv260")
    data = fake_bit(document, board)
    assert data[:2] == b"\x00\x09"
    assert data[13:14] == b"a"
    assert board.part.encode() + b"\0" in data
    at = data.index(b"e", data.index(b"00:00:00"))
    length = int.from_bytes(data[at + 1 : at + 5], "big")
    assert len(data) == at + 5 + length
    assert length == 256
    assert data == fake_bit(document, board)
    others = [
        fake_bit({**document, "id": "0" * 16}, board),
        fake_bit({**document, "interface_version": 2}, board),
        fake_bit(document, load_board("kr260")),
        fake_bit(document),
    ]
    assert len({data[at:], *(other[-len(data[at:]) :] for other in others)}) == 5


@pytest.mark.parametrize("name", board_names())
def test_every_board_has_its_part_and_clock_in_the_hwh(
    name: str, document: dict[str, Any], tmp_path: Path
) -> None:
    board = load_board(name)
    bit = write_bitstream(document, board, tmp_path)
    text = bit.with_suffix(".hwh").read_text("utf-8")
    assert text.encode() == write_hwh(document, board)
    device, package, grade = re.search(
        r'DEVICE="(\S+)" NAME="design_1" PACKAGE="(\S+)" SPEEDGRADE="(\S+)"', text
    ).groups()
    assert re.fullmatch(rf"(xc)?{device}-?{package}{grade}.*", board.part)
    rate = float(re.search(r'ACT_F\w+" VALUE="([0-9.]+)"', text)[1])
    assert 0.9 * board.clock_mhz < rate <= board.clock_mhz * 1.001


@pytest.mark.parametrize(
    ("source", "wanted", "expected"),
    [(1000.0, 100.0, (5, 2)), (1500.0, 200.0, (4, 2)), (1000.0, 1000.0, (1, 1))],
)
def test_a_clock_is_never_faster_than_asked(
    source: float, wanted: float, expected: tuple[int, int]
) -> None:
    assert divisors(source, wanted) == expected


def test_buffers_lie_apart_on_pages_and_places_are_used_again() -> None:
    memory = Memory(0x1000, 10 * 4096)
    places = [memory.allocate(n, cached=False) for n in (4096, 5, 4097)]
    assert places == [0x1000, 0x3000, 0x5000]
    memory.free(0x3000)
    assert memory.allocate(4097, cached=False) == 0x8000
    with pytest.raises(MemoryError, match="has no 4097 bytes of memory left"):
        memory.allocate(4097, cached=False)
    assert memory.allocate(4096, cached=False) == 0x3000
    assert memory.n_buffers == 4


def test_the_logic_reaches_buffers_and_nothing_else() -> None:
    memory = Memory(0x8_0000_0000, 1 << 20)
    address = memory.allocate(10, cached=False)
    memory.write(address + 3, b"abc")
    assert memory.read(address, 10) == b"\0\0\0abc\0\0\0\0"
    for place, n_bytes in ((address - 1, 1), (address, 11), (address + 10, 1), (0, 1)):
        with pytest.raises(BusError, match=f"reads {n_bytes} bytes at 0x{place:X}"):
            memory.read(place, n_bytes)
    memory.free(address)
    with pytest.raises(BusError, match="writes 1 bytes"):
        memory.write(address, b"a")


def test_a_cached_buffer_has_two_sides() -> None:
    memory = Memory(0, 1 << 16)
    address = memory.allocate(6, cached=True)
    memory.buffer(address).program[:] = 7
    assert memory.read(address, 6) == bytes(6)
    memory.flush(address, 2, 3)
    assert memory.read(address, 6) == b"\0\0\7\7\7\0"
    memory.write(address, b"abcdef")
    assert memory.buffer(address).program.tobytes() == b"\7" * 6
    memory.invalidate(address, 1, 2)
    assert memory.buffer(address).program.tobytes() == b"\7bc\7\7\7"


def test_a_stream_keeps_order_and_the_place_of_tlast() -> None:
    stream = Stream()
    stream.put(b"abcde")
    stream.put(b"fg", last=False)
    assert stream.take(2) == (b"ab", False)
    assert stream.take(3) == (b"cde", True)
    assert stream.take(9) == (b"fg", False)
    assert stream.is_empty


@pytest.mark.parametrize("bundled", [False, True])
def test_the_simulation_of_a_folder_answers_batches(
    bundled: bool, project: Project, tmp_path: Path
) -> None:
    folder = write_design(tmp_path / "p", project, "m_axi", "pynq-z2", n_vectors=260)
    if bundled:
        interface = json.loads((folder / "interface.json").read_text())
        (folder / "interface.json").unlink()
        (folder / "hls").rename(folder / "csim")
        manifest = {"format": "bitfpga-bundle", "interface": interface}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    facts, hls, programs = design(folder)
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    simulation = Simulation(hls, programs, facts)
    for n in (1, 128, 129, 260):
        assert simulation.run(x[:n].tobytes(), n) == y[:n].tobytes()
    simulation.close()
    assert simulation.run(x[5:6].tobytes(), 1) == y[5:6].tobytes()
    simulation.close()
    written = [path.relative_to(folder).as_posix() for path in folder.rglob("serve")]
    place = "csim/build" if bundled else "csim"
    assert [re.sub("[0-9a-f]{16}", "KEY", name) for name in written] == [f"{place}/KEY/serve"]
