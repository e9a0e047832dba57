"""What a host is told of a core: derived from network and schedule, and refused where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from cli_runs import small_mlp
from foldings import any_schedule
from hypothesis import given
from hypothesis import strategies as st
from mlps import mlp

from bitfpga.errors import ProjectError
from bitfpga.interface import (
    MAX_CALL_BYTES,
    MAX_CALL_ELEMENTS,
    MAX_FILE_BYTES,
    Interface,
    Kind,
    interface_id,
)
from bitfpga.ir import Network, Reshape, TensorType
from bitfpga.project import build, emit

ANSWERS = ["id_low", "id_high", "interface_version", "status"]


def interface(kind: str = "m_axi", **changes: Any) -> Interface:
    values: dict[str, Any] = {
        "name": "small",
        "kind": kind,
        "id": "0123456789abcdef",
        "n_samples": 3,
        "max_samples": 1000,
        "input": TensorType((7, 2), 9, True, 0.25),
        "output": TensorType((5,), 3, False, 1),
        "taps_from_memory": False,
    }
    return Interface(**(values | changes))


def test_the_id_is_of_both_files_and_the_kind() -> None:
    expected = sha256(b"networkschedulem_axi").hexdigest()[:16]
    assert interface_id(b"network", b"schedule", "m_axi") == expected
    ids = {
        interface_id(network, schedule, kind.value)
        for network in (b"a", b"b")
        for schedule in (b"c", b"d")
        for kind in Kind
    }
    assert len(ids) == 8


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_every_project_says_how_to_call_its_core(kind: str, in_memory: bool) -> None:
    network = mlp((7, 5, 3))
    schedule = any_schedule(network, n_samples=2, in_memory=in_memory)
    files = emit(network, schedule, interface=kind).files
    sources = (files["network.bitfpga"], files["schedule.json"])
    arrays = (["x", "y"] if kind == "m_axi" else []) + (["taps"] if in_memory else [])
    assert json.loads(files["interface.json"]) == {
        "format": "bitfpga-interface",
        "version": 1,
        "name": network.name,
        "vlnv": f"bitfpga:hls:{network.name}:1.0",
        "kind": kind,
        "id": interface_id(*sources, kind),
        "interface_version": 1,
        "n_samples": 2,
        "max_samples": ((1 << 26) - 1) // 7,
        "input": {"shape": [7], "bits": 8, "signed": True, "scale": network.input.scale,
                  "dtype": "int8"},
        "output": {"shape": [3], "bits": network.output.bits, "signed": network.output.signed,
                   "scale": network.output.scale, "dtype": str(network.output.dtype)},
        "taps_file": "hls/taps.bin" if in_memory else None,
        "registers": [*arrays, "n_samples", *ANSWERS],
    }  # fmt: skip
    assert ("hls/taps.bin" in files) == in_memory
    config = files["hls/hls_config.cfg"].decode()
    parts = [line.partition("=")[2] for line in config.splitlines() if ".ip." in line]
    assert ":".join(parts) == f"bitfpga:hls:{network.name}:1.0"
    assert Interface.read(files["interface.json"].decode()) == Interface.of(
        network, schedule, sources, kind
    )


def reshaped(shape: tuple[int, ...], bits: int) -> tuple[Network, Any]:
    """Return a network of one tensor, and a schedule that belongs to another."""
    x, y = TensorType(shape, bits, False), TensorType((int(np.prod(shape)),), bits, False)
    return Network("large", x, (Reshape("flat", ("input",), y),)), any_schedule(mlp((3, 2)))


@pytest.mark.parametrize(
    ("shape", "bits", "max_samples"),
    [
        ((1,), 8, MAX_CALL_BYTES),
        ((1,), 9, MAX_CALL_BYTES // 2),
        ((1000, 3), 16, MAX_CALL_BYTES // 6000),
        ((1 << 25,), 8, 1),
        ((MAX_CALL_BYTES,), 8, 1),
        ((1 << 25, 2), 8, 1),
        ((1 << 26, 2), 16, 1),
    ],
)
def test_a_call_fits_a_dma_transfer_or_is_one_sample(
    shape: tuple[int, ...], bits: int, max_samples: int
) -> None:
    network, schedule = reshaped(shape, bits)
    made = Interface.of(network, schedule, (b"", b""), "m_axi")
    assert made.max_samples == max_samples
    assert Interface.read(made.to_json()) == made
    if network.input.size * network.input.dtype.itemsize > MAX_CALL_BYTES:
        with pytest.raises(ProjectError, match="more than the 67108863 of one DMA transfer"):
            Interface.of(network, schedule, (b"", b""), "axi_dma")
    else:
        assert Interface.of(network, schedule, (b"", b""), "axi_dma").max_samples == max_samples


def test_counts_of_the_largest_tensor_stay_below_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    network, schedule = small_mlp((3, 11, 2)), any_schedule(small_mlp((3, 2)))
    monkeypatch.setattr("bitfpga.interface.MAX_CALL_ELEMENTS", 11 * 29 + 10)
    assert Interface.of(network, schedule, (b"", b""), "m_axi").max_samples == 29


def test_an_unknown_kind_is_refused_before_planning() -> None:
    for kind in ("", "axis", "M_AXI"):
        with pytest.raises(ProjectError, match=f"interface '{kind}': m_axi or axi_dma"):
            build(small_mlp((3, 2)), "no such board", interface=kind)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_other_value_is_refused(value: Any) -> None:
    good = interface().to_document()
    limits = {"max_samples": good["max_samples"], "n_samples": MAX_CALL_ELEMENTS}
    for key in good:
        if json.dumps(value) != json.dumps(good[key]) and key not in ("taps_file", "id", "name"):
            if key in limits and type(value) is int and 0 < value <= limits[key]:
                continue
            with pytest.raises(ProjectError):
                Interface.read(json.dumps(good | {key: value}))
    for key in good["input"]:
        if key == "bits" and value in range(9, 17):  # another interface, of the same int16
            continue
        if key == "shape" and isinstance(value, list) and all(type(n) is int for n in value):
            continue
        if json.dumps(value) != json.dumps(good["input"][key]):
            with pytest.raises(ProjectError):
                Interface.read(json.dumps(good | {"input": good["input"] | {key: value}}))


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "format": (lambda d: d.update(format="bitfpga"), 'format is "bitfpga", expected "bitfpga-in'),
    "version": (lambda d: d.update(version=2), "version is 2, expected 1"),
    "registers": (lambda d: d["registers"].reverse(), "registers is "),
    "vlnv": (lambda d: d.update(vlnv="xilinx:hls:small:1.0"), 'vlnv is "xilinx'),
    "interface_version": (lambda d: d.update(interface_version=2), "interface_version is 2, exp"),
    "kind": (lambda d: d.update(kind="axis"), "interface 'axis': m_axi or axi_dma"),
    "kind alone": (lambda d: d.update(kind="axi_dma"), "registers is "),
    "id": (lambda d: d.update(id="0123456789ABCDEF"), "16 hexadecimal digits"),
    "long id": (lambda d: d.update(id="0123456789abcdef0"), "16 hexadecimal digits"),
    "short id": (lambda d: d.update(id="0"), "16 hexadecimal digits"),
    "name": (lambda d: d.update(name="a b"), "name 'a b'"),
    "path": (lambda d: d.update(taps_file="/etc/passwd"), 'taps_file is "/etc/passwd", expected'),
    "too many": (
        lambda d: d.update(max_samples=(1 << 26) // 28 + 1),
        "max_samples .* 1 to 2396745",
    ),
    "none": (lambda d: d.update(max_samples=0), "max_samples 0: 1 to"),
    "no block": (lambda d: d.update(n_samples=0), "n_samples 0: 1 to"),
    "true": (lambda d: d.update(n_samples=True), "n_samples of the whole is true, of another type"),
    "missing": (lambda d: d.pop("status", d.pop("kind")), "the whole is without 'kind'"),
    "unknown": (lambda d: d.update(extra=1), "the whole is with an unknown 'extra'"),
    "bits": (lambda d: d["input"].update(bits=17), "activation of 17 bits"),
    "dtype": (lambda d: d["input"].update(dtype="int8"), "input is "),
    "scale": (lambda d: d["input"].update(scale=float("nan")), "scale nan"),
    "whole scale": (lambda d: d["output"].update(scale=1), "scale of output is 1, of another type"),
    "shape": (lambda d: d["output"].update(shape=[5.0]), "shape of output is .*not of integers"),
    "empty": (lambda d: d["output"].update(shape=[]), "tensor shape"),
    "huge": (lambda d: d["output"].update(shape=[1 << 70]), "elements"),
    "no tensor": (lambda d: d.update(output=[]), "output of the whole is"),
    "less of a tensor": (lambda d: d["output"].pop("bits"), "output is without 'bits'"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_interface_is_refused(forgery: str) -> None:
    edit, message = FORGERIES[forgery]
    document = interface().to_document()
    edit(document)
    with pytest.raises(ProjectError, match=message):
        Interface.read(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[1]", "no JSON object"),
        ("[" * 5000, "no JSON"),
        ("9" * 9999, "no JSON"),
        ('"' + "x" * MAX_FILE_BYTES + '"', "more than 65536 characters"),
    ],
)
def test_what_is_no_interface_is_refused(text: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        Interface.read(text)


@pytest.mark.parametrize("taps", [False, True])
@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_what_was_written_is_read_back(kind: str, taps: bool) -> None:
    made = interface(kind, taps_from_memory=taps)
    assert Interface.read(made.to_json()) == made
    backwards = dict(reversed(made.to_document().items()))
    assert Interface.read(json.dumps(backwards)) == made
