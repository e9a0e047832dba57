"""The elaborated design as distinct blocks: what each holds, and the text to map some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bitfpga.synth.rtlil import (
    Module,
    below,
    content,
    content_key,
    instances,
    outline,
    read_modules,
    renamed,
    top_cells,
)

# Modules that are mapped once in a block, and stay whole: a layer's PEs are all alike. Everything
# else is dissolved into its block, which costs less time and area than keeping it.
KEPT = ("pe",)
BATCH_CHARS = 250_000
TOP = "\\bitfpga_top"


@dataclass(frozen=True)
class Block:
    """A module that stands in the top module, or the top module without them (its children black).

    ``key``: of its content, tool and commands. ``inner``: the modules inside, by name.
    """

    module: Module
    inner: tuple[Module, ...]
    key: str
    size: int

    def origin(self, instance: str) -> str:
        """Return the Verilog's name of the module; of a layer's, that of the layer's process."""
        origins = {module.name: module.origin for module in self.inner}
        for kind, name in self.module.cells:
            if name == f"\\{instance}" and kind in origins:
                return origins[kind]
        return self.module.origin

    def text(self, name: str) -> str:
        """Return the block's own module, to be mapped under another name."""
        return renamed(self.module, name, ("keep_hierarchy",))


@dataclass(frozen=True)
class Design:
    """The top module's instances as (name, module), the block of each module, and the rest.

    ``outer``: what the modules are called where blocks are joined again, and in the rest.
    """

    instances: tuple[tuple[str, str], ...]
    blocks: Mapping[str, Block]
    rest: Block
    outer: Mapping[str, str]


def cut(elaborated: str, recipe: str) -> Design:
    """Return the blocks of an elaborated design. ``recipe`` stands for tool and commands."""
    modules = read_modules(elaborated)
    found = tuple(top_cells(modules, TOP))
    outer: dict[str, str] = {}
    blocks: dict[str, Block] = {}
    for _, kind in found:
        if kind not in blocks:
            outer[kind] = f"\\outer{len(outer)}"
            blocks[kind] = _block(modules, kind, recipe)
    return Design(found, blocks, _rest(modules, outer, recipe), outer)


def batches(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Yield the blocks in runs of Yosys: small ones together, since a run alone takes seconds."""
    batch: list[Block] = []
    for block in sorted(blocks, key=lambda block: block.size):
        if batch and sum(one.size for one in batch) + block.size > BATCH_CHARS:
            yield batch
            batch = []
        batch.append(block)
    if batch:
        yield batch


def batch_text(batch: Sequence[Block]) -> str:
    """Return the text to map: the blocks as ``block0`` and so on, and what is inside them."""
    names = [f"\\block{i}" for i in range(len(batch))]
    inner = {module.name: module for block in batch for module in block.inner}
    texts = [
        renamed(module, module.name, ("keep_hierarchy", "bitfpga_inner"))
        if module.origin in KEPT
        else module.text
        for module in inner.values()
    ]
    texts += [block.text(name) for block, name in zip(batch, names, strict=True)]
    cells = {f"\\one{i}": name for i, name in enumerate(names)}
    return "".join(texts) + instances(cells, "\\bitfpga_blocks")


def whole_text(design: Design, netlist: Mapping[str, str]) -> str:
    """Return all blocks joined to one netlist, its top ``bitfpga_whole``.

    ``netlist``: by key, the text of each mapped block, whose module is called ``block``.
    """
    texts = [_called(netlist[design.rest.key], "\\bitfpga_whole")]
    texts += [
        _called(netlist[block.key], design.outer[kind]) for kind, block in design.blocks.items()
    ]
    return "".join(texts)


def _block(modules: Mapping[str, Module], kind: str, recipe: str) -> Block:
    names = below(modules, kind)
    text = content(modules, names)
    inner = tuple(modules[name] for name in names[1:])
    return Block(modules[kind], inner, content_key(recipe, text), len(text))


def _rest(modules: Mapping[str, Module], outer: Mapping[str, str], recipe: str) -> Block:
    """Return the top module with black boxes instead of what stands in it."""
    text = modules[TOP].text
    for kind, name in outer.items():
        text = text.replace(f"  cell {kind} ", f"  cell {name} ")
    top = Module(TOP, text, modules[TOP].cells)
    boxes = tuple(
        Module(name, renamed(Module(kind, outline(modules[kind]), ()), name), ())
        for kind, name in outer.items()
    )
    everything = {module.name: module for module in (top, *boxes)}
    plain = content(everything, list(everything))
    return Block(top, boxes, content_key(recipe, plain), len(plain))


def _called(text: str, name: str) -> str:
    return text.replace("module \\block\n", f"module {name}\n", 1)
