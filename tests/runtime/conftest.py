"""The board that the runtime's tests open bundles on. Python 3.8, like all of this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from bitfpga_runtime import Accelerator
from fake_pynq import FakeDevice, fake_pynq
from runtime_bundles import write_bundle

KINDS = ("m_axi", "axi_dma")
if TYPE_CHECKING:
    Opener = Callable[..., Accelerator]


@pytest.fixture
def device(tmp_path: Path) -> FakeDevice:
    return FakeDevice(f"fake-{tmp_path.name}-{os.getpid()}")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path, kind: str, device: FakeDevice) -> Iterator[Opener]:
    """Return a function that opens a bundle; whatever it opened leaves no buffer behind."""
    made = []

    def open_bundle(version: str = "3.0.1", timeout_s: float = 0.05, **changes: Any) -> Accelerator:
        manifest = write_bundle(tmp_path / "b", kind, **changes)
        sys.modules["pynq"] = fake_pynq(manifest, version)
        accelerator = Accelerator(tmp_path / "b", device, timeout_s=timeout_s)
        made.append(accelerator)
        return accelerator

    with mock.patch.dict(sys.modules):
        yield open_bundle
        for accelerator in made:
            accelerator.close()
    assert device.buffers == {}
