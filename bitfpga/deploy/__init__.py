"""A project to a bundle: the folder that goes to the board, and a way to get it there."""

from bitfpga.deploy.bundle import Bundle, make_bundle
from bitfpga.deploy.copying import copy_to

__all__ = ["Bundle", "copy_to", "make_bundle"]
