"""What csim keeps, compiles again, and says when a project does not equal its network."""

from __future__ import annotations

import gc
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE
from mlps import dense, mlp, random_weights, requantise
from strategies import extreme_batches

from bitfpga.csim import CsimResult, check, simulate
from bitfpga.errors import CsimError, ModelError, ToolError
from bitfpga.ir import Network, Reshape, TensorType
from bitfpga.project import Project, build
from bitfpga.project_folder import read_interface
from bitfpga.reference import run, run_all
from bitfpga.tools import find_cxx, run_tool

LIMIT_S = 300.0


def rows_network() -> Network:
    """Return rows through two dense layers with a reshape between them."""
    first, flat, last = (TensorType(shape, 8, True) for shape in ((2, 3), (6,), (4,)))
    layers = (
        dense("fc1", "input", random_weights(3, 5), first, requantise(first, 1, 0, 9), "net.first"),
        Reshape("flat", ("fc1",), flat),
        dense("fc2", "flat", random_weights(4, 6), last, requantise(last, 1, 3, 9), "net.last"),
    )
    return Network("rows", TensorType((2, 5), 8, True), layers)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    project = build(rows_network())
    return project, project.write(tmp_path_factory.mktemp("original") / "p")


@pytest.fixture
def copied(original: tuple[Project, Path], tmp_path: Path) -> tuple[Project, Path]:
    project, folder = original
    return project, Path(shutil.copytree(folder, tmp_path / "p"))


def simulated(project: Project, folder: Path) -> CsimResult:
    result = simulate(folder, project.network, samples(project))
    check(folder, project.network, samples(project), result.y)
    return result


def samples(project: Project) -> np.ndarray:
    random = np.random.default_rng(2).integers(-128, 128, (9, *project.network.input.shape))
    return np.concatenate([extreme_batches(project.network), random])


def test_an_unchanged_project_is_compiled_once(original: tuple[Project, Path]) -> None:
    project, folder = original
    first, second = simulated(project, folder), simulated(project, folder)
    assert (first.compiled, second.compiled) == (True, False)
    assert first.compile_cpu_seconds > 0
    assert second.compile_cpu_seconds == 0
    np.testing.assert_array_equal(first.y, second.y)


def test_an_edited_source_is_compiled_again(copied: tuple[Project, Path]) -> None:
    project, folder = copied
    simulated(project, folder)
    header = folder / "hls" / "include" / "bitfpga" / "columns.hpp"
    header.write_text(header.read_text("utf-8") + "// edited\n", encoding="utf-8")
    assert simulated(project, folder).compiled
    assert not simulated(project, folder).compiled


def test_a_source_that_does_not_compile_is_shown(copied: tuple[Project, Path]) -> None:
    project, folder = copied
    network = folder / "hls" / "network.hpp"
    network.write_text(network.read_text("utf-8") + "no_such_type x;\n", encoding="utf-8")
    with pytest.raises(ToolError, match="no_such_type"):
        simulate(folder, project.network, samples(project))
    with pytest.raises(ToolError, match="no_such_type"):
        simulate(folder, project.network, samples(project))


def flip_a_tap(folder: Path, layer: str) -> None:
    """Flip the lowest bit, a sign, of the first cell of a layer's first PE."""
    data = folder / "hls" / "network_data.hpp"
    text = data.read_text("utf-8")
    start = text.index(f" tap_rows_{layer}[")
    row = re.compile(r"(\d+)ULL").search(text, start)
    changed = text[: row.start(1)] + str(int(row[1]) ^ 1) + text[row.end(1) :]
    data.write_text(changed, encoding="utf-8")


@pytest.mark.parametrize(("layer", "label"), [("fc1", "net.first"), ("fc2", "net.last")])
def test_a_wrong_tap_is_found_in_its_layer(
    copied: tuple[Project, Path], layer: str, label: str
) -> None:
    project, folder = copied
    network, x = project.network, samples(project)
    flip_a_tap(folder, layer)
    y = simulate(folder, network, x).y
    expected = run(network, x)
    with pytest.raises(CsimError) as caught:
        check(folder, network, x, y)
    message = str(caught.value)
    wrong = int((y != expected).any(axis=1).sum())
    assert f"on {wrong} of {len(x)} samples" in message
    sample, index = np.argwhere(y != expected)[0]
    place = f"sample {sample}, index [{index}]"
    values = f"expected {expected[sample, index]}, got {y[sample, index]}"
    assert message.endswith(f"output: {place}, {values}")
    found = re.search(
        rf"layer '{label}' \(dense\): index (\[.*?\]), expected (-?\d+), got", message
    )
    at = tuple(int(i) for i in found[1][1:-1].split(", "))
    assert int(found[2]) == run_all(network, x)[layer][(sample, *at)]


def test_equal_outputs_pass_the_check(original: tuple[Project, Path]) -> None:
    project, folder = original
    x = samples(project)
    check(folder, project.network, x, run(project.network, x))


TRACED = ("skips_from_the_input", "layers_that_nobody_reads", "concatenations", "moves", "tables")


@pytest.mark.parametrize("name", TRACED)
def test_the_trace_clears_every_layer_of_a_right_project(name: str, tmp_path: Path) -> None:
    project = build(HOSTILE[name]())
    x = extreme_batches(project.network)
    y = run(project.network, x).copy()
    y.flat[-1] ^= 1
    with pytest.raises(CsimError, match="no layer differs in native integers"):
        check(project.write(tmp_path / "p"), project.network, x, y)


@pytest.fixture
def from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, Path]:
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 0)
    project = build(mlp((5, 4, 3)))
    return project, project.write(tmp_path / "memory")


def test_streams_that_are_cut_or_gone_end_cleanly(from_memory: tuple[Project, Path]) -> None:
    project, folder = from_memory
    assert simulated(project, folder).compiled
    taps = folder / "hls" / "taps.bin"
    taps.write_bytes(taps.read_bytes()[:-2])
    with pytest.raises(ToolError, match="the taps file is too short"):
        simulate(folder, project.network, samples(project))
    taps.unlink()
    with pytest.raises(ToolError, match="an input file is missing"):
        simulate(folder, project.network, samples(project))


def test_a_wrong_tap_in_memory_is_found_without_compiling(
    from_memory: tuple[Project, Path],
) -> None:
    project, folder = from_memory
    simulated(project, folder)
    taps = folder / "hls" / "taps.bin"
    words = np.frombuffer(taps.read_bytes(), np.uint64).copy()
    words[0] ^= np.uint64(1)
    taps.write_bytes(words.tobytes())
    result = simulate(folder, project.network, samples(project))
    assert not result.compiled
    with pytest.raises(CsimError, match=r"layer 'fc1' \(dense\): index \[\d+\], expected"):
        check(folder, project.network, samples(project), result.y)


def compiled_testbench(folder: Path) -> Path:
    """Return the project's own testbench in native integers, beside its golden vectors."""
    compiler = find_cxx()
    flags = [
        *compiler.extra_flags,
        "-std=c++14",
        "-Iinclude",
        "-I.",
        "-pthread",
        "-w",
        "-fno-exceptions",
        "-DBITFPGA_NATIVE",
    ]
    program = folder / "bench"
    command = [*compiler.argv, *flags, "testbench/testbench.cpp", "top.cpp", "-o", program]
    run_tool(command, cwd=folder / "hls", limit_s=LIMIT_S)
    return program


def test_the_testbench_compares_the_golden_vectors(from_memory: tuple[Project, Path]) -> None:
    project, folder = from_memory
    program, bench = compiled_testbench(folder), folder / "hls" / "testbench"
    shutil.copy(folder / "hls" / "taps.bin", bench)
    done = run_tool([program], cwd=bench, limit_s=LIMIT_S)
    id_line = f"id {read_interface(folder).id}\n"
    assert done.stdout == f"{id_line}{16 * project.network.output.size} values equal\n"
    golden = bench / "golden_y.bin"
    values = np.frombuffer(golden.read_bytes(), project.network.output.dtype).copy()
    values[7] ^= 1
    golden.write_bytes(values.tobytes())
    place = f"sample 2, index 1, expected {values[7]}, got {values[7] ^ 1}"
    with pytest.raises(ToolError, match=rf"exit code 1: [\s\S]*mismatch: {place}"):
        run_tool([program], cwd=bench, limit_s=LIMIT_S)
    golden.write_bytes(values[:-1].tobytes())
    with pytest.raises(ToolError, match="the golden vectors have another length"):
        run_tool([program], cwd=bench, limit_s=LIMIT_S)


def test_inputs_that_do_not_fit_are_refused_before_compiling(tmp_path: Path) -> None:
    project = build(mlp((3, 2)))
    for x in (np.full((1, 3), 128), np.zeros((1, 4), int), np.zeros((1, 3))):
        with pytest.raises(ModelError):
            simulate(tmp_path, project.network, x)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_csim_cannot_write_to_is_named(tmp_path: Path) -> None:
    project = build(mlp((3, 2)))
    folder = project.write(tmp_path / "p")
    (folder / "csim").write_text("in the way", encoding="utf-8")
    with pytest.raises(CsimError, match=re.escape(f"cannot write {folder / 'csim'}: File exists")):
        simulate(folder, project.network, samples(project))


def test_a_project_in_memory_simulates_itself_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    project = build(mlp((3, 2)))
    x = samples(project)
    np.testing.assert_array_equal(project.csim(x), run(project.network, x))
    np.testing.assert_array_equal(project.csim(x.tolist()), run(project.network, x))
    assert len(list(tmp_path.glob("bitfpga-*"))) == 1
    del project
    gc.collect()
    assert list(tmp_path.iterdir()) == []
