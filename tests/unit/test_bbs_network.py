"""BBS on whole networks: which channels stay, what is pruned, what it saves, what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import dense, requantise
from network_files import assert_same
from small_layers import MAP, conv, one_layer, scale
from strategies import networks

import bitfpga
from bitfpga import reference
from bitfpga.demo import accuracy, demo_network
from bitfpga.errors import PruneError
from bitfpga.ir import ROUNDED_AVERAGING, ZERO_POINT_SHIFTING, Network, TensorType
from bitfpga.prune.bbs import (
    CONSERVATIVE,
    MODERATE,
    PRESETS,
    BbsConfig,
    bbs_network,
    channel_scales,
    effective_bits,
    sensitive_channels,
    weight_layers,
)
from bitfpga.prune.bbs_code import prune_matrix
from bitfpga.prune.bbs_store import decode, encode

NONE_SENSITIVE = replace(MODERATE, sensitive_share=0.0)


def weights(*shape: int, seed: int = 5, spread: float = 40) -> np.ndarray:
    values = np.random.default_rng(seed).normal(0, spread, shape)
    return np.clip(np.round(values), -128, 127).astype(np.int16)


def two_layers() -> Network:
    """Return 70 -> 45 -> 3, each channel with a scale of its own; vectors and metadata too."""
    hidden, last = TensorType((45,), 8, False, 0.5), TensorType((3,), 16, True, 2.0)
    multipliers = np.random.default_rng(2).permutation(np.arange(100, 145))
    first = dense("a", "input", weights(45, 70), hidden, requantise(hidden, multipliers, 7, 12))
    second = dense("b", "a", weights(3, 45), last, requantise(last, [1, -2, 3], 0, 10))
    network = Network("two", TensorType((70,), 8, True, 0.25), (first, second), {"note": "kept"})
    x = np.random.default_rng(3).integers(-128, 128, (5, 70)).astype(np.int8)
    return replace(network, vectors=bitfpga.ir.TestVectors(x, np.arange(5)))


def test_scales_are_those_of_the_real_weights() -> None:
    network = two_layers()
    first, second = network.layers
    multipliers: Any = first.requantise.multiplier  # type: ignore[attr-defined]
    expected = multipliers / 2**12 * 0.5 / 0.25
    np.testing.assert_array_equal(channel_scales(first, network), expected)  # type: ignore[arg-type]
    np.testing.assert_array_equal(
        channel_scales(second, network),  # type: ignore[arg-type]
        np.array([1, 2, 3]) / 2**10 * 2.0 / 0.5,
    )


@pytest.mark.parametrize(
    ("multiplier", "expected"),
    [
        (np.int64(6), [6, 6]),
        (np.full((1, 1), 6), [6, 6]),
        (np.array([[[1]], [[-2]]]), [1, 2]),
        (np.array([[1], [-7], [3]]), [7, 7]),
        (np.arange(18).reshape(2, 3, 3), [8, 17]),
        (np.full((1, 1, 1), -(2**63)), [2.0**63] * 2),
    ],
)
def test_scales_of_multipliers_of_any_shape(multiplier: np.ndarray, expected: list[int]) -> None:
    layer = conv()
    scaling = replace(layer.requantise, multiplier=np.asarray(multiplier, np.int64), shift=1)
    source = replace(MAP, scale=0.25)
    network = one_layer(conv(), source)
    scales = channel_scales(replace(layer, requantise=scaling), network)
    assert scales.tolist() == [value / 2 / 0.25 for value in expected]


def test_scales_of_dense_layers_are_on_the_last_axis() -> None:
    source, output = TensorType((7, 5), 8, True), TensorType((7, 3), 8, True)
    for multiplier, expected in (([4, 9, 5], [4, 9, 5]), (np.arange(7)[:, None], [6, 6, 6])):
        scaling = requantise(output, multiplier)
        layer = dense("fc", "input", weights(3, 5), output, scaling)
        assert channel_scales(layer, one_layer(layer, source)).tolist() == expected


@pytest.mark.parametrize("config", ["conservative", "moderate", NONE_SENSITIVE])
def test_a_network_is_pruned_layer_by_layer(config: str | BbsConfig) -> None:
    network = two_layers()
    layers = weight_layers(network)
    rules = PRESETS.get(config, MODERATE) if isinstance(config, str) else config
    flags = sensitive_channels([channel_scales(x, network) for x in layers], rules.sensitive_share)
    pruned = bbs_network(network, config)
    for before, after, sensitive in zip(layers, weight_layers(pruned), flags, strict=True):
        code = prune_matrix(before.weight, rules.n_sparse, rules.mode, 32)
        expected = np.where(sensitive[:, None], before.weight, code.weight)
        np.testing.assert_array_equal(after.weight, expected)
        assert after.bit_groups is not None
        np.testing.assert_array_equal(after.bit_groups.sensitive, sensitive)
        assert_same(replace(after, weight=before.weight, bit_groups=None), before)
    assert_same(replace(pruned, layers=network.layers), network)


def test_the_given_network_is_left_alone() -> None:
    network, same = two_layers(), two_layers()
    bbs_network(network, "moderate")
    assert_same(network, same)


@settings(max_examples=60)
@given(network=networks(), config=st.sampled_from([*PRESETS.values(), NONE_SENSITIVE]))
def test_pruned_networks_are_what_their_bytes_decode_to(
    network: Network, config: BbsConfig
) -> None:
    layers = {x.name: np.clip(x.weight, -128, 127) for x in weight_layers(network)}
    clipped = tuple(
        replace(x, weight=layers[x.name]) if x.name in layers else x  # type: ignore[call-arg]
        for x in network.layers
    )
    network = replace(network, layers=clipped)
    if not layers:
        with pytest.raises(PruneError, match="no Dense or Conv layer to prune"):
            bbs_network(network, config)
        return
    pruned = bbs_network(network, config)
    rebuilt = []
    for layer in pruned.layers:
        if layer.name in layers:
            weight, _ = decode(encode(layer.weight, layer.bit_groups))  # type: ignore[attr-defined]
            shape = layer.weight.shape  # type: ignore[attr-defined]
            layer = replace(layer, weight=weight.reshape(shape), bit_groups=None)  # type: ignore[call-arg]
        rebuilt.append(layer)
    low, high = network.input.low, network.input.high
    x = np.random.default_rng(4).integers(low, high + 1, (3, *network.input.shape))
    outputs = [reference.run(n, x) for n in (pruned, replace(network, layers=tuple(rebuilt)))]
    np.testing.assert_array_equal(*outputs)


def test_depthwise_rows_are_one_short_group() -> None:
    layer = conv(weight=weights(6, 1, 2, 3), groups=3)
    layer = replace(layer, output=TensorType((6, 3, 3), 8, True))
    network = one_layer(replace(layer, requantise=requantise(layer.output, shift=3)), MAP)
    pruned = bbs_network(network, replace(NONE_SENSITIVE, group_size=8))
    (after,) = weight_layers(pruned)
    assert after.bit_groups is not None
    assert after.bit_groups.redundant.shape == (6, 1)
    code = prune_matrix(layer.weight.reshape(6, 6), 4, ZERO_POINT_SHIFTING, 6)
    np.testing.assert_array_equal(after.weight.reshape(6, 6), code.weight)
    assert effective_bits(pruned) == (6 * 4 + 8) / 6


def test_saved_and_pruned_again(tmp_path: Path) -> None:
    pruned = bbs_network(two_layers(), "conservative")
    assert_same(Network.load(pruned.save(tmp_path / "a.bitfpga")), pruned)
    assert_same(bbs_network(pruned, "conservative"), pruned)


def test_effective_bits() -> None:
    network = two_layers()
    assert effective_bits(network) == 8
    for config, rate in (("conservative", 6), ("moderate", 4)):
        first, second = weight_layers(bbs_network(network, config))
        for layer, sensitive in ((first, 32), (second, 0)):
            assert layer.bit_groups is not None
            assert layer.bit_groups.sensitive.sum() == sensitive
        bits = 32 * 70 * 8 + 13 * (70 * rate + 3 * 8) + 3 * (45 * rate + 2 * 8)
        size = 45 * 70 + 3 * 45
        assert effective_bits(bbs_network(network, config)) == bits / size
    even = Network("even", TensorType((64,), 8, True), (dense("a", "input", weights(3, 64), I16),))
    for config, rate in ((replace(CONSERVATIVE, sensitive_share=0), 6.25), (NONE_SENSITIVE, 4.25)):
        assert effective_bits(bbs_network(even, config)) == rate
    assert 8 < effective_bits(demo_network()) <= 9  # a weight of +128 takes nine bits
    with pytest.raises(PruneError, match="network 'net' has no weights to count"):
        effective_bits(one_layer(scale()))


I16 = TensorType((3,), 16, True)


@pytest.mark.parametrize("config", PRESETS)
def test_the_demo_keeps_its_accuracy(config: str) -> None:
    demo = demo_network()
    eight_bits = replace(
        demo,
        layers=tuple(
            replace(x, weight=np.minimum(x.weight, 127))  # type: ignore[call-arg]
            for x in demo.layers
        ),
    )
    assert demo.vectors is not None
    assert demo.vectors.labels is not None
    before, after = (
        accuracy(reference.run(n, demo.vectors.x), demo.vectors.labels)
        for n in (eight_bits, bbs_network(eight_bits, config))
    )
    assert after >= before - 0.005


def test_extreme_settings_are_allowed() -> None:
    for n_sparse, size in ((1, 8), (6, 1024)):
        config = BbsConfig(n_sparse, ROUNDED_AVERAGING, n_sparse == 6, size)
        assert bbs_network(two_layers(), config).name == "two"


def test_networks_that_are_refused() -> None:
    with pytest.raises(PruneError, match="no configuration 'light'; known are 'conservative' and"):
        bbs_network(two_layers(), "light")
    with pytest.raises(PruneError, match="network 'net' has no Dense or Conv layer to prune"):
        bbs_network(one_layer(scale()), "moderate")
    words = r"'0' has weights -128\.\.128; layer '2' has weights -128\.\.128; -128\.\.127 are"
    with pytest.raises(PruneError, match=words):
        bbs_network(demo_network(), "moderate")


def test_no_module_of_bbs_needs_torch() -> None:
    program = (
        "import sys, types, pathlib, bitfpga; sys.modules['torch'] = None;"
        "package = types.ModuleType('bitfpga.prune');"
        "package.__path__ = [str(pathlib.Path(bitfpga.__file__).parent / 'prune')];"
        "sys.modules['bitfpga.prune'] = package;"
        "import bitfpga.prune.bbs, bitfpga.prune.bbs_pe, bitfpga.prune.bitwave"
    )
    root = Path(bitfpga.__file__).parent.parent
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
