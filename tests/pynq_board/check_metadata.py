"""pynq reads the .hwh of every design as it reads Vivado's, with its old parser and its new one."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET

import pytest
from plain_driver import DESIGNS, board, pynq
from pynq.pl_server import hwh_parser

FAMILY = os.environ["BITFPGA_FAMILY"]
NAMES = sorted(path.name for path in DESIGNS.iterdir() if path.name.endswith(FAMILY))
PS = {"zynq7000": "processing_system7", "zynqus": "zynq_ultra_ps_e"}[FAMILY]
OLD_PARSER = {"zynq7000": "_HWHZynq", "zynqus": "_HWHUltrascale"}[FAMILY]


def old_and_new(name: str):
    folder, device = board(name)
    new = device.get_bitfile_metadata(str(folder / "tiny.bit"))
    old = getattr(hwh_parser, OLD_PARSER)(hwh_name=str(folder / "tiny.hwh"))
    return old, new


@pytest.mark.parametrize("name", NAMES)
def test_both_parsers_find_the_same_blocks_registers_and_clocks(name: str) -> None:
    old, new = old_and_new(name)
    assert set(old.ip_dict) == set(new.ip_dict)
    blocks = {"tiny_0", f"{PS}_0"} | ({"axi_dma_0"} if "axi_dma" in name else set())
    assert set(new.ip_dict) == blocks
    assert new.ip_dict["tiny_0"]["type"] == "bitfpga:hls:tiny:1.0"
    for block in blocks - {f"{PS}_0"}:
        for key in ("phys_addr", "addr_range", "type", "parameters"):
            assert old.ip_dict[block][key] == new.ip_dict[block][key]
        offsets = [
            {
                key: value["address_offset"]
                for key, value in parser.ip_dict[block]["registers"].items()
            }
            for parser in (old, new)
        ]
        assert offsets[0] == offsets[1]
    for i in range(4):
        for key in ("enable", "divisor0", "divisor1"):
            assert old.clock_dict[i][key] == new.clock_dict[i][key]
    assert new.family_ps == PS
    assert [new.clock_dict[i]["enable"] for i in range(4)] == [1, 0, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_registers_do_not_overlap_and_follow_the_arguments(name: str) -> None:
    _, new = old_and_new(name)
    registers = new.ip_dict["tiny_0"]["registers"]
    offsets = [register["address_offset"] for register in registers.values()]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 for offset in offsets)
    names = [key for key in registers if not key.endswith("_ctrl")]
    pointers = [] if "axi_dma" in name else ["x_1", "x_2", "y_1", "y_2"]
    pointers += ["taps_1", "taps_2"] if name.startswith("taps") else []
    scalars = ["n_samples", "id_low", "id_high", "interface_version", "status"]
    assert names == ["CTRL", "GIER", "IP_IER", "IP_ISR", *pointers, *scalars]
    assert registers["CTRL"]["fields"]["AP_DONE"]["bit_offset"] == 1


@pytest.mark.parametrize("name", [name for name in NAMES if "axi_dma" in name])
def test_the_dma_is_the_one_pynq_has_a_driver_for(name: str) -> None:
    folder, device = board(name)
    overlay = pynq.Overlay(str(folder / "tiny.bit"), device=device)
    dma = overlay.axi_dma_0
    assert type(dma) is pynq.lib.dma.DMA
    assert dma.buffer_max_size == (1 << 26) - 1
    assert dma.sendchannel.running
    assert dma.recvchannel.running
    width = {"zynq7000": 8, "zynqus": 16}[FAMILY]
    assert (dma.sendchannel._align, dma.recvchannel._align) == (width, width)


@pytest.mark.parametrize("name", NAMES)
def test_every_wire_has_two_ends_of_one_width(name: str) -> None:
    root = ET.parse(DESIGNS / name / "tiny.hwh").getroot()
    ports = {
        (module.get("INSTANCE"), port.get("NAME")): port
        for module in root.iter("MODULE")
        for port in module.iter("PORT")
    }
    n_wires = 0
    for (instance, name_), port in ports.items():
        for wire in port.iter("CONNECTION"):
            far = ports[wire.get("INSTANCE"), wire.get("PORT")]
            back = [(end.get("INSTANCE"), end.get("PORT")) for end in far.iter("CONNECTION")]
            assert (instance, name_) in back
            assert far.get("DIR") != port.get("DIR")
            assert far.get("LEFT") == port.get("LEFT")
            n_wires += 1
    assert n_wires > 100
