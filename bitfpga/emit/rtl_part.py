"""What every process of the pipeline becomes: a module, its parameters, and its tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from bitfpga.emit.rtl_words import Parameter


@dataclass(frozen=True, eq=False)
class Rom:
    """A table beside a process that reads it: ``words`` of ``bits`` bits, in LUTs or block RAM."""

    bits: int
    words: tuple[int, ...]
    in_luts: bool


@dataclass(frozen=True, eq=False)
class Feed:
    """Tap rows from memory: ``parameters`` of ``tap_feed.v`` and a tile's ``rows``, raw uint64."""

    parameters: dict[str, Parameter]
    rows: bytes


@dataclass(frozen=True, eq=False)
class Part:
    """One process as an instance of ``module``.

    ``data``: tables (the text of hex files) by the short names that file parameters hold.
    ``in_lanes``: lanes that the module wants of each input, 0 where it takes them as they are.
    ``roms``, ``feed``: the tap rows of its PEs, if it has any, on chip or from memory.
    ``one_read``: one wire reads all inputs.
    """

    module: str
    parameters: dict[str, Parameter]
    data: dict[str, bytes] = field(default_factory=dict)
    in_lanes: int = 0
    one_read: bool = False
    roms: tuple[Rom, ...] = ()
    feed: Feed | None = None
