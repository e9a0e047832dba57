"""What a network checks beyond its single layers: ranges, joins, order, names, metadata."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from small_layers import (
    I8,
    MAP,
    dense,
    identity_requantise,
    ints,
    one_layer,
    refused,
    scale,
)

from bitfpga.ir import (
    Add,
    Concat,
    Network,
    Reshape,
)


def test_accumulators_may_not_leave_62_bits() -> None:
    reach = 128
    most = ((1 << 62) - 1) // reach
    one_layer(scale(multiplier=ints(most)))
    refused(lambda: one_layer(scale(multiplier=ints(most + 1))), "beyond 62 bits", "fewer bits")
    refused(lambda: one_layer(scale(multiplier=ints(-most - 1))), str((most + 1) * reach))
    one_layer(scale(bias=ints((1 << 62) - 1 - reach)))
    refused(lambda: one_layer(scale(bias=ints((1 << 62) - reach))), "beyond 62 bits")
    refused(lambda: one_layer(scale(bias=ints(-(1 << 62) + reach))), "beyond 62 bits")


def test_the_rounding_constant_counts_too() -> None:
    bias = ints((1 << 62) - (1 << 61) - 129)
    one_layer(scale(bias=bias, shift=62))
    refused(lambda: one_layer(scale(bias=bias + 1, shift=62)), "beyond 62 bits")


@pytest.mark.parametrize("field", ["multiplier", "bias"])
def test_the_least_int64_does_not_slip_through(field: str) -> None:
    refused(lambda: one_layer(scale(**{field: ints(-(1 << 63))})), "beyond 62 bits")
    refused(lambda: one_layer(scale(**{field: ints(-(1 << 63), 1, 1, 1, 1)})), "beyond 62 bits")


def test_a_zero_multiplier_does_not_hide_a_wide_accumulator() -> None:
    requantise = replace(identity_requantise(I8), multiplier=ints(0))
    for wide in (1 << 55, 1 << 63, 1 << 80):
        layer = Add("s", ("input",), I8, weights=(wide,), requantise=requantise)
        refused(lambda layer=layer: one_layer(layer), "beyond 62 bits")


def test_an_add_takes_one_shape() -> None:
    other = dense()
    fields = {"weights": (1, 1), "requantise": identity_requantise(I8)}
    add = Add("s", ("fc", "input"), I8, **fields)
    refused(lambda: Network("net", I8, (other, add)), "'s' (add)", "one shape", "(3,)", "(5,)")


def test_a_concat_joins_on_one_axis() -> None:
    flat = Reshape("r", ("input",), replace(MAP, shape=(60,)))
    for source, other in (("input", "r"), ("r", "input")):
        join = Concat("j", (source, other), MAP, axis=0)
        refused(lambda join=join: Network("net", MAP, (flat, join)), "do not join on axis 0")


def test_a_concat_joins_one_type() -> None:
    halved = replace(scale(), output=replace(I8, scale=0.5))
    join = Concat("j", ("input", "s"), replace(I8, shape=(10,)), axis=0)
    refused(lambda: Network("net", I8, (halved, join)), "'j' (concat)", "only moves values", "0.5")


def test_scales_that_differ_by_rounding_only_are_one() -> None:
    join = Concat("j", ("input",), replace(I8, scale=1 + 1e-15), axis=0)
    one_layer(join)


@pytest.mark.parametrize("inputs", [("missing",), ("later",), ("s",), ()])
def test_layers_read_what_is_above_them(inputs: tuple[str, ...]) -> None:
    layers = (replace(scale(), inputs=inputs), replace(scale(), name="later"))
    shown = repr(list(inputs)) if inputs else "nothing"
    refused(lambda: Network("net", I8, layers), "'s' reads", shown, "above it or 'input'")


def test_most_layers_take_one_input() -> None:
    layer = replace(scale(), inputs=("input", "input"))
    refused(lambda: one_layer(layer), "'s' (scale)", "one input")


def test_names_are_used_once() -> None:
    refused(lambda: Network("net", I8, (scale(), scale())), "'s'", "twice")
    refused(lambda: one_layer(replace(scale(), name="input")), "'input'", "twice")


def test_a_network_has_layers() -> None:
    refused(lambda: Network("net", I8, ()), "'net'", "no layers")


TEXTS = ["", "x;rm -rf", 'a"b', "a b", "1a", "_a", "a-b", "a\n", "naïve", "a\0", "{{a}}", "$(a)"]
HOSTILE = [*TEXTS, "a.b", "x" * 64, "٣a", "a\\", 7, None]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: Any) -> None:
    words = ("only letters, digits and _", "1 to 63")
    refused(lambda: one_layer(replace(scale(), name=name)), "layer name", *words)
    refused(lambda: Network(name, I8, (scale(),)), "network name", *words)


@pytest.mark.parametrize("name", ["int", "class", "main", "A", "x" * 63, "a_1", "ap_int", "Input"])
def test_names_that_are_words_of_a_language_are_fine(name: str) -> None:
    network = Network(name, I8, (replace(scale(), name=name),))
    assert re.fullmatch("[A-Za-z0-9_]+", network.layers[0].name)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"a": None}, ["'a'", "strings and numbers"]),
        ({"a": True}, ["'a'", "strings and numbers"]),
        ({"a": [1]}, ["'a'", "strings and numbers"]),
        ({7: "a"}, ["'7'", "strings and numbers"]),
        ({"a": float("nan")}, ["'a'", "finite"]),
        ({"a": float("-inf")}, ["'a'", "finite"]),
        ({"a": 10**400}, ["'a'", "below 2^63"]),
    ],
)
def test_metadata(metadata: Any, words: list[str]) -> None:
    refused(lambda: Network("net", I8, (scale(),), metadata), "metadata", *words)
