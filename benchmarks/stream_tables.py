"""The Markdown tables of ``stream_plan``."""

from __future__ import annotations

from typing import Any

from measure import markdown_table

HALVES_AIM = 0.55

Rows = list[dict[str, Any]]


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def rate_table(rows: Rows) -> str:
    """Return the plans against what they aim at."""
    header = ["network", "digits per weight", "asked for", "ms per image", "aim, ms", "reached"]
    header += ["latency of one, ms", "cycles", "simulated beat by beat", "LUT", "BRAM"]
    header += ["adds per cycle", "of the adders", "bits per tap", "of its entropy", "search, CPU s"]
    cells = [
        [
            row["network"],
            f"{row['digits']:.2f}",
            row["asked"],
            f"{row['ms']:.4f}",
            f"{row['aim']:g}",
            "yes" if row["ms"] <= row["aim"] else "NO",
            f"{row['latency_ms']:.3f}",
            f"{row['cycles']:,}",
            "yes" if row["simulated"] else "NO",
            *(_share(row[key]) for key in ("luts", "bram36")),
            f"{row['adds_per_cycle']:.0f}",
            _share(row["utilisation"]),
            f"{row['bits_per_tap']:.2f}",
            f"{row['of_entropy']:.2f}x",
            f"{row['seconds']:.1f}",
        ]
        for row in rows
    ]
    return markdown_table(header, cells)


def memory_table(rows: Rows) -> str:
    """Return what the adders read against the ports of the block RAM, and what that RAM holds."""
    header = ["network", "digits per weight", "adders", "adds per cycle", "all ports would give"]
    header += ["activation bits read of block RAM in a cycle", "of their ports' 72 a RAMB36"]
    header += ["of the RAMB36 used: activations", "line buffers", "taps", "sums", "FIFOs and rest"]
    parts = ("activations", "lines", "taps", "results", "rest")
    cells = []
    for row in rows:
        memory = row["memory"]
        counts = [f"{memory['adders']:,}", f"{memory['adds_per_cycle']:.0f}"]
        counts += [f"{memory['all_ports']:,}", f"{memory['bits_read']:,}"]
        shares = [_share(memory[part]) for part in ("ports_filled", *parts)]
        cells.append([row["network"], f"{row['digits']:.2f}", *counts, *shares])
    return markdown_table(header, cells)


def half_table(rows: Rows) -> str:
    """Return cycles a sample at some digits and at half of them."""
    header = ["chip", "network", "digits per weight", "cycles", "LUT", "BRAM", "bound by"]
    header += ["at half: cycles", "LUT", "BRAM", "bound by", "of the cycles", f"<= {HALVES_AIM}x"]
    cells = []
    for row in rows:
        whole, half = row["whole"], row["half"]
        digits = f"{whole['digits']:.2f}, {half['digits']:.2f}"
        one, other = (
            [f"{side['cycles']:,}", _share(side["luts"]), _share(side["bram36"]), side["bound"]]
            for side in (whole, half)
        )
        end = [f"{row['ratio']:.3f}x", "yes" if row["ratio"] <= HALVES_AIM else "NO"]
        cells.append([row["chip"], whole["network"], digits, *one, *other, *end])
    return markdown_table(header, cells)


def mnist_table(rows: Rows) -> str:
    """Return the plans of the MNIST CNN side by side."""
    header = ["MNIST CNN", "digits per weight", "cycles", "ms per image", "of 8 bit", "LUT", "BRAM"]
    header += ["adds per cycle", "bound by"]
    cells = [
        [
            row["network"],
            f"{row['digits']:.3f}",
            f"{row['cycles']:,}",
            f"{row['ms']:.5f}",
            f"{row['cycles'] / rows[0]['cycles']:.3f}x",
            *(_share(row[key]) for key in ("luts", "bram36")),
            f"{row['adds_per_cycle']:.0f}",
            row["bound"],
        ]
        for row in rows
    ]
    return markdown_table(header, cells)
