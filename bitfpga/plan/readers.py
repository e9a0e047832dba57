"""Who reads each tensor. A reshape is only wiring: its readers read its input."""

from __future__ import annotations

from bitfpga.ir import INPUT, Layer, Network

Reader = tuple[Layer | None, int]


def tensor_readers(network: Network) -> dict[str, list[Reader]]:
    """Return, for each tensor that is written, its readers as (layer, which of its inputs).

    The network's own output reads the last tensor as (None, 0).
    """
    alias = {INPUT: INPUT}
    readers: dict[str, list[Reader]] = {INPUT: []}
    for layer in network.layers:
        sources = [alias[name] for name in layer.inputs]
        if layer.kind == "reshape":
            alias[layer.name] = sources[0]
            continue
        alias[layer.name] = layer.name
        readers[layer.name] = []
        for position, source in enumerate(sources):
            readers[source].append((layer, position))
    readers[alias[network.layers[-1].name]].append((None, 0))
    return readers


def fork_cycles(network: Network) -> dict[str, int]:
    """Return the cycles of copying each tensor that has not exactly one reader: one row a cycle."""
    return {
        name: network.types[name].size + 1
        for name, uses in tensor_readers(network).items()
        if len(uses) != 1
    }
