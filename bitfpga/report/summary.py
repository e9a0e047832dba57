"""A schedule as plain dicts for machines: what ``--json`` prints."""

from __future__ import annotations

from typing import Any

from bitfpga.plan import FifoSchedule, LayerSchedule, Resources, Schedule


def board_share(resources: Resources, schedule: Schedule) -> float:
    """Return the largest share of any resource of the board, 0..1 and beyond."""
    board = schedule.board
    return max(
        resources.luts / board.luts,
        resources.ffs / board.ffs,
        resources.bram36 / board.bram36 if board.bram36 else 0.0,
    )


def schedule_summary(schedule: Schedule) -> dict[str, Any]:
    """Return what ``--json`` prints of a schedule; a figure that a layer does not have is None."""
    board = schedule.board
    return {
        "network": schedule.network,
        "board": board.name,
        "part": board.part,
        "clock_ns": schedule.clock_ns,
        "number_system": schedule.number_system.value,
        "samples_per_block": schedule.n_samples,
        "beat_pixels": schedule.beat_pixels,
        "simulated": schedule.simulated,
        "interval_cycles": schedule.interval_cycles,
        "latency_cycles": schedule.latency_cycles,
        "latency_us": schedule.latency_us,
        "samples_per_second": schedule.samples_per_second,
        "adds_per_sample": schedule.n_taps,
        "dense_multiplies_per_sample": schedule.n_multiplies,
        "digits_per_weight": schedule.digits_per_weight,
        "board_has": {"luts": board.luts, "ffs": board.ffs, "bram36": board.bram36},
        "estimate": _resources(schedule.resources, schedule),
        "layers": [_layer(layer, schedule) for layer in schedule.layers],
        "fifos": [_fifo(fifo) for fifo in schedule.fifos],
    }


def _resources(resources: Resources, schedule: Schedule) -> dict[str, Any]:
    return {
        "luts": resources.luts,
        "ffs": resources.ffs,
        "bram36": resources.bram36,
        "board_share": board_share(resources, schedule),
    }


def _fifo(fifo: FifoSchedule) -> dict[str, Any]:
    return {"fifo": fifo.name, "depth": fifo.depth, "bits": fifo.bits}


def _layer(layer: LayerSchedule, schedule: Schedule) -> dict[str, Any]:
    return {
        "layer": layer.origin,
        "name": layer.name,
        "kind": layer.kind,
        "process": layer.process,
        "shape": list(layer.shape),
        "n_pixels": layer.n_pixels,
        "n_outputs": layer.n_outputs,
        **_array(layer),
        "interval_cycles": layer.interval_cycles,
        "bound": layer.bound,
        "first_cycle": layer.first_cycle if schedule.simulated else None,
        "last_cycle": layer.last_cycle if schedule.simulated else None,
        "accumulator_bits": layer.accumulator_bits,
        "estimate": _resources(layer.resources, schedule),
    }


def _array(layer: LayerSchedule) -> dict[str, Any]:
    """Return the figures that only layers with weights have; ratios need taps as well."""
    weights, taps = layer.n_weights > 0, layer.n_taps > 0
    return {
        "source": layer.source,
        "n_pes": layer.n_pes,
        "n_columns": layer.n_columns,
        "n_tiles": layer.n_tiles,
        "n_splits": layer.n_splits,
        "n_pruned": layer.n_pruned,
        "weights": layer.n_weights,
        "digits": layer.n_taps,
        "taps": layer.n_taps * layer.n_pixels,
        "digits_per_weight": layer.n_taps / layer.n_weights if weights else None,
        "fill_cycles": layer.fill_cycles if weights else None,
        "walk_cycles": layer.walk_cycles if weights else None,
        "emit_cycles": layer.emit_cycles if weights else None,
        "utilisation": layer.utilisation if taps else None,
        "symbol_bits": layer.symbol_bits if taps else None,
        "tap_bits": layer.tap_bits if taps else None,
        "bits_per_tap": layer.bits_per_tap if taps else None,
        "entropy_bits_per_tap": layer.entropy if taps else None,
    }
