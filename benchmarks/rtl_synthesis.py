"""Area and logic delay of the Verilog, by Yosys, beside the plan's estimate.

Networks of random weights (``cnn_nets.random_network``), planned for pynq-z2 (xc7z020) at 150 MHz
as in ``stream_plan.py``, and the demo's network; every process is synthesised by Yosys for
7-series. Logic delay is that of cells alone, without wires: no clock period. Nothing was placed,
routed or run on a board, and none of these figures is one of the HLS project.

    python benchmarks/rtl_synthesis.py [--only resnet8,digits,...] [--keep FOLDER] [--json]
    python benchmarks/rtl_synthesis.py --arrays

``--arrays``: PE arrays alone, without memories, by columns and PEs, at accumulators of 20 bits.
``--keep``: a folder for the cache of synthesised blocks, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from cnn_nets import random_network
from measure import cpu_seconds, machine_line, markdown_table
from rtl_arrays import array_table, measure_array

from bitfpga import Network
from bitfpga.boards import load_board
from bitfpga.demo import demo_network
from bitfpga.emit import emit_rtl
from bitfpga.plan import plan
from bitfpga.synth.yosys import synthesise

BOARD, CLOCK_NS = "pynq-z2", 1000 / 150
NETWORKS = {"resnet8": 1.3, "ds_cnn": 1.0, "autoencoder": 0.8, "digits": None}
COLUMNS, PES = (8, 16, 24, 36), (4, 16)
LIMIT_S = 3600.0


def network(name: str) -> Network:
    """Return the network of this name."""
    digits = NETWORKS[name]
    return demo_network() if digits is None else random_network(name, digits)


def measure(name: str, cache: Path) -> dict[str, Any]:
    """Return what Yosys and the plan say of a network."""
    net = network(name)
    schedule = plan(net, load_board(BOARD), clock_ns=CLOCK_NS)
    files = emit_rtl(net, schedule)
    seconds, report = cpu_seconds(
        lambda: synthesise(files, schedule, cache, limit_s=LIMIT_S, on_block=print_progress)
    )
    document = report.to_document()
    return {
        "network": name,
        "interval_cycles": schedule.interval_cycles,
        "cpu_seconds": seconds,
        **{key: document[key] for key in ("total", "estimate", "logic_delay", "parts", "tool")},
    }


def print_progress(line: str) -> None:
    """Show which block is being synthesised."""
    print(f"  {line}", flush=True)


def table(results: list[dict[str, Any]]) -> str:
    """Return the networks as a Markdown table."""
    rows = []
    for found in results:
        total, planned = found["total"], found["estimate"]
        delay = found["logic_delay"]
        rows.append(
            [
                found["network"],
                f"{total['luts']:,}",
                f"{planned['luts']:,}",
                f"{planned['luts'] / total['luts'] - 1:+.1%}",
                f"{total['ffs']:,}",
                f"{total['bram36']:g}",
                f"{planned['bram36']:g}",
                str(total["dsp"]),
                f"{delay['ps'] / 1000:.2f} ns" if delay else "",
                f"{found['cpu_seconds']:.0f}",
            ]
        )
    header = ["network", "LUT", "planned", "plan is off by", "FF", "RAMB36", "planned", "DSP"]
    return markdown_table([*header, "logic delay", "CPU s"], rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default=",".join(NETWORKS))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--arrays", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print(machine_line())
    with tempfile.TemporaryDirectory() as scratch:
        cache = options.keep or Path(scratch)
        cache.mkdir(parents=True, exist_ok=True)
        if options.arrays:
            shapes = [(columns, pes) for pes in PES for columns in COLUMNS]
            results = [
                measure_array(*shape, cache, coded=coded)
                for coded in (False, True)
                for shape in shapes
            ]
        else:
            results = [measure(name, cache) for name in options.only.split(",")]
    text = array_table(results) if options.arrays else table(results)
    print(json.dumps(results, indent=1) if options.json else text)


if __name__ == "__main__":
    main()
