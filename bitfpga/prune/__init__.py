"""Bit pruning: training (or rounding) that leaves weights with few non-zero bits."""

from bitfpga.prune import energy, plot
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.bbs import CONSERVATIVE, MODERATE, BbsConfig, effective_bits
from bitfpga.prune.bbs_method import Bbs, bbs
from bitfpga.prune.bbs_pe import effectual_bits
from bitfpga.prune.bbs_store import EncodedWeights
from bitfpga.prune.bbs_store import decode as unpack_bbs
from bitfpga.prune.bbs_store import encode as pack_bbs
from bitfpga.prune.bit_pruning import BitPruning, WeightPruning
from bitfpga.prune.bitlength import BitLength, bit_lengths
from bitfpga.prune.bitpruner import BitPruner
from bitfpga.prune.bitpruner_budget import bit_sparsity
from bitfpga.prune.bitpruner_search import lockstep_mean, search_budgets
from bitfpga.prune.checkpoint import load, save
from bitfpga.prune.fit import fit
from bitfpga.prune.grid import IntegerWeights, fake_quantise
from bitfpga.prune.history import History
from bitfpga.prune.layers import PrunedLayer, pruned_layers
from bitfpga.prune.loop import advance, finish, parameter_groups, penalty, step
from bitfpga.prune.method import Method
from bitfpga.prune.prepare import prepare
from bitfpga.prune.summary import Summary, summary

__all__ = [
    "CONSERVATIVE",
    "MODERATE",
    "ActivationQuantiser",
    "Bbs",
    "BbsConfig",
    "BitLength",
    "BitPruner",
    "BitPruning",
    "EncodedWeights",
    "History",
    "IntegerWeights",
    "Method",
    "PrunedLayer",
    "Summary",
    "WeightPruning",
    "advance",
    "bbs",
    "bit_lengths",
    "bit_sparsity",
    "effective_bits",
    "effectual_bits",
    "energy",
    "fake_quantise",
    "finish",
    "fit",
    "load",
    "lockstep_mean",
    "pack_bbs",
    "parameter_groups",
    "penalty",
    "plot",
    "prepare",
    "pruned_layers",
    "save",
    "search_budgets",
    "step",
    "summary",
    "unpack_bbs",
]
