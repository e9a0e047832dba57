"""The pipeline as calls of the C++ library: which process reads and writes which FIFO."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.plan import ARRAYS, Pipeline, Schedule, Step, fork_name, step_sums

FUNCTIONS = {
    "window_array": "window_array",
    "vector_array": "vector_array",
    "max_pool": "max_pool",
    "sum_pool": "sum_pool",
    "sum_map": "sum_map",
    "scale": "scale_elements",
    "table": "look_up",
    "add": "add_elements",
    "concat": "concat_channels",
    "gather": "gather",
}


@dataclass(frozen=True)
class FifoText:
    """One FIFO variable: beats of ``tensor``, ``depth`` of them."""

    name: str
    tensor: str
    depth: int


@dataclass(frozen=True)
class Call:
    """One process: ``bitfpga::function<Types, struct, kSamples>(arguments)``.

    ``writes``: the FIFO that then holds the output of a layer, for the trace; empty where it holds
    none, or one in an order that strides do not describe.
    """

    name: str
    function: str
    struct: str
    arguments: tuple[str, ...]
    writes: str
    tensor: str


def fifo_texts(pipeline: Pipeline, schedule: Schedule) -> list[FifoText]:
    """Return every FIFO with its depth."""
    return [
        FifoText(fifo.name, f"Tensor_{fifo.stream}", schedule.depth(fifo.name))
        for fifo in pipeline.fifos
    ]


def process_calls(pipeline: Pipeline, schedule: Schedule) -> list[Call]:
    """Return the calls of every process in the order data flows, forks included."""
    written = {fifo.writer: fifo.name for fifo in pipeline.fifos}
    forks = pipeline.forks()
    calls = []
    for step in pipeline.steps:
        inputs = tuple(fifo.name for fifo in pipeline.inputs_of(step.name))
        output = written.get(step.name, "")
        calls.append(_call(step, inputs, output, schedule))
        if step.output is not None and step.output.name in forks:
            outputs = tuple(fifo.name for fifo in forks[step.output.name])
            tensor = f"Tensor_{step.output.name}"
            arguments = (output, "n_blocks", *outputs)
            calls.append(Call(fork_name(step.output.name), "fork", tensor, arguments, "", ""))
    return calls


def _call(step: Step, inputs: tuple[str, ...], output: str, schedule: Schedule) -> Call:
    if step.output is None:
        tensor = f"Tensor_{step.inputs[0].name}"
        return Call(step.name, "store", tensor, (*inputs, "n_samples", "y", "n_blocks"), "", tensor)
    tensor = f"Tensor_{step.output.name}"
    if step.kind == "load":
        arguments: tuple[str, ...] = ("x", "n_samples", output, "n_blocks")
        return Call(step.name, "load", tensor, arguments, "", tensor)
    arguments = _arguments(step, inputs, output, schedule)
    traced = step.layer is not None and step.output.order.strides is not None
    writes = output if traced else ""
    function = FUNCTIONS[step.kind]
    return Call(step.name, function, f"Layer_{step.name}", arguments, writes, tensor)


def _arguments(
    step: Step, inputs: tuple[str, ...], output: str, schedule: Schedule
) -> tuple[str, ...]:
    name = step.name
    if step.kind in ARRAYS:
        from_memory = schedule.layer(name).source == "memory"
        taps = "taps" if from_memory else f"tap_rows_{name}"
        tiles = (f"tiles_{name}",) if step.kind == "window_array" else ()
        parts = (f"jobs_{name}", f"n_jobs_{name}", f"pe_split_{name}", *tiles)
        sums = step_sums(step, schedule.number_system)
        groups = (f"sum_group_{name}",) if sums is not None else ()
        after_taps = (*parts, f"entries_{name}", f"scale_{name}", output, "n_blocks", *groups)
        return (*inputs, taps, *after_taps)
    after = {
        "max_pool": (f"tiles_{name}",),
        "sum_pool": (f"tiles_{name}", f"scale_{name}"),
        "sum_map": (f"scale_{name}",),
        "scale": (f"scale_{name}",),
        "table": (f"table_{name}",),
    }
    if step.kind in after:
        return (*inputs, *after[step.kind], output, "n_blocks")
    before = {
        "add": (f"weights_{name}", f"scale_{name}"),
        "concat": (),
        "gather": (f"source_{name}",),
    }
    return (*before[step.kind], output, "n_blocks", *inputs)
