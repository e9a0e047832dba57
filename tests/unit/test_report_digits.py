"""The page's histograms: digits counted as slowly as can be, and drawn as they were counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from cli_runs import small_mlp
from report_cases import page_of, planned, small_cnn

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.ir import Conv, Dense, Network
from bitfpga.plan import lower, plan
from bitfpga.prune import bbs
from bitfpga.report.histograms import digit_counts


def weight_counts(weight: np.ndarray, system: NumberSystem) -> tuple[Counter[int], Counter[int]]:
    """Count weights by digits and digits by their worth, weight by weight, digit by digit."""
    by_weight: Counter[int] = Counter()
    by_worth: Counter[int] = Counter()
    for value in weight.reshape(-1).tolist():
        sign, rest, place, n_digits = (1 if value > 0 else -1), abs(value), 1, 0
        while rest:
            if rest & 1:
                digit = 2 - (rest & 3) if system is NumberSystem.CSD else 1
                by_worth[sign * digit * place] += 1
                n_digits += 1
                rest -= digit
            rest, place = rest >> 1, place * 2
        by_weight[n_digits] += 1
    return by_weight, by_worth


@pytest.mark.parametrize("system", [NumberSystem.CSD, NumberSystem.BINARY])
@pytest.mark.parametrize("network", [small_cnn(), small_mlp((9, 7, 3))])
def test_digits_are_counted_as_they_are(network: Network, system: NumberSystem) -> None:
    schedule = plan(network, load_board("pynq-z2"), number_system=system)
    steps = {step.name: step for step in lower(network, schedule.beat_pixels).steps}
    for layer in network.layers:
        if not isinstance(layer, Dense | Conv):
            continue
        counts = digit_counts(steps[layer.name], layer.weight.size, system)
        by_weight, by_worth = weight_counts(layer.weight, system)
        assert dict(enumerate(counts.weights)) == {
            n: by_weight[n] for n in range(max(by_weight) + 1)
        }
        for signed, sign in ((counts.positive, 1), (counts.negative, -1)):
            assert list(signed) == [by_worth[sign << p] for p in range(len(signed))]
        assert counts.n_digits == schedule.layer(layer.name).n_taps
        assert counts.n_shared == 0


def test_digits_on_shared_sums_are_counted_apart() -> None:
    network = bbs(small_mlp((70, 9, 3)), "moderate")
    schedule = plan(network, load_board("pynq-z2"), number_system=NumberSystem.BBS)
    steps = {step.name: step for step in lower(network, schedule.beat_pixels).steps}
    layers = {layer.name: layer for layer in network.layers}
    shared = []
    for row in schedule.layers:
        counts = digit_counts(steps[row.name], row.n_weights, NumberSystem.BBS)
        assert counts.n_digits == row.n_taps
        assert sum(counts.weights) == row.n_weights
        own = sum(n_digits * n for n_digits, n in enumerate(counts.weights))
        assert own + counts.n_shared == counts.n_digits
        csd = to_digits(layers[row.name].weight, NumberSystem.CSD).count
        assert sum(counts.weights[1:]) <= own <= counts.n_digits <= csd
        text = f"{counts.n_shared:,} of them on sums that outputs share"
        told = any(text in line for line in page_of(network, schedule).texts("p"))
        assert told == (counts.n_shared > 0)
        shared.append(counts.n_shared)
    assert max(shared) > 0


def test_cards_say_what_was_counted() -> None:
    network = small_cnn()
    schedule = planned(network)
    page = page_of(network, schedule)
    told = page.texts("p")
    for layer in schedule.layers:
        if layer.n_weights:
            mean = layer.n_taps / layer.n_weights
            text = f"{layer.n_weights:,} weights, {layer.n_taps:,} digits: {mean:.2f} a weight"
            assert text in told
    assert "81 weights (100.0%) of 0 digits" in page.texts("title")
    pruned = [a for a in page.all("svg") if "81 weights (100.0%)" in a["aria-label"]]
    assert len(pruned) == 1  # and no chart of its planes


def test_columns_are_as_high_as_their_counts() -> None:
    weight = np.array([[0, 0, 1, 0, 0, -3], [0, 0, 64, 0, 0, 0]], np.int16).repeat(20, axis=1)
    (layer,) = small_mlp((120, 2)).layers
    network = replace(small_mlp((120, 2)), layers=(replace(layer, weight=weight),))
    page = page_of(network, planned(network))
    heights = [float(a["height"]) for a in page.all("rect") if not a["height"].endswith("%")]
    one, two = 80 * 40 / 180, 80 * 20 / 180  # weights: 180 of no digit, 40 of one, 20 of two
    unit = 80 / 40  # digits: 20 of +1 and 20 of +1 (-3 = 1 - 4), 20 of -4, 20 of +64
    planes = [40 * unit, 0, 0, 0, 0, 20 * unit, *[0] * 6, 20 * unit, 0]
    assert heights == pytest.approx([80, one, two, *planes], abs=0.05)  # one decimal is printed
    shares = [text for text in page.texts("text") if "%" in text]
    assert shares == ["75%", "17%", "8%", "50%", "25%", "25%"]
    network = replace(
        network, layers=(replace(layer, weight=np.eye(1, 240, dtype=np.int16).reshape(2, 120)),)
    )
    page = page_of(network, planned(network))
    assert [text for text in page.texts("text") if "%" in text] == ["100%", "<1%", "100%"]
