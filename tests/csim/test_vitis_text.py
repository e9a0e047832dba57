"""What Vitis' tools see of a project, with small stand-ins for their headers in its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from foldings import any_schedule
from hostile_maps import HOSTILE_MAPS
from mlps import mlp

from bitfpga.csim import ap_int_headers
from bitfpga.errors import ToolError
from bitfpga.interface import Kind
from bitfpga.project import emit
from bitfpga.project_folder import read_interface
from bitfpga.tools import Completed, find_cxx, run_tool

HLS_STREAM = """
#pragma once
#include <deque>
namespace hls {
template <class T>
class stream {
 public:
  T read() { T value = queue.front(); queue.pop_front(); return value; }
  void write(const T& value) { queue.push_back(value); }
  bool empty() { return queue.empty(); }
  bool full() { return false; }
 private:
  std::deque<T> queue;
};
}
"""
AP_AXI_SDATA = """
#pragma once
#include <ap_int.h>
template <int D, int U, int TI, int TD>
struct ap_axiu {
  static_assert(U == 0 && TI == 0 && TD == 0, "no other side channels");
  ap_uint<D> data;
  ap_uint<D / 8> keep;
  ap_uint<D / 8> strb;
  ap_uint<1> last;
};
"""
# The headers of ap_int use, for synthesis, what only Vitis' compiler knows.
SYNTHESIS = "#include <ap_int.h>\n#define __SYNTHESIS__ 1\n"
LIMIT_S = 300.0


@pytest.fixture
def stubs(tmp_path: Path) -> list[str | Path]:
    """Return the flags that find the stand-ins and the ap_int headers."""
    if not find_cxx().builds_ap_int:
        pytest.skip("the ap_int headers do not compile with this compiler")
    try:
        headers = ap_int_headers()
    except ToolError as error:
        pytest.skip(str(error))
    folder = tmp_path / "stubs"
    folder.mkdir()
    (folder / "hls_stream.h").write_text(HLS_STREAM)
    (folder / "ap_axi_sdata.h").write_text(AP_AXI_SDATA)
    (folder / "synthesis.hpp").write_text(SYNTHESIS)
    return ["-isystem", folder, "-isystem", headers]


def settings(hls: Path, key: str) -> list[str]:
    """Return every value of ``key`` in ``hls_config.cfg``."""
    lines = (hls / "hls_config.cfg").read_text("utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def written(kind: str, folder: Path, *, in_memory: bool = False, black_boxes: bool = False) -> Path:
    """Return the ``hls/`` of a small project with blocks of 2 samples."""
    network = HOSTILE_MAPS["shortcuts_that_shrink"]() if black_boxes else mlp((7, 5, 3))
    schedule = any_schedule(network, n_samples=2, in_memory=in_memory)
    project = emit(network, schedule, interface=kind, black_boxes=black_boxes)
    return project.write(folder) / "hls"


@pytest.mark.parametrize("black_boxes", [False, True], ids=["hls", "black_boxes"])
@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_synthesis_sees_text_that_compiles(
    kind: str, black_boxes: bool, stubs: list[str | Path], tmp_path: Path
) -> None:
    hls = written(kind, tmp_path / "p", in_memory=not black_boxes, black_boxes=black_boxes)
    (flags,) = settings(hls, "syn.cflags")
    (source,) = settings(hls, "syn.file")
    taps = "" if black_boxes else "const uint64_t*, "
    arrays = {
        "m_axi": "const network::input_t*, network::output_t*",
        "axi_dma": "hls::stream<ap_axiu<8, 0, 0, 0>>&, hls::stream<ap_axiu<8, 0, 0, 0>>&",
    }
    answers = ", ".join(["uint32_t*"] * 4)
    (hls / "signature.cpp").write_text(
        '#include "top.hpp"\n'
        f"void (*top)({arrays[kind]}, {taps}unsigned, {answers}) = bitfpga_top;\n"
    )
    command = [*find_cxx().argv, *flags.split(), "-fsyntax-only", "-w", "-include", "synthesis.hpp"]
    for text in (source, "signature.cpp"):
        run_tool([*command, *stubs, text], cwd=hls, limit_s=LIMIT_S)


def run_bench(hls: Path, stubs: list[str | Path]) -> Completed:
    """Compile the testbench as Vitis does for its C simulation, and run it where the files lie."""
    (flags,) = settings(hls, "tb.cflags")
    (source,) = settings(hls, "syn.file")
    bench, *data = settings(hls, "tb.file")
    command = [*find_cxx().argv, *flags.split(), "-w", "-pthread", *stubs, bench, source]
    run_tool([*command, "-o", "bench"], cwd=hls, limit_s=LIMIT_S)
    run = hls / "run"
    run.mkdir(exist_ok=True)
    for name in data:
        shutil.copy(hls / name, run)
    return run_tool([hls / "bench"], cwd=run, limit_s=LIMIT_S)


@pytest.mark.parametrize(("kind", "in_memory"), [("m_axi", True), ("axi_dma", False)])
def test_the_testbench_passes_on_the_vendors_types(
    kind: str, in_memory: bool, stubs: list[str | Path], tmp_path: Path
) -> None:
    hls = written(kind, tmp_path / "p", in_memory=in_memory)
    done = run_bench(hls, stubs)
    own = read_interface(hls.parent).id
    assert done.stdout == f"id {own}\n{16 * 3} values equal\n"


def test_the_testbench_fails_on_one_wrong_value(stubs: list[str | Path], tmp_path: Path) -> None:
    hls = written("axi_dma", tmp_path / "p")
    golden = hls / "testbench" / "golden_y.bin"
    values = np.frombuffer(golden.read_bytes(), np.uint8).copy()
    values[16] ^= 4
    golden.write_bytes(values.tobytes())
    where = f"sample 5, index 1, expected {values[16]}, got {values[16] ^ 4}"
    with pytest.raises(ToolError, match=rf"exit code 1: [\s\S]*mismatch: {where}"):
        run_bench(hls, stubs)


def test_the_testbench_fails_on_a_status_that_is_wrong(
    stubs: list[str | Path], tmp_path: Path
) -> None:
    hls = written("m_axi", tmp_path / "p")
    top = hls / "top.cpp"
    top.write_text(top.read_text("utf-8").replace("*status = faults", "*status = 0"))
    with pytest.raises(ToolError, match=r"exit code 1: [\s\S]*status: expected 00000001, got 0"):
        run_bench(hls, stubs)


def test_depths_are_what_the_testbench_shares_with_the_core(tmp_path: Path) -> None:
    hls = written("m_axi", tmp_path / "p", in_memory=True)
    top = (hls / "top.cpp").read_text("utf-8")
    sizes = {name: (hls / "testbench" / f"golden_{name}.bin").stat().st_size for name in "xy"}
    sizes["taps"] = (hls / "taps.bin").stat().st_size // 8
    for name, size in sizes.items():
        where = f"m_axi port = {name} bundle = gmem_{name} offset = slave"
        assert f"#pragma HLS INTERFACE {where} depth = {size}\n" in top
