"""C simulation of one MLP, bitfpga against hls4ml, side by side in one run.

The 16-64-32-32-5 MLP with 8-bit weights and activations (seeded, untrained) is quantised by
``from_torch``; hls4ml (Vitis backend, io_parallel, Latency) gets the very same integers as
fixed-point numbers, so both must answer the same to the last bit, and that is checked. Times are
CPU seconds of the process and its children: compiling, then samples per CPU second.

    python benchmarks/csim_vs_hls4ml.py [--samples N] [--peer-samples N] [--repeats N] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import cpu_seconds, machine_line, markdown_table

import bitfpga
from bitfpga.csim import check, simulate
from bitfpga.ir import Dense, Network, accumulator_range

DIMENSIONS = (16, 64, 32, 32, 5)
PART = "xc7z020clg400-1"
COMPILE_TARGET, RATE_TARGET = 0.3, 200.0


def mlp(seed: int) -> torch.nn.Sequential:
    """Return the float MLP with ReLU between its layers, torch's own initial weights."""
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for n_inputs, n_outputs in itertools.pairwise(DIMENSIONS):
        layers += [torch.nn.Linear(n_inputs, n_outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).eval()


def exact_float_model(network: Network) -> torch.nn.Sequential:
    """Return a torch model whose weights and biases are exactly those of the integer network."""
    layers: list[torch.nn.Module] = []
    scale = network.input.scale
    for layer in network.layers:
        assert isinstance(layer, Dense)
        step = layer.output.scale / 2.0**layer.requantise.shift
        linear = torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
        multiplier = layer.requantise.multiplier.reshape(-1, 1)
        weight = layer.weight * multiplier * step / scale
        linear.weight.data = torch.tensor(weight, dtype=torch.float32)
        bias = np.broadcast_to(layer.requantise.bias.reshape(-1), len(layer.weight)) * step
        linear.bias.data = torch.tensor(bias, dtype=torch.float32)
        layers += [linear, torch.nn.ReLU()]
        scale = layer.output.scale
    return torch.nn.Sequential(*layers[:-1]).eval()


def fixed_type(values: np.ndarray[Any, Any], step: float) -> str:
    """Return the narrowest ap_fixed that holds ``values``, all multiples of ``step``."""
    levels = np.round(values / step).astype(np.int64)
    assert np.array_equal(levels * step, values)
    bits = max(int(np.abs(levels).max()).bit_length() + 1, 2)
    return f"ap_fixed<{bits},{bits - round(-np.log2(step))}>"


def tensor_type(bits: int, signed: bool, scale: float, rounding: str = "") -> str:
    """Return the ap_fixed or ap_ufixed of an activation."""
    whole = bits + round(np.log2(scale))
    return f"ap_{'' if signed else 'u'}fixed<{bits},{whole}{rounding}>"


def lowest_step(values: np.ndarray[Any, Any]) -> float:
    """Return the largest power of two of which all ``values`` are multiples."""
    step = 1.0
    while not np.array_equal(np.round(values / step) * step, values):
        step /= 2
    return step


def accumulator_type(network: Network, layer: Dense) -> str:
    """Return the narrowest ap_fixed that holds every sum of the layer, so the peer pays no more."""
    low, high = accumulator_range(layer, network.input_types(layer))
    requantise = layer.requantise
    sums = np.stack([low, high]) * requantise.multiplier.reshape(-1)
    largest = int((np.abs(sums) + np.abs(requantise.bias.reshape(-1))).max())
    step = layer.output.scale / 2.0**requantise.shift
    bits = largest.bit_length() + 1
    return f"ap_fixed<{bits},{bits + round(np.log2(step))}>"


def peer_config(network: Network, model: torch.nn.Sequential) -> dict[str, Any]:
    """Return hls4ml's configuration with every precision set to what the integers need."""
    import hls4ml

    config = hls4ml.utils.config_from_pytorch_model(
        model, (DIMENSIONS[0],), granularity="name", backend="Vitis"
    )
    config["Model"]["Strategy"] = "Latency"
    x = network.input
    names = list(config["LayerName"])
    config["LayerName"][names[0]]["Precision"] = {"result": tensor_type(x.bits, x.signed, x.scale)}
    linears = [m for m in model if isinstance(m, torch.nn.Linear)]
    for i, (layer, linear) in enumerate(zip(network.layers, linears, strict=True)):
        weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
        exact = accumulator_type(network, layer)
        final = layer is network.layers[-1]
        y = layer.output
        rounded = tensor_type(y.bits, y.signed, y.scale, ",AP_RND,AP_SAT")
        config["LayerName"][names[1 + 2 * i]]["Precision"] = {
            "weight": fixed_type(weight, lowest_step(weight)),
            "bias": fixed_type(bias, lowest_step(bias)),
            "accum": exact,
            "result": rounded if final else exact,
        }
        if not final:
            config["LayerName"][names[2 + 2 * i]]["Precision"] = {"result": rounded}
    return dict(config)


def measure_peer(network: Network, x: np.ndarray[Any, Any], folder: Path) -> dict[str, Any]:
    """Return hls4ml's compile CPU seconds, samples per CPU second, and whether it is exact."""
    import hls4ml

    model = exact_float_model(network)
    with contextlib.redirect_stdout(io.StringIO()):
        project = hls4ml.converters.convert_from_pytorch_model(
            model,
            hls_config=peer_config(network, model),
            output_dir=str(folder),
            backend="Vitis",
            io_type="io_parallel",
            part=PART,
        )
        compile_seconds, _ = cpu_seconds(project.compile)
        real = np.ascontiguousarray(x * network.input.scale, dtype=np.float32)
        seconds, y = cpu_seconds(lambda: project.predict(real))
    exact = np.array_equal(y, network.dequantise(bitfpga.run(network, x)))
    return {"compile": compile_seconds, "rate": len(x) / seconds, "exact": exact}


def measure_ours(network: Network, x: np.ndarray[Any, Any], folder: Path) -> dict[str, Any]:
    """Return bitfpga's compile CPU seconds, samples per CPU second, and whether it is exact."""
    project = bitfpga.build(network).write(folder)
    compiled = simulate(project, network, x[:1])
    seconds, result = cpu_seconds(lambda: simulate(project, network, x))
    assert compiled.compiled
    assert not result.compiled
    check(project, network, x, result.y)
    return {"compile": compiled.compile_cpu_seconds, "rate": len(x) / seconds, "exact": True}


def compare(samples: int, peer_samples: int, repeats: int) -> dict[str, Any]:
    """Return medians over ``repeats`` alternating measurements, and the two ratios."""
    rng = np.random.default_rng(0)
    calibration = rng.random((500, DIMENSIONS[0]), dtype=np.float32)
    network = bitfpga.from_torch(mlp(0), calibration, name="mlp")
    x = rng.integers(network.input.low, network.input.high + 1, (samples, DIMENSIONS[0]))
    x = x.astype(network.input.dtype)
    runs: dict[str, list[dict[str, Any]]] = {"bitfpga": [], "hls4ml": []}
    with tempfile.TemporaryDirectory() as scratch:
        for i in range(repeats):
            runs["bitfpga"].append(measure_ours(network, x, Path(scratch) / f"ours{i}"))
            peer_x = x[:peer_samples]
            runs["hls4ml"].append(measure_peer(network, peer_x, Path(scratch) / f"peer{i}"))
    result: dict[str, Any] = {
        tool: {
            "compile": statistics.median(run["compile"] for run in found),
            "rate": statistics.median(run["rate"] for run in found),
            "rates": sorted(run["rate"] for run in found),
            "exact": all(run["exact"] for run in found),
        }
        for tool, found in runs.items()
    }
    result["compile_ratio"] = result["bitfpga"]["compile"] / result["hls4ml"]["compile"]
    result["rate_ratio"] = result["bitfpga"]["rate"] / result["hls4ml"]["rate"]
    result["digits_per_weight"] = bitfpga.build(network).schedule.digits_per_weight
    return result


def main() -> None:
    """Measure and print a Markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=4_000_000)
    parser.add_argument("--peer-samples", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = compare(options.samples, options.peer_samples, options.repeats)
    if options.json:
        print(json.dumps(result, indent=1))
        return
    rows = [
        [
            tool,
            f"{result[tool]['compile']:.2f}",
            f"{result[tool]['rate']:,.0f}",
            " ".join(f"{rate:,.0f}" for rate in result[tool]["rates"]),
            "yes" if result[tool]["exact"] else "NO",
        ]
        for tool in ("bitfpga", "hls4ml")
    ]
    print(machine_line())
    header = ["tool", "compile, CPU s", "samples per CPU s, median", "all runs", "exact"]
    print(markdown_table(header, rows))
    print(
        f"compile {result['compile_ratio']:.3f}x (aim <= {COMPILE_TARGET}), samples per CPU "
        f"second {result['rate_ratio']:.0f}x (aim >= {RATE_TARGET:.0f}); "
        f"{result['digits_per_weight']:.2f} digits per weight"
    )


if __name__ == "__main__":
    main()
