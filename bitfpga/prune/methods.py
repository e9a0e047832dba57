"""The methods by name."""

from __future__ import annotations

from bitfpga.errors import PruneError
from bitfpga.prune.bbs_method import Bbs
from bitfpga.prune.bit_pruning import BitPruning, WeightPruning
from bitfpga.prune.bitlength import BitLength
from bitfpga.prune.bitpruner import BitPruner
from bitfpga.prune.method import Method

METHODS: dict[str, type[Method]] = {
    method.name: method for method in (Method, BitPruning, WeightPruning, BitLength, BitPruner, Bbs)
}


def method_named(method: str | Method) -> Method:
    """Return the method of a name, with its defaults, or the instance given, checked."""
    if isinstance(method, str):
        if method not in METHODS:
            raise PruneError(f"method {method!r}: known are {', '.join(METHODS)}")
        return METHODS[method]()
    if not isinstance(method, Method):
        raise PruneError(f"method is a {type(method).__name__}: give a name or a Method")
    method.check()
    return method
