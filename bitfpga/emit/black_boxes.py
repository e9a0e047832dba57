"""The arrays of an HLS project as RTL black boxes for Vitis HLS: Verilog, C models and JSON.

Files lie in ``black_box/`` but for the JSON files: those lie beside ``top.cpp``, in the folder that
the tool runs in, so that what they name is found from either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bitfpga.emit.black_box_json import description
from bitfpga.emit.black_box_rtl import Box, box_files, library_files
from bitfpga.emit.calls import Call, fifo_texts, process_calls
from bitfpga.emit.render import BANNER, render
from bitfpga.emit.structs import input_struct
from bitfpga.errors import PlanError
from bitfpga.ir import Network
from bitfpga.plan import ARRAYS, Pipeline, Schedule, Step, lower, planned_stream, step_sums

FOLDER = "black_box"
WIDEST = 4096


@dataclass(frozen=True)
class BoxText:
    """A black box in C++: its function ``name``, tensors and FIFOs, and the call of the library."""

    name: str
    source: str
    output: str
    fifo_in: str
    fifo_out: str
    call: str


def emit_black_boxes(
    network: Network, schedule: Schedule, on_layer: Callable[[str], None] | None = None
) -> dict[str, bytes]:
    """Return what ``hls/`` holds besides its own sources for black boxes: ``box_<layer>.json``,
    ``black_boxes.hpp``, and ``black_box/`` with Verilog and C models.

    ``on_layer`` is called with a line of progress, once a layer. ``PlanError`` naming the layers
    that cannot be one, or where there is no array at all.
    """
    pipeline = lower(network, schedule.beat_pixels)
    steps = [step for step in pipeline.steps if step.kind in ARRAYS]
    _check_supported(steps, network, schedule)
    boxes = []
    for step in steps:
        if on_layer is not None:
            on_layer(f"writing {step.label} as a black box")
        boxes.append(Box.of(step, schedule, planned_stream(step, schedule)))
    files = _cpp_files(pipeline, schedule, steps)
    library = library_files(boxes)
    files |= {f"{FOLDER}/{name}": data for name, data in library.items()}
    for box in boxes:
        own = box_files(box)
        files |= {f"{FOLDER}/{name}": data for name, data in own.items()}
        rtl = [f"{FOLDER}/{name}" for name in (*own, *library)]
        files[f"{box.name}.json"] = description(box, f"{FOLDER}/{box.name}.cpp", rtl)
    return files


def box_descriptions(files: Iterable[str]) -> list[str]:
    """Return the names of the JSON files among those of ``emit_black_boxes``."""
    return sorted(name for name in files if name.endswith(".json"))


def _check_supported(steps: list[Step], network: Network, schedule: Schedule) -> None:
    """Raise ``PlanError`` where an array cannot be a black box, or where there is none."""
    if not steps:
        raise PlanError(
            f"network '{network.name}' has no dense layer and no convolution to make a black box of"
        )
    problems = (
        (
            "taps read from memory, which a box cannot reach",
            [step for step in steps if schedule.layer(step.name).source == "memory"],
            "prune further, or choose a larger board",
        ),
        (
            "shared sums (number system bbs)",
            [step for step in steps if step_sums(step, schedule.number_system) is not None],
            "build with --number-system csd",
        ),
        (
            f"beats of more than {WIDEST} bits, the widest ap_uint",
            [step for step in steps if _widest([step], schedule.n_samples) > WIDEST],
            "ask for less with --target-fps",
        ),
    )
    found = [
        f"{what}: layers {_listed([step.label for step in wrong])}; {advice}"
        for what, wrong, advice in problems
        if wrong
    ]
    if found:
        raise PlanError("no RTL black boxes with " + "\n  nor with ".join(found))


def _listed(labels: list[str]) -> str:
    more = len(labels) - 5
    return ", ".join(f"'{label}'" for label in labels[:5]) + (
        f" and {more} more" if more > 0 else ""
    )


def _widest(steps: list[Step], n_samples: int) -> int:
    """Return the bits of the widest beat that arrays read or write."""
    streams = [stream for step in steps for stream in (step.inputs[0], step.output) if stream]
    return max(stream.beat_bits for stream in streams) * n_samples


def _cpp_files(pipeline: Pipeline, schedule: Schedule, steps: list[Step]) -> dict[str, bytes]:
    """Return ``black_boxes.hpp`` and the C model of every box."""
    arrays = {step.name: step for step in steps}
    boxes, calls = [], []
    for call in process_calls(pipeline, schedule):
        if call.name not in arrays:
            calls.append(_library_call(call))
            continue
        box = _box_text(arrays[call.name], call, pipeline)
        boxes.append(box)
        calls.append(f"call_{box.name}<Types>({box.fifo_in}, {box.fifo_out}, n_blocks)")
    files = {
        f"{FOLDER}/{box.name}.cpp": render("black_box.cpp.j2", banner=BANNER, box=box)
        for box in boxes
    }
    files["black_boxes.hpp"] = render(
        "black_boxes.hpp.j2",
        banner=BANNER,
        n_samples=schedule.n_samples,
        widest=_widest(steps, schedule.n_samples),
        boxes=boxes,
        fifos=fifo_texts(pipeline, schedule),
        calls=calls,
    )
    return files


def _library_call(call: Call) -> str:
    arguments = ", ".join(call.arguments)
    return f"bitfpga::{call.function}<Types, {call.struct}, kSamples>({arguments})"


def _box_text(step: Step, call: Call, pipeline: Pipeline) -> BoxText:
    (fifo_in,) = pipeline.inputs_of(step.name)
    assert step.output is not None
    written = next(fifo.name for fifo in pipeline.fifos if fifo.writer == step.name)
    names = (input_struct(step, 0), f"Tensor_{step.output.name}", fifo_in.name, written)
    return BoxText(f"box_{step.name}", *names, _library_call(call))
