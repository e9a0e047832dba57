"""C simulation of one CNN, bitfpga against hls4ml, side by side in one run.

The CNN of 8x8 digits (3x3 to 8 and to 16 channels, each with ReLU and 2x2 max pooling, then a
dense layer to 10) with 8-bit weights and activations, seeded and untrained, is quantised by
``from_torch``; hls4ml (Vitis backend) gets the very same integers as fixed-point numbers, so both
must answer the same to the last bit, and that is checked. ``--network`` takes a saved network of
such layers instead. hls4ml runs in three settings; the ratios are to its best figure of each kind.
Times are CPU seconds of the process and its children.

    python benchmarks/csim_cnn_vs_hls4ml.py [--network FILE] [--samples N] [--peer-samples N]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cnn_nets import digits_cnn
from csim_vs_hls4ml import PART, accumulator_type, fixed_type, lowest_step, tensor_type
from measure import cpu_seconds, machine_line, markdown_table

import bitfpga
from bitfpga.csim import simulate
from bitfpga.ir import Conv, Dense, Layer, MaxPool, Network, Reshape

COMPILE_TARGET, RATE_TARGET = 0.4, 100.0
PEERS = (("io_stream", "Latency"), ("io_stream", "Resource"), ("io_parallel", "Latency"))


def digits_network() -> Network:
    """Return the integer network of the digits CNN with torch's own initial weights."""
    torch.manual_seed(0)
    calibration = np.random.default_rng(0).random((500, 1, 8, 8), dtype=np.float32)
    return bitfpga.from_torch(digits_cnn().eval(), calibration, name="digits_cnn")


def exact_float_model(network: Network) -> torch.nn.Sequential:
    """Return a torch model whose weights and biases are exactly those of the integer network."""
    layers: list[torch.nn.Module] = []
    for layer in network.layers:
        x = network.input_types(layer)[0]
        match layer:
            case Conv():
                n_outputs, n_inputs, *kernel = layer.weight.shape
                conv: Any = torch.nn.Conv2d(n_inputs, n_outputs, (kernel[0], kernel[1]))
                conv.stride = layer.stride
                conv.padding = tuple(before for before, _ in layer.padding)
                layers.append(_with_weights(conv, layer, x.scale))
                layers.append(torch.nn.ReLU())
            case MaxPool():
                layers.append(torch.nn.MaxPool2d(layer.kernel, layer.stride))
            case Reshape():
                layers.append(torch.nn.Flatten())
            case Dense():
                linear = torch.nn.Linear(*reversed(layer.weight.shape))
                layers.append(_with_weights(linear, layer, x.scale))
            case _:
                raise SystemExit(f"layer {layer.label}: {layer.kind} is not in this comparison")
    return torch.nn.Sequential(*layers).eval()


def _with_weights(module: Any, layer: Conv | Dense, input_scale: float) -> Any:
    step = layer.output.scale / 2.0**layer.requantise.shift
    requantise, n_outputs = layer.requantise, len(layer.weight)
    multiplier = requantise.multiplier.reshape(-1, *(1,) * (layer.weight.ndim - 1))
    weight = layer.weight * multiplier * step / input_scale
    bias = np.broadcast_to(requantise.bias.reshape(-1), n_outputs) * step
    module.weight.data = torch.tensor(weight, dtype=torch.float32)
    module.bias.data = torch.tensor(bias, dtype=torch.float32)
    return module


def peer_config(network: Network, model: torch.nn.Sequential, strategy: str) -> dict[str, Any]:
    """Return hls4ml's configuration with every precision set to what the integers need."""
    import hls4ml

    config = hls4ml.utils.config_from_pytorch_model(
        model,
        network.input.shape,
        granularity="name",
        backend="Vitis",
        channels_last_conversion="internal",
    )
    config["Model"]["Strategy"] = strategy
    names, x = list(config["LayerName"]), network.input
    precisions = [{"result": tensor_type(x.bits, x.signed, x.scale)}]
    modules = iter(model)
    for layer in network.layers:
        precisions += _precisions(network, layer, next(modules))
        if isinstance(layer, Conv):
            next(modules)
    for name, precision in zip(names, precisions, strict=True):
        config["LayerName"][name]["Precision"] = precision
        config["LayerName"][name]["Strategy"] = strategy
    return dict(config)


def _precisions(network: Network, layer: Layer, module: Any) -> list[dict[str, str]]:
    """Return the types of a layer, and of its ReLU behind a convolution."""
    y = layer.output
    if not isinstance(layer, Conv | Dense):
        return [{"result": tensor_type(y.bits, y.signed, y.scale)}]
    exact = accumulator_type(network, layer)
    rounded = tensor_type(y.bits, y.signed, y.scale, ",AP_RND,AP_SAT")
    weight, bias = module.weight.detach().numpy(), module.bias.detach().numpy()
    types = {
        "weight": fixed_type(weight, lowest_step(weight)),
        "bias": fixed_type(bias, lowest_step(bias)),
        "accum": exact,
    }
    if isinstance(layer, Conv):
        return [{**types, "result": exact}, {"result": rounded}]
    return [{**types, "result": rounded}]


def measure_peer(
    network: Network,
    x: np.ndarray[Any, Any],
    expected: np.ndarray[Any, Any],
    folder: Path,
    io_type: str,
    strategy: str,
) -> dict[str, float]:
    """Return what ``measure_ours`` does of hls4ml."""
    import hls4ml

    def compiled() -> Any:
        model = exact_float_model(network)
        project = hls4ml.converters.convert_from_pytorch_model(
            model,
            hls_config=peer_config(network, model, strategy),
            output_dir=str(folder),
            backend="Vitis",
            io_type=io_type,
            part=PART,
        )
        project.compile()
        return project

    with contextlib.redirect_stdout(io.StringIO()):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole, project = cpu_seconds(compiled)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        real = np.ascontiguousarray(np.moveaxis(x, 1, -1) * network.input.scale, dtype=np.float32)
        seconds, y = cpu_seconds(lambda: project.predict(real))
    compiler = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    unequal = float(np.mean(y.reshape(expected.shape) != network.dequantise(expected)))
    return {"compile": compiler, "whole": whole, "rate": len(x) / seconds, "unequal": unequal}


def measure_ours(
    network: Network, x: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], folder: Path
) -> dict[str, float]:
    """Return CPU seconds of the compiler and of all from network to program, and the rate.

    ``rate``: samples per CPU second; ``unequal``: share of outputs that are not the ``expected``.
    """

    def compiled() -> float:
        project = bitfpga.build(network).write(folder)
        return simulate(project, network, x[:1]).compile_cpu_seconds

    whole, compiler = cpu_seconds(compiled)
    seconds, result = cpu_seconds(lambda: simulate(folder, network, x))
    assert not result.compiled
    unequal = float(np.mean(result.y != expected))
    return {"compile": compiler, "whole": whole, "rate": len(x) / seconds, "unequal": unequal}


def compare(network: Network, samples: int, peer_samples: int, repeats: int) -> dict[str, Any]:
    """Return medians over ``repeats`` alternating measurements, and the two ratios."""
    rng = np.random.default_rng(1)
    x = rng.integers(network.input.low, network.input.high + 1, (samples, *network.input.shape))
    x = x.astype(network.input.dtype)
    expected = bitfpga.run(network, x)
    runs: dict[str, list[dict[str, float]]] = {"bitfpga": []}
    with tempfile.TemporaryDirectory() as scratch:
        for i in range(repeats):
            folder = Path(scratch) / f"ours{i}"
            runs["bitfpga"].append(measure_ours(network, x, expected, folder))
            part, answers = x[:peer_samples], expected[:peer_samples]
            for peer in PEERS:
                folder = Path(scratch) / "_".join((*peer, str(i)))
                found = measure_peer(network, part, answers, folder, *peer)
                runs.setdefault("hls4ml " + " ".join(peer), []).append(found)
    tools: dict[str, Any] = {}
    for tool, found_runs in runs.items():
        tools[tool] = {
            key: statistics.median(run[key] for run in found_runs) for key in found_runs[0]
        }
        tools[tool]["unequal"] = max(run["unequal"] for run in found_runs)
        tools[tool]["rates"] = sorted(run["rate"] for run in found_runs)
    ours, *peers = tools.values()
    return {
        "tools": tools,
        "compile_ratio": ours["compile"] / min(peer["compile"] for peer in peers),
        "rate_ratio": ours["rate"] / max(peer["rate"] for peer in peers),
        "digits_per_weight": bitfpga.build(network).schedule.digits_per_weight,
    }


def main() -> None:
    """Measure and print a Markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, help="a .bitfpga file; default: seeded, untrained")
    parser.add_argument("--samples", type=int, default=200_000)
    parser.add_argument("--peer-samples", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    network = Network.load(options.network) if options.network else digits_network()
    result = compare(network, options.samples, options.peer_samples, options.repeats)
    if options.json:
        print(json.dumps(result, indent=1))
        return
    header = ["tool", "compiler, CPU s", "network to program, CPU s"]
    header += ["samples per CPU s, median", "all runs", "exact"]
    rows = [
        [
            tool,
            f"{found['compile']:.2f}",
            f"{found['whole']:.2f}",
            f"{found['rate']:,.0f}",
            " ".join(f"{rate:,.0f}" for rate in found["rates"]),
            f"NO: {found['unequal']:.2%} unequal" if found["unequal"] else "yes",
        ]
        for tool, found in result["tools"].items()
    ]
    print(machine_line())
    print(markdown_table(header, rows))
    print(
        f"compiler {result['compile_ratio']:.3f}x (aim <= {COMPILE_TARGET}), samples per CPU "
        f"second {result['rate_ratio']:.0f}x (aim >= {RATE_TARGET:.0f}), each against the best "
        f"of the peer's settings; {result['digits_per_weight']:.2f} digits per weight"
    )


if __name__ == "__main__":
    main()
