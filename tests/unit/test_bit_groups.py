"""``bit_groups`` of a layer: what a network checks about them, and that files keep them."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_files import assert_refused, assert_same, edited, read_entries
from small_layers import MAP, conv, dense, one_layer, refused

from bitfpga import reference
from bitfpga.demo import demo_network
from bitfpga.ir import (
    ROUNDED_AVERAGING,
    ZERO_POINT_SHIFTING,
    BitGroups,
    Conv,
    Dense,
    Network,
    TensorType,
)
from bitfpga.paths import overlays_dir

WIDE = TensorType((11,), 8, True)
Make = Callable[..., Any]


def groups(**changes: Any) -> BitGroups:
    """Return codes for 3 outputs of 11 inputs: two groups, of 8 and 3 weights; the last plain."""
    fields: dict[str, Any] = {
        "mode": ZERO_POINT_SHIFTING,
        "n_sparse": 4,
        "group_size": 8,
        "redundant": np.array([[0, 1], [3, 2], [0, 0]], np.uint8),
        "constant": np.array([[-31, 31], [5, 0], [0, 0]], np.int8),
        "sensitive": np.array([0, 0, 1], np.uint8),
    }
    return BitGroups(**{**fields, **changes})


def averages(**changes: Any) -> BitGroups:
    """Return the same for averages: each constant is the greatest that its low columns hold."""
    constant = np.array([[15, 7], [1, 3], [0, 0]], np.int8)
    return groups(mode=ROUNDED_AVERAGING, constant=constant, **changes)


def coded(codes: BitGroups, **changes: Any) -> Dense:
    """Return a layer of all the extremes that ``codes`` can hold."""
    stored = np.resize([-8, 7, 0, -1, 1], (3, 11))
    stored[2] = np.resize([-128, 127, 0, 99], 11)
    weight = codes.decode(stored)
    return dense(WIDE, weight=weight, bit_groups=codes, **changes)


def coded_conv() -> Conv:
    redundant, constant = np.array([[1], [0]], np.uint8), np.array([[1], [2]], np.int8)
    codes = BitGroups(ROUNDED_AVERAGING, 2, 24, redundant, constant, np.zeros(2, np.uint8))
    stored = np.resize([-32, 31, 4], (2, 18))
    return conv(weight=codes.decode(stored).reshape(2, 3, 2, 3), bit_groups=codes)


NETWORKS: dict[str, Make] = {
    "shifted": lambda: one_layer(coded(groups()), WIDE),
    "averaged": lambda: one_layer(coded(averages()), WIDE),
    "conv": lambda: one_layer(coded_conv(), MAP),
}


def test_codes_decode_as_written() -> None:
    stored = np.array([[-8, 7, 0, 1, 2, 3, 4, 5, 6, -1, -2]] * 3)
    expected = [
        [*(16 * s - 31 for s in stored[0, :8]), *(8 * s + 31 for s in stored[0, 8:])],
        [*(2 * s + 5 for s in stored[0, :8]), *(4 * s for s in stored[0, 8:])],
        stored[2].tolist(),
    ]
    weight = groups().decode(stored)
    assert (weight.tolist(), weight.dtype) == (expected, np.int16)
    back = groups().stored(weight.reshape(3, 11, 1, 1))
    assert (back.tolist(), back.dtype) == (stored.tolist(), np.int16)


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_networks_with_codes_come_back(make: Make, tmp_path: Path) -> None:
    network = make()
    path = network.save(tmp_path / "a.bitfpga")
    loaded = Network.load(path)
    assert_same(loaded, network)
    assert loaded.save(tmp_path / "b.bitfpga").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_codes_never_change_what_is_computed(make: Make) -> None:
    network = make()
    layer: Any = network.layers[0]
    plain = replace(network, layers=(replace(layer, bit_groups=None),))
    x = np.random.default_rng(1).integers(-128, 128, (7, *network.input.shape))
    np.testing.assert_array_equal(reference.run(network, x), reference.run(plain, x))


def test_files_without_codes_keep_their_bytes(tmp_path: Path) -> None:
    shipped = overlays_dir() / "digits" / "digits.bitfpga"
    saved = demo_network().save(tmp_path / "a.bitfpga")
    assert saved.read_bytes() == shipped.read_bytes()
    for network, digest in (
        (one_layer(dense()), "db95be419ca78f42"),
        (one_layer(conv(), MAP), "df4aafa62cff9b77"),
    ):
        entries = read_entries(network.save(tmp_path / "b.bitfpga"))
        assert hashlib.sha256(entries["network.json"]).hexdigest()[:16] == digest


def test_a_null_code_is_none(tmp_path: Path) -> None:
    path = one_layer(dense()).save(tmp_path / "a.bitfpga")
    edited(path, lambda document: document["layers"][0].update(bit_groups=None))
    assert_same(Network.load(path), one_layer(dense()))


CODES: list[tuple[dict[str, Any], str]] = [
    ({"mode": "other"}, "mode 'other', but rounded_averaging and zero_point_shifting are known"),
    ({"n_sparse": 0}, "0 sparse columns, but 1 to 6 are allowed"),
    ({"n_sparse": 7}, "7 sparse columns"),
    ({"group_size": 0}, "groups of 0 weights, but multiples of 8 up to 1024 are allowed"),
    ({"group_size": -8}, "groups of -8 weights"),
    ({"group_size": 12}, "groups of 12 weights"),
    ({"group_size": 1032}, "groups of 1032 weights"),
    ({"group_size": 16}, "redundant is uint8 [3, 2], expected uint8 [3, 1]"),
    ({"redundant": np.zeros((3, 2), np.int8)}, "redundant is int8 [3, 2], expected uint8"),
    ({"constant": np.zeros((2, 2), np.int8)}, "constant is int8 [2, 2], expected int8 [3, 2]"),
    ({"constant": np.zeros((3, 2), np.int16)}, "constant is int16"),
    ({"sensitive": np.zeros((3, 1), np.uint8)}, "sensitive is uint8 [3, 1], expected uint8 [3]"),
    ({"sensitive": np.zeros(3, np.bool_)}, "sensitive is bool"),
    ({"sensitive": np.array([0, 0, 2], np.uint8)}, "sensitive holds 2, but 0 and 1 are allowed"),
    ({"sensitive": np.array([0, 1, 1], np.uint8)}, "must be 0 where sensitive is 1"),
    ({"redundant": np.array([[0, 1], [3, 2], [0, 1]], np.uint8)}, "must be 0 where sensitive"),
    ({"constant": np.array([[0, 0], [0, 0], [0, 1]], np.int8)}, "must be 0 where sensitive is 1"),
]


@pytest.mark.parametrize(("changes", "words"), CODES)
def test_codes_that_are_not_allowed(changes: dict[str, Any], words: str) -> None:
    layer = replace(coded(groups()), bit_groups=groups(**changes))
    refused(lambda: one_layer(layer, WIDE), "layer 'fc': bit groups: ", words)


@pytest.mark.parametrize(
    ("codes", "redundant", "constant", "words"),
    [
        (groups(), 4, 0, "4 redundant columns, but 0 to 3 are allowed"),
        (groups(n_sparse=2), 3, 0, "3 redundant columns, but 0 to 2 are allowed"),
        (groups(), 0, 32, "at output 1, group 1, the constant 32 is out of range"),
        (groups(), 0, -32, "the constant -32 is out of range"),
        (averages(), 0, 16, "the constant 16 is out of range"),
        (averages(), 3, 2, "the constant 2 is out of range"),
        (averages(), 0, -1, "the constant -1 is out of range"),
        (groups(), 0, 0, "weight"),
        (averages(), 0, 3, "weight"),
    ],
)
def test_single_codes_out_of_range(
    codes: BitGroups, redundant: int, constant: int, words: str
) -> None:
    layer = coded(codes)
    columns, constants = codes.redundant.copy(), codes.constant.copy()
    columns[1], constants[1] = (0, redundant), (0, constant)
    other = replace(codes, redundant=columns, constant=constants)
    refused(lambda: one_layer(replace(layer, bit_groups=other), WIDE), "'fc': bit groups: ", words)


@pytest.mark.parametrize(
    ("output", "index", "weight"),
    [(0, 0, 16 * 8 - 31), (0, 7, -16 * 9 - 31), (0, 3, -30), (1, 10, 32), (1, 9, 1), (2, 4, 128)],
)
def test_weights_that_do_not_decode(output: int, index: int, weight: int) -> None:
    layer = coded(groups())
    wrong = layer.weight.copy()
    wrong[output, index] = weight
    words = f"at output {output}, input {index}, the weight {weight} is not what its group can hold"
    refused(lambda: one_layer(replace(layer, weight=wrong), WIDE), "'fc': bit groups: ", words)


def test_a_weight_without_axes_is_still_one_message() -> None:
    refused(
        lambda: one_layer(dense(weight=np.int16(3), bit_groups=groups())), "'fc'", "weight must"
    )


def at(*keys: Any, value: Any) -> Callable[[Any], None]:
    def edit(document: Any) -> None:
        place = document["layers"][0]
        for key in ("bit_groups", *keys)[:-1]:
            place = place[key]
        place[("bit_groups", *keys)[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (at(value=7), "bit_groups: fields 7"),
        (at(value=[]), "bit_groups: fields"),
        (at(value={}), "bit_groups: fields"),
        (at("extra", value=1), "bit_groups: fields"),
        (at("mode", value=None), "mode: got 'None', expected str"),
        (at("mode", value="x" * 9999), "mode 'xxx"),
        (at("n_sparse", value=True), "n_sparse: got 'True', expected int"),
        (at("n_sparse", value=4.0), "n_sparse: got '4.0', expected int"),
        (at("group_size", value=10**400), "damaged|groups of"),
        (at("redundant", value=[[0, 1]]), "redundant: expected an array reference"),
        (at("sensitive", value={"array": "arrays/0000.npy"}), "array of int16, expected uint8"),
        (at("constant", value={"array": "arrays/0099.npy"}), "is missing"),
        (lambda document: document["layers"][0]["bit_groups"].pop("mode") and None, "fields"),
        (lambda document: document["layers"][0].pop("weight") and None, "'fc': fields"),
    ],
)
def test_hostile_files(tmp_path: Path, edit: Callable[[Any], Any], words: str) -> None:
    path = one_layer(coded(groups()), WIDE).save(tmp_path / "a.bitfpga")
    assert_refused(edited(path, edit), words)


def test_short_rows_in_long_groups_take_no_memory() -> None:
    n_outputs = 50_000
    zeros = np.zeros((n_outputs, 1), np.uint8)
    codes = groups(group_size=1024, redundant=zeros, constant=zeros.view(np.int8))
    codes = replace(codes, sensitive=zeros[:, 0])
    layer = dense(replace(WIDE, shape=(1,)), n_outputs, bit_groups=codes)
    layer = replace(layer, weight=np.zeros((n_outputs, 1), np.int16))
    tracemalloc.start()
    one_layer(layer, replace(WIDE, shape=(1,)))
    assert tracemalloc.get_traced_memory()[1] < 100 * n_outputs
    tracemalloc.stop()
