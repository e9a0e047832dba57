"""Projects with RTL black boxes in C simulation: the C models, and the text that synthesis sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import small_mlp
from foldings import any_schedule
from rtl_black_boxes import boxed
from rtl_runs import samples

from bitfpga.csim import ap_int_headers, simulate
from bitfpga.errors import ToolError
from bitfpga.project import Project, emit
from bitfpga.reference import run
from bitfpga.tools import find_cxx, run_tool

# Stands for Vitis' own, for a look at the text as synthesis has it.
HLS_STREAM = """
#pragma once
namespace hls {
template <class T>
struct stream {
  T read();
  void write(const T&);
  bool empty();
  bool full();
};
}
"""


def exact_headers() -> Path:
    """Return the folder of the ap_int headers; skip where nothing compiles with them."""
    if not find_cxx().builds_ap_int:
        pytest.skip("the ap_int headers do not compile with this compiler")
    try:
        return ap_int_headers()
    except ToolError as error:
        pytest.skip(str(error))


def check_exact(project: Project, folder: Path) -> None:
    """Assert that the top function in exact widths, C models and all, equals the reference."""
    exact_headers()
    network = project.network
    x = samples(network)
    result = simulate(project.write(folder / "boxed"), network, x, checked=True)
    np.testing.assert_array_equal(result.y, run(network, x))


@pytest.mark.parametrize(
    ("name", "folding"),
    [
        ("names_that_mean_something_in_cpp", {"n_samples": 2}),
        ("a_layer_pruned_whole", {}),
        ("shortcuts_that_shrink", {"beat_pixels": 4, "n_samples": 2}),
        ("strides_beyond_the_kernel", {"beat_pixels": 8, "slowness": 0.5}),
        ("sixteen_bits_in_and_one_out", {"beat_pixels": 8, "n_samples": 11}),
    ],
)
def test_the_c_models_equal_the_reference(
    name: str, folding: dict[str, Any], tmp_path: Path
) -> None:
    check_exact(boxed(name, **folding), tmp_path)


def test_what_the_models_compute_is_what_the_top_function_gives(tmp_path: Path) -> None:
    network = small_mlp()
    project = emit(network, any_schedule(network, n_samples=2), black_boxes=True)
    model = "hls/black_box/box_fc1.cpp"
    text = project.files[model].decode()
    assert text.endswith(", y);\n}\n")
    inverts = "  for (unsigned i = 0; i < 7; ++i) y.write(~y.read());\n}\n"
    files = {**project.files, model: (text[:-2] + inverts).encode()}
    with pytest.raises(AssertionError, match="Mismatched elements"):
        check_exact(Project(network, project.schedule, files), tmp_path)


def test_synthesis_sees_streams_of_plain_words(tmp_path: Path) -> None:
    headers = exact_headers()
    network = small_mlp()
    project = emit(network, any_schedule(network, n_samples=2), black_boxes=True)
    folder = project.write(tmp_path / "boxed") / "hls"
    (tmp_path / "stub").mkdir()
    (tmp_path / "stub" / "hls_stream.h").write_text(HLS_STREAM)
    # The headers of ap_int use, for synthesis, what only Vitis' compiler knows.
    (tmp_path / "stub" / "synthesis.hpp").write_text(
        "#include <ap_int.h>\n#define __SYNTHESIS__ 1\n"
    )
    (folder / "signature.cpp").write_text(
        '#include "black_boxes.hpp"\n'
        "void (*box)(hls::stream<ap_uint<16>>&, hls::stream<ap_uint<16>>&) = box_fc0;\n"
    )
    compiler = find_cxx()
    flags = ("-std=c++14", "-fsyntax-only", "-w", "-include", "synthesis.hpp", "-Iinclude", "-I.")
    places = ("-isystem", tmp_path / "stub", "-isystem", headers)
    for source in ("signature.cpp", "top.cpp", "black_box/box_fc0.cpp"):
        run_tool([*compiler.argv, *flags, *places, source], cwd=folder, limit_s=300.0)
