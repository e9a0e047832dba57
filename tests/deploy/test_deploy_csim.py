"""A deployed bundle runs its C simulation: with numpy alone, without a site, on an old Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bitfpga_runtime import Accelerator, BundleError, DeviceError, InputError, TimeoutFault
from cli_runs import cli, small_mlp
from conv_nets import conv_net
from old_pythons import oldest_python

from bitfpga import Network, run
from bitfpga.errors import ToolError
from bitfpga.project import build
from bitfpga.tools import find_cxx

try:
    find_cxx()
except ToolError:
    pytest.skip("needs a C++ compiler", allow_module_level=True)


@pytest.fixture(scope="module")
def network() -> Network:
    return small_mlp()


@pytest.fixture(scope="module")
def bundle(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csim")
    build(network).write(folder / "p")
    assert cli("deploy", folder / "p", "-o", folder / "b").code == 0
    return folder / "b"


@pytest.fixture
def accelerator(bundle: Path) -> Iterator[Accelerator]:
    with Accelerator(bundle, "csim", timeout_s=60.0) as accelerator:
        yield accelerator


def inputs(network: Network, n: int) -> Any:
    x = network.input
    return np.random.default_rng(n).integers(x.low, x.high, (n, *x.shape), endpoint=True)


@pytest.mark.parametrize("n", [0, 1, 2, 333])
def test_results_equal_the_reference(accelerator: Accelerator, network: Network, n: int) -> None:
    x = inputs(network, n)
    y = accelerator.predict(x)
    assert y.dtype == network.output.dtype
    np.testing.assert_array_equal(y, run(network, x))


def test_real_numbers_go_the_way_of_the_project(accelerator: Accelerator, network: Network) -> None:
    x = np.random.default_rng(3).normal(0, 1.3, (77, 11))
    y = run(network, network.quantise(x))
    expected = network.dequantise(y)
    np.testing.assert_array_equal(accelerator.predict(x), expected)
    np.testing.assert_array_equal(accelerator.predict_async(x).result(60), expected)
    np.testing.assert_array_equal(accelerator.quantise(x), network.quantise(x))
    np.testing.assert_array_equal(accelerator.dequantise(y), expected)


def test_batches_are_split_and_calls_grow_while_they_are_fast(
    network: Network, bundle: Path
) -> None:
    for most in (256, 64):
        with Accelerator(bundle, "csim", timeout_s=60.0) as accelerator:
            backend: Any = accelerator._backend
            run_program = backend.run
            sizes = []

            def run_and_note(x: Any, y: Any, sizes: Any = sizes, real: Any = run_program) -> Any:
                sizes.append(len(x))
                return real(x, y)

            backend.run = run_and_note
            backend._bundle = bundle_of_at_most(backend._bundle, most)
            x = inputs(network, 700)
            np.testing.assert_array_equal(accelerator.predict(x), run(network, x))
        assert sizes == ([64, 128, 256, 252] if most == 256 else [64] * 10 + [60])


def bundle_of_at_most(bundle: Any, most: int) -> Any:
    return bundle._replace(interface=bundle.interface._replace(max_samples=most))


def test_self_test_throughput_validate_and_power(
    accelerator: Accelerator, network: Network
) -> None:
    assert accelerator.self_test() == 16
    result = accelerator.throughput_test(n=7)
    assert result.n_samples == 7
    assert min(result.phases.values()) > 0
    x = inputs(network, 9)
    y = run(network, x)
    assert accelerator.validate(x, y).n_right == 9
    assert accelerator.validate(x, y.argmax(axis=1)).accuracy == 1.0
    y[4, 1] ^= 1
    assert "sample 4, index (1,)" in accelerator.validate(x, y).difference
    with pytest.raises(DeviceError, match="no sensors"):
        accelerator.power()


def test_nothing_is_left_behind_and_closed_is_closed(bundle: Path, network: Network) -> None:
    accelerator = Accelerator(bundle, "csim")
    folder = Path(accelerator._backend._scratch.name)  # type: ignore[union-attr]
    accelerator.predict(inputs(network, 2))
    assert folder.is_dir()
    accelerator.close()
    accelerator.close()
    assert not folder.exists()
    with pytest.raises(DeviceError, match="was closed"):
        accelerator.self_test()


def test_it_compiles_once(bundle: Path) -> None:
    Accelerator(bundle, "csim").close()
    [program] = (bundle / "csim" / "build").glob("*/simulate")
    before = program.stat().st_mtime_ns
    Accelerator(bundle, "csim").close()
    assert [program] == list((bundle / "csim" / "build").glob("*/*"))
    assert program.stat().st_mtime_ns == before


@pytest.fixture
def copied(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


def test_a_changed_source_is_refused(copied: Path) -> None:
    with (copied / "csim" / "network.hpp").open("a") as stream:
        stream.write("// more\n")
    with pytest.raises(BundleError, match=r"network\.hpp is not the file that was deployed"):
        Accelerator(copied, "csim")


def fake_compiler(folder: Path, body: str) -> str:
    path = folder / "fake-g++"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo fake; exit 0; fi\n{body}\n')
    path.chmod(0o755)
    return str(path)


def test_a_compiler_that_fails_is_told_and_leaves_nothing(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", fake_compiler(tmp_path, "echo 'bad code' >&2; exit 3"))
    with pytest.raises(DeviceError, match=r"(?s)ended with code 3.*\| bad code"):
        Accelerator(copied, "csim")
    monkeypatch.setenv("CXX", fake_compiler(tmp_path, ":"))
    with pytest.raises(DeviceError, match="ended with code 0 and made no program"):
        Accelerator(copied, "csim")
    left = {p for p in (copied / "csim" / "build").glob("*/*")}
    monkeypatch.delenv("CXX")
    assert all(p.name == "simulate" for p in left)  # that of the true compiler, copied
    with Accelerator(copied, "csim") as accelerator:
        assert accelerator.self_test() == 16


def test_no_compiler_is_told(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "g++ '")
    with pytest.raises(DeviceError, match=r"CXX=.* is no command \(No closing quotation\)"):
        Accelerator(copied, "csim")
    monkeypatch.setenv("CXX", "no-such-compiler -x")
    with pytest.raises(DeviceError, match=r"no working C\+\+ compiler .*CXX='no-such-compiler -x'"):
        Accelerator(copied, "csim")
    monkeypatch.setenv("CXX", "")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeviceError, match=r"g\+\+, clang\+\+ and c\+\+ on PATH"):
        Accelerator(copied, "csim")


@pytest.mark.parametrize(
    ("body", "fault", "words"),
    [
        ("exit 5", DeviceError, r"ended with code 5"),
        ("printf abc > y.bin", DeviceError, r"gave 3 values, not 10"),
        ("exec sleep 60", TimeoutFault, r"of 2 samples did not end within 0\.3 s"),
        ("kill -SEGV $$", DeviceError, r"ended with code -11"),
    ],
)
def test_a_simulation_that_fails_is_told(
    copied: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    fault: type[Exception],
    words: str,
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    compile_it = f'while [ "$1" != -o ]; do shift; done; cp {program} "$2"'
    monkeypatch.setenv("CXX", fake_compiler(tmp_path, compile_it))
    with Accelerator(copied, "csim", timeout_s=0.3) as accelerator:
        with pytest.raises(fault, match=words):
            accelerator.predict(np.zeros((2, 11), int))


def test_a_bundle_that_cannot_be_written_is_compiled_elsewhere(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copied / "csim" / "build", ignore_errors=True)
    (copied / "csim" / "build").write_text("a file, so that no folder can be made")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with Accelerator(copied, "csim") as accelerator:
        assert accelerator.self_test() == 16
    own = tmp_path / f"bitfpga-csim-{os.getuid()}"
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    with pytest.raises(DeviceError, match="is not this user's own folder"):
        Accelerator(copied, "csim")
    monkeypatch.undo()
    tempfile.tempdir = None


def test_a_convolution_with_streams_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 0)
    network = conv_net(5)
    project = build(network)
    assert "hls/taps.bin" in project.files
    project.write(tmp_path / "p")
    assert cli("deploy", tmp_path / "p", "-o", tmp_path / "b").code == 0
    x = inputs(network, 5)
    with Accelerator(tmp_path / "b", "csim", timeout_s=60.0) as accelerator:
        np.testing.assert_array_equal(accelerator.predict(x), run(network, x))
        with pytest.raises(InputError, match="input shape"):
            accelerator.predict(x[:, 0])


ALONE = """
import runpy, sys
sys.dont_write_bytecode = True
sys.path[:0] = [sys.argv[1]]
sys.argv = sys.argv[2:]
assert "site" not in sys.modules
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    assert "bitfpga" not in sys.modules and "pynq" not in sys.modules
"""


def only_numpy(folder: Path, python: str) -> Path:
    """Return a folder from which nothing but that Python's numpy can be imported."""
    code = "import numpy; print(numpy.__file__)"
    ran = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    package = Path(ran.stdout.strip()).parent
    folder.mkdir()
    for path in (package, package.parent / "numpy.libs"):
        if path.is_dir():
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("old", [False, True])
def test_numpy_is_all_it_needs(bundle: Path, network: Network, tmp_path: Path, old: bool) -> None:
    python = oldest_python("numpy") if old else sys.executable
    if python is None:
        pytest.skip("no older Python with numpy; 'make setup-test' makes .venv/old")
    site = only_numpy(tmp_path / "site", python)
    x = inputs(network, 13)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", run(network, x))
    y = run(network, x).astype(np.int64)
    y[12, 0] += 1
    np.save(tmp_path / "wrong.npy", y)

    def validate(*arguments: Any) -> tuple[int, str, str]:
        ran = subprocess.run(
            [python, "-I", "-S", "-c", ALONE, site, bundle / "validate.py", "--csim", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout, ran.stderr

    golden = "self test: 16 golden samples equal, bit for bit\n"
    assert validate() == (0, golden, "")
    code, out, err = validate("--x", "x.npy", "--y", "y.npy")
    assert (code, err) == (0, "")
    assert out == golden + "x.npy against y.npy: 13 of 13 samples equal bit for bit (100.00 %)\n"
    code, out, _ = validate("--x", "x.npy", "--y", "wrong.npy")
    assert code == 1
    assert "first difference: sample 12, index (0,)" in out
    assert validate("--x", "x.npy")[0] == 2
    code, out, err = validate("--x", "none.npy", "--y", "y.npy")
    assert (code, out) == (1, "")
    assert err.startswith("error: none.npy: ")
