"""The command line: one small function per verb. Nothing else in bitfpga writes to stdout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitfpga import __version__
from bitfpga.cli_deploy import deploy_command
from bitfpga.cli_options import (
    Folder,
    Json,
    Output,
    chosen_inputs,
    print_json,
    warn_changed,
)
from bitfpga.cli_synth import synth_command
from bitfpga.csim import check, simulate
from bitfpga.demo import BOARD, demo_table, run_demo
from bitfpga.digits import NumberSystem
from bitfpga.errors import UsageError
from bitfpga.interface import Kind
from bitfpga.ir import Network
from bitfpga.npy import npy_writer
from bitfpga.output import csim_document, csim_rows, print_written, progress
from bitfpga.project import build
from bitfpga.project_folder import check_replaceable, open_project
from bitfpga.report import facts_table, print_whole, schedule_lines, schedule_summary, write_report
from bitfpga.terminal import err, exit_codes, out

app = typer.Typer(
    help="Bit-pruned networks as multiplier-free accelerators for Zynq boards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("synth")(synth_command)
app.command("deploy")(deploy_command)


def main() -> None:
    """Run the command line and exit: 0 fine, 1 our error, 2 usage, 3 an outside tool failed."""
    with exit_codes():
        app(prog_name="bitfpga")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bitfpga {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


@app.command("build")
def build_command(
    network: Annotated[Path, typer.Argument(help="A network file, NET.bitfpga.")],
    board: Annotated[str, typer.Option(help="Board name, or path of your board's .toml.")] = BOARD,
    output: Output = Path("build"),
    clock_ns: Annotated[
        float | None, typer.Option(help="Clock period in ns, 1 to 1000 (default: the board's).")
    ] = None,
    number_system: Annotated[
        NumberSystem, typer.Option(help="How weights become signed digits.")
    ] = NumberSystem.CSD,
    target_latency_us: Annotated[
        float | None,
        typer.Option(help="Smallest design of this latency in us (default: shortest interval)."),
    ] = None,
    target_fps: Annotated[
        float | None,
        typer.Option(help="Smallest design of this rate, samples/s (default: shortest interval)."),
    ] = None,
    interface: Annotated[
        Kind,
        typer.Option(
            help="The core reads and writes memory (m_axi), or streams of a DMA (axi_dma)."
        ),
    ] = Kind.M_AXI,
    force: Annotated[bool, typer.Option("--force", help="Replace a folder bitfpga made.")] = False,
    as_json: Json = False,
) -> None:
    """Turn a network into an HLS project for a board."""
    if target_latency_us is not None and target_fps is not None:
        raise UsageError("give --target-latency-us or --target-fps, not both")
    check_replaceable(output.absolute(), force)
    loaded = Network.load(network)
    with progress(2 * len(loaded.layers)) as advance:
        project = build(
            loaded,
            board,
            clock_ns=clock_ns,
            number_system=number_system.value,
            target_latency_us=target_latency_us,
            target_fps=target_fps,
            interface=interface.value,
            on_layer=advance,
        )
    folder = project.write(output, force=force)
    if as_json:
        print_json({"folder": str(folder), **schedule_summary(project.schedule)})
        return
    print_whole(out, schedule_lines(project.schedule, out))
    print_written(len(project.files) + 1, folder, "csim", output)


@app.command("csim")
def csim_command(
    folder: Folder,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="An .npy file of samples: integers as they are, floats quantised "
            "(default: the network's test vectors, else 1000 random samples).",
        ),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option("--output", help="Write the outputs, integers, to this .npy if all is equal."),
    ] = None,
    checked: Annotated[
        bool, typer.Option("--checked", help="Exact-width ap_int types (hls4ml's headers).")
    ] = False,
    bounded: Annotated[
        bool,
        typer.Option("--bounded", help="All processes at once, FIFOs of the planned depths; slow."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Compile the project with g++ or clang++, run it, and compare with the reference."""
    if checked and bounded:
        raise UsageError("give --checked or --bounded, not both")
    project = open_project(folder)
    warn_changed(project)
    x = chosen_inputs(project, inputs)
    with npy_writer(outputs) as write:
        with err.status("compiling and simulating"):
            result = simulate(project.path, project.network, x, checked=checked, bounded=bounded)
        with err.status("comparing with the reference"):
            check(project.path, project.network, x, result.y)
        write(result.y)
    types = "ap_int" if checked else "native, planned FIFOs" if bounded else "native"
    document = csim_document(project, result, types)
    if as_json:
        print_json(document)
        return
    name = project.network.name
    print_whole(out, [f"C simulation of {name}", facts_table(csim_rows(document))])


@app.command("report")
def report_command(
    folder: Folder,
    html: Annotated[bool, typer.Option("--html", help="Write a page for a browser, too.")] = False,
    page: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The page's file (default: report.html in FOLDER)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is no report of bitfpga's.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the schedule of a project from what lies in its folder."""
    if not html and (page is not None or force):
        raise UsageError("--output and --force are for the page: give --html as well")
    project = open_project(folder)
    warn_changed(project)
    written = write_report(project, page, force=force) if html else None
    if as_json:
        found = {"folder": str(project.path), "changed": list(project.changed)}
        paths = {"html": str(written)} if written else {}
        print_json({**found, **paths, **schedule_summary(project.schedule)})
        return
    print_whole(out, schedule_lines(project.schedule, out))
    if written:
        print_whole(out, [f"wrote {written}"])


@app.command("demo")
def demo_command(
    output: Output = Path("bitfpga-demo"),
    as_json: Json = False,
) -> None:
    """Build and C-simulate the digits classifier that comes with bitfpga."""
    with err.status("building, compiling and simulating the demo"):
        result = run_demo(output)
    if as_json:
        print_json(
            {
                "folder": str(result.folder),
                "n_samples": result.n_samples,
                "accuracy": result.accuracies,
                "bit_exact": True,
                **result.summary,
            }
        )
        return
    print_whole(out, ["bitfpga demo: 8x8 digits, C simulation", demo_table(result)])
    print_written(result.n_files, result.folder, "report", output)
