"""The JSON file that tells Vitis HLS of an RTL black box."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from bitfpga.emit.black_box_rtl import Box

CFLAGS = "-std=c++14 -Iinclude -I."


def description(box: Box, c_file: str, rtl_files: Sequence[str]) -> bytes:
    """Return the JSON of ``box`` with its C model and its Verilog, paths relative to itself.

    The flags of FIFOs are those of an HLS stream: ``empty_n`` and ``full_n``, high when data or a
    place is there. Cycles are the plan's, where nothing else holds the box up; area is estimated.
    """
    document = {
        "c_function_name": box.name,
        "rtl_top_module_name": box.name,
        "c_files": [{"c_file": c_file, "cflag": CFLAGS}],
        "rtl_files": list(rtl_files),
        "c_parameters": [
            {
                "c_name": "x",
                "c_port_direction": "in",
                "rtl_ports": {
                    "FIFO_empty_flag": "x_empty_n",
                    "FIFO_read_enable": "x_read",
                    "FIFO_data_read_in": "x_dout",
                },
            },
            {
                "c_name": "y",
                "c_port_direction": "out",
                "rtl_ports": {
                    "FIFO_full_flag": "y_full_n",
                    "FIFO_write_enable": "y_write",
                    "FIFO_data_write_out": "y_din",
                },
            },
        ],
        "rtl_common_signal": {
            "module_clock": "ap_clk",
            "module_reset": "ap_rst",
            "module_clock_enable": "ap_ce",
            "ap_ctrl_chain_protocol_idle": "ap_idle",
            "ap_ctrl_chain_protocol_start": "ap_start",
            "ap_ctrl_chain_protocol_ready": "ap_ready",
            "ap_ctrl_chain_protocol_done": "ap_done",
            "ap_ctrl_chain_protocol_continue": "ap_continue",
        },
        "rtl_performance": _performance(box),
        "rtl_resource_usage": _resources(box),
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _performance(box: Box) -> dict[str, str]:
    """Return the planned cycles of a call, and from call to call."""
    alone = box.alone
    return {"latency": f"{alone.latency_cycles}", "II": f"{alone.interval_cycles}"}


def _resources(box: Box) -> dict[str, str]:
    """Return the estimated area; BRAM counts blocks of 18 kbit."""
    area = box.resources
    counts = {"FF": area.ffs, "LUT": area.luts, "BRAM": math.ceil(2 * area.bram36)}
    return {name: str(count) for name, count in {**counts, "URAM": 0, "DSP": 0}.items()}
