"""torch models into ``Network``; the only user of torch outside ``bitfpga.prune``."""

from bitfpga.frontends.torch.convert import from_torch
from bitfpga.frontends.torch.fake import fake_quantised
from bitfpga.frontends.torch.seam import IntegerWeights, fake_quantise

__all__ = ["IntegerWeights", "fake_quantise", "fake_quantised", "from_torch"]
