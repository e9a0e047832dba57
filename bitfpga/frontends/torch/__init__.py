"""torch models into ``Network``; the only user of torch outside ``bitfpga.prune``."""

from bitfpga.frontends.torch.convert import from_torch
from bitfpga.frontends.torch.fake import fake_quantised

__all__ = ["fake_quantised", "from_torch"]
