"""The intermediate representation: ``Network`` and its layers. It imports nothing but errors."""

from bitfpga.ir.file import network_bytes
from bitfpga.ir.groups import (
    GROUP_MODES,
    ROUNDED_AVERAGING,
    ZERO_POINT_SHIFTING,
    BitGroups,
)
from bitfpga.ir.layers import (
    LAYER_KINDS,
    Add,
    AvgPool,
    Concat,
    Conv,
    Dense,
    Layer,
    MaxPool,
    Mean,
    Pad,
    Reshape,
    Scale,
    Slice,
    Table,
    Transpose,
)
from bitfpga.ir.network import INPUT, Network, TestVectors, check_batch
from bitfpga.ir.ranges import accumulator_range
from bitfpga.ir.tensors import IntArray, Requantise, TensorType

__all__ = [
    "GROUP_MODES",
    "INPUT",
    "LAYER_KINDS",
    "ROUNDED_AVERAGING",
    "ZERO_POINT_SHIFTING",
    "Add",
    "AvgPool",
    "BitGroups",
    "Concat",
    "Conv",
    "Dense",
    "IntArray",
    "Layer",
    "MaxPool",
    "Mean",
    "Network",
    "Pad",
    "Requantise",
    "Reshape",
    "Scale",
    "Slice",
    "Table",
    "TensorType",
    "TestVectors",
    "Transpose",
    "accumulator_range",
    "check_batch",
    "network_bytes",
]
