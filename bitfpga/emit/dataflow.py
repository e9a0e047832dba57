"""The schedule's layers as memories and calls: who writes what, who reads it.

In an HLS dataflow region a memory has one writer and one reader, so every (layer, input) pair
owns a memory, and a tensor that several layers read passes through a fork. A reshape moves
nothing: its readers read its input.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.ir import INPUT, Layer, Network, TensorType
from bitfpga.plan import Schedule, tensor_readers

OUTPUT_CONFIG, OUTPUT_MEMORY = "Output", "memory_output"


@dataclass(frozen=True)
class Memory:
    """One activation memory: rows of the type ``config`` takes, one copy for each PE."""

    name: str
    config: str
    n_rows: int
    n_copies: int


@dataclass(frozen=True)
class Call:
    """One process of the dataflow region: ``function<template_arguments>(arguments)``.

    ``writes`` is the memory whose content is layer ``layer``'s output (for the trace), if any.
    """

    function: str
    arguments: tuple[str, ...]
    layer: str
    writes: str


@dataclass(frozen=True)
class Dataflow:
    """Memories and calls in the order they run; ``source`` is the memory the input goes to."""

    memories: tuple[Memory, ...]
    calls: tuple[Call, ...]
    source: str
    source_calls: tuple[Call, ...]


def input_memory(layer: Layer | None, position: int) -> str:
    """Return the name of the memory that ``layer`` reads as input ``position``."""
    return OUTPUT_MEMORY if layer is None else f"memory{position}_{layer.name}"


def build_dataflow(network: Network, schedule: Schedule) -> Dataflow:
    """Return the memories and calls of ``network`` as ``schedule`` folds it."""
    readers = tensor_readers(network)
    folded = {layer.name: layer for layer in schedule.layers}
    memories: list[Memory] = []
    forks: dict[str, Call] = {}
    writes: dict[str, str] = {}
    for tensor, uses in readers.items():
        n_rows = network.types[tensor].size + 1
        for layer, position in uses:
            copies = folded[layer.name].n_pes if layer is not None else 0
            config = OUTPUT_CONFIG if layer is None else f"Layer_{layer.name}"
            memories.append(Memory(input_memory(layer, position), config, n_rows, max(copies, 1)))
        names = [input_memory(*use) for use in uses]
        if len(names) == 1:
            writes[tensor] = names[0]
        else:
            writes[tensor] = f"memory_all_{tensor}"
            memories.append(Memory(writes[tensor], f"Tensor_{tensor}", n_rows, 1))
            forks[tensor] = Call("bitfpga::fork", (writes[tensor], *names), tensor, "")
    calls: list[Call] = []
    for layer in network.layers:
        if layer.kind == "reshape":
            continue
        calls.append(_layer_call(layer, folded[layer.name].source, writes[layer.name]))
        calls += [forks[layer.name]] if layer.name in forks else []
    source_calls = (forks[INPUT],) if INPUT in forks else ()
    return Dataflow(tuple(memories), tuple(calls), writes[INPUT], source_calls)


def forked_tensors(network: Network) -> tuple[tuple[str, TensorType], ...]:
    """Return the tensors that several layers read."""
    readers = tensor_readers(network)
    return tuple((name, network.types[name]) for name, uses in readers.items() if len(uses) != 1)


def _layer_call(layer: Layer, source: str, output: str) -> Call:
    name = layer.name
    inputs = tuple(input_memory(layer, i) for i in range(len(layer.inputs)))
    types = f"Types, Layer_{name}"
    if layer.kind == "dense" and source == "memory":
        arguments = (*inputs, f"taps + Layer_{name}::kTapOffset", f"finished_{name}")
        arguments += (f"scale_{name}", f"pruned_{name}", output)
        return Call(f"bitfpga::dense_from_memory<{types}>", arguments, name, output)
    if layer.kind == "dense":
        arrays = tuple(
            f"{part}_{name}" for part in ("words", "n_words", "finished", "scale", "pruned")
        )
        return Call(f"bitfpga::dense<{types}>", (*inputs, *arrays, output), name, output)
    if layer.kind == "scale":
        arguments = (*inputs, f"scale_{name}", output)
        return Call(f"bitfpga::scale_elements<{types}>", arguments, name, output)
    if layer.kind == "table":
        arguments = (*inputs, f"table_{name}", output)
        return Call(f"bitfpga::look_up<Layer_{name}>", arguments, name, output)
    if layer.kind == "add":
        arguments = (f"weights_{name}", f"scale_{name}", output, *inputs)
        return Call(f"bitfpga::add_elements<{types}>", arguments, name, output)
    arguments = (f"source_{name}", output, *inputs)
    return Call("bitfpga::move_elements", arguments, name, output)
