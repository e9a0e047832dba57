"""Fake v++, vitis-run, vitis_hls and vivado: they note calls, write reports, fail as real ones do.

How each step goes stands in ``behaviour.json`` beside the folder of the programs.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from vendor_reports import COSIM, CSYNTH, TIMING, UTILIZATION_7

CONFIG_FLOW = ("v++", "vitis-run")
VERSION = "2023.2"
BANNERS = {
    "v++": "****** v++ v{version} (64-bit)\n  **** SW Build 4026344 on 2023-10-11",
    "vitis-run": "****** vitis-run v{version} (64-bit)",
    "vitis_hls": "Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v{version} (64-bit)",
    "vivado": "vivado v{version} (64-bit)\nTool Version Limit: 2023.10",
}
ERRORS = {
    "csynth": "ERROR: [HLS 207-3776] use of undeclared identifier 'acc' (network.hpp:12:3)",
    "cosim": "ERROR: [COSIM 212-361] Co-simulation failed.",
    "package": "ERROR: [IMPL 213-28] Failed to generate IP.",
    "impl": "ERROR: [Place 30-640] Place Check : This design requires more LUTs than are available",
    "bitstream": "ERROR: [DRC NSTD-1] Unspecified I/O Standard: 1 out of 131 logical ports",
}

PROGRAM = r"""
import json, os, sys, time
from pathlib import Path
me = Path(sys.argv[0])
name, home, args = me.name, me.parent.parent, sys.argv[1:]
told = json.loads((home / "behaviour.json").read_text())
if args and args[0] in ("--version", "-version"):
    if told.get("version", "") == "none":
        sys.exit(1)
    print(told["banners"][name]); sys.exit(0)
if name in ("v++", "vitis-run"):
    step = "csynth" if name == "v++" else next(a[2:] for a in args if a in ("--cosim", "--package"))
elif name == "vitis_hls":
    step = Path(args[args.index("-f") + 1]).stem
else:
    step = {"implement.tcl": "impl", "bitstream.tcl": "bitstream"}[args[args.index("-source") + 1]]
call = {"step": step, "name": name, "args": args, "cwd": os.getcwd()}
with (home / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(call) + "\n")
how = told.get(step, "ok")
print(f"INFO: [{name}] the step {step} begins", flush=True)
print("WARNING: [HLS 200-786] something of no weight", flush=True)
if how == "hang":
    (home / "part").write_text(str(os.getpid()))
    (home / "part").replace(home / "pid")
    time.sleep(60)
if how == "fail":
    print(told["errors"][step]); print("INFO: done"); sys.exit(1)
if how == "crash":
    print("core dumped somewhere deep", file=sys.stderr); os.abort()
hls = Path("project/solution") if name == "vitis_hls" else Path("work/hls")
made = {
    "csynth": {hls / "syn/report/csynth.xml": told["csynth.xml"]},
    "cosim": {hls / "sim/report/bitfpga_top_cosim.rpt": told["cosim.rpt"]},
    "package": {hls / "impl/ip/component.xml": "<component/>", hls / "impl/ip/hdl/top.v": "v"},
    "impl": {
        Path("reports/utilization.rpt"): told["utilization.rpt"],
        Path("reports/accelerator_utilization.rpt"): told["utilization.rpt"],
        Path("reports/timing_summary.rpt"): told["timing.rpt"],
        Path("routed.dcp"): "checkpoint",
        Path("system.hwh"): f"hand-off {len(told['calls'])}",
    },
    "bitstream": {Path("system.bit"): "bits"},
}[step]
needed = {"cosim": [hls / "syn/report/csynth.xml"], "package": [hls / "syn/report/csynth.xml"],
          "impl": [Path("../ip/component.xml"), Path("settings.tcl"), Path("implement.tcl")],
          "bitstream": [Path("routed.dcp"), Path("bitstream.tcl")]}.get(step, [])
absent = [str(path) for path in needed if not path.is_file()]
if absent:
    print(f"ERROR: [Common 17-55] no file {absent}"); sys.exit(1)
for path, text in made.items():
    if how == "silent" or (how.startswith("without ") and path.name == how[8:]):
        continue
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("" if how == "empty" else text)
if how == "quiet errors":
    print(told["errors"][step])
"""


class Vendor:
    """A folder of fake tools, what they shall do, and what they were called with."""

    def __init__(self, home: Path, *names: str) -> None:
        self.home, self.bin = home, home / "bin"
        self.bin.mkdir(parents=True)
        self.told: dict[str, Any] = {
            "banners": {name: text.format(version=VERSION) for name, text in BANNERS.items()},
            "errors": ERRORS,
            "calls": "",
        }
        self.reports()
        self.add(*(names or (*CONFIG_FLOW, "vivado")))

    def add(self, *names: str) -> None:
        """Put these programs there."""
        for name in names:
            path = self.bin / name
            path.write_text(f"#!{sys.executable} -S\n{PROGRAM}")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def tell(self, **steps: Any) -> None:
        """Say how steps go: ok, fail, crash, silent, empty, hang, quiet errors, without FILE."""
        self.told.update(steps)
        (self.home / "behaviour.json").write_text(json.dumps(self.told))

    def reports(
        self,
        *,
        period: str = "8.123",
        latency: str = "977",
        verdict: str = "Pass",
        wns: str = "0.221",
        whs: str = "0.018",
    ) -> None:
        """Write what the reports shall say."""
        self.told["csynth.xml"] = CSYNTH.format(version=VERSION, period=period, latency=latency)
        self.told["cosim.rpt"] = COSIM.format(verdict=verdict)
        self.told["utilization.rpt"] = UTILIZATION_7.format(version=VERSION)
        self.told["timing.rpt"] = TIMING.format(wns=wns, tns="0.000", whs=whs)
        self.tell()

    @property
    def path(self) -> str:
        """The fakes first, then what a shell needs; no real vendor tool."""
        return os.pathsep.join([str(self.bin), "/usr/bin", "/bin"])

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call but those that ask for a version."""
        path = self.home / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def steps(self) -> list[str]:
        """The steps of all calls."""
        return [call["step"] for call in self.calls]
