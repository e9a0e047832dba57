"""RTL black boxes in Verilator: their Verilog as the JSON lists it, between the FIFOs of a design.

The testbench plays what Vitis HLS makes around a black box: a FIFO before it and one behind, and
``ap_ctrl_chain``. It ends with an error where the box breaks a rule of either.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rtl_bench import LIBRARY, verilator_environment

from bitfpga.ir import IntArray, Network
from bitfpga.plan import ARRAYS, Schedule, Step, Stream, lower
from bitfpga.reference import run_all

MAIN = r"""
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
#include "Vtop.h"
#include "verilated.h"

using Bytes = std::vector<uint8_t>;
static unsigned long cycle = 0;

template <class Port>
void put(Port& port, const Bytes& bytes) {
  memset(&port, 0, sizeof port);
  memcpy(&port, bytes.data(), bytes.size() < sizeof port ? bytes.size() : sizeof port);
}

template <class Port>
Bytes get(const Port& port) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&port);
  return Bytes(bytes, bytes + sizeof port);
}

static std::vector<Bytes> read_words(const char* path) {
  std::vector<Bytes> words;
  FILE* file = fopen(path, "r");
  static char line[1 << 16];
  while (fscanf(file, "%65535s", line) == 1) {
    std::string text(line);
    Bytes bytes;
    for (size_t i = text.size(); i > 0; i -= 2) {
      bytes.push_back(static_cast<uint8_t>(strtoul(text.substr(i - 2, 2).c_str(), nullptr, 16)));
    }
    words.push_back(bytes);
  }
  fclose(file);
  return words;
}

static void require(bool holds, const char* rule) {
  if (holds) return;
  fprintf(stderr, "cycle %lu: %s\n", cycle, rule);
  exit(4);
}

// in.hex out.txt in_beats out_beats in_percent out_percent ce_percent call_percent seed reset_at
int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  const auto words = read_words(argv[1]);
  FILE* out = fopen(argv[2], "w");
  const unsigned long in_beats = strtoul(argv[3], nullptr, 10);
  const unsigned long out_beats = strtoul(argv[4], nullptr, 10);
  const int in_percent = atoi(argv[5]), out_percent = atoi(argv[6]);
  const int ce_percent = atoi(argv[7]), call_percent = atoi(argv[8]);
  srand(static_cast<unsigned>(atoi(argv[9])));
  long reset_at = atol(argv[10]);
  const unsigned long n_calls = words.size() / in_beats, room = 2;
  auto chance = [](int percent) { return rand() % 100 < percent; };
  Vtop top;
  unsigned long arrived = 0, taken = 0, given = 0, waiting = 0, quiet = 0;
  unsigned long readied = 0, finished = 0;
  bool start = false;
  auto clock = [&] { top.ap_clk = 0; top.eval(); top.ap_clk = 1; top.eval(); };
  auto reset = [&] {
    top.ap_rst = 1; top.ap_start = 0; top.ap_ce = 1; top.ap_continue = 0;
    top.x_empty_n = 0; top.y_full_n = 1;
    for (int i = 0; i < 3; ++i) clock();
    top.ap_rst = 0;
    arrived = taken = given = waiting = readied = finished = cycle = 0;
    start = false;
  };
  reset();
  while (finished < n_calls) {
    if (reset_at >= 0 && static_cast<long>(cycle) == reset_at) {
      reset();
      rewind(out);
      if (ftruncate(fileno(out), 0)) return 2;
      reset_at = -1;
    }
    if (arrived < words.size() && arrived - taken < 5 && chance(in_percent)) ++arrived;
    if (waiting > 0 && chance(out_percent)) --waiting;
    if (!start && readied < n_calls) start = chance(call_percent);
    const bool ce = chance(ce_percent);
    top.ap_ce = ce;
    top.ap_start = start;
    top.ap_continue = chance(call_percent);
    top.x_empty_n = arrived > taken;
    Bytes noise(words[0].size());
    for (uint8_t& byte : noise) byte = static_cast<uint8_t>(rand());
    put(top.x_dout, arrived > taken ? words[taken] : noise);
    top.y_full_n = waiting < room;
    top.ap_clk = 0;
    top.eval();
    require(!top.x_read || (arrived > taken && ce), "a read of an empty FIFO, or without ce");
    require(!top.x_read || start, "a read before the call");
    require(!top.y_write || (waiting < room && ce), "a write to a full FIFO, or without ce");
    require(!top.ap_ready || (start && ce), "ready without start or ce");
    require(top.ap_ready == (top.x_read && taken + 1 == (readied + 1) * in_beats),
            "ready is not with the last read of a call");
    require(!top.ap_done || (given == (finished + 1) * out_beats && readied > finished),
            "done before a call's last write and ready, or late");
    require(given < (finished + 1) * out_beats || top.ap_done, "done does not follow, or is lost");
    require(!top.ap_idle || (!start && readied == finished && !top.ap_done), "idle in a call");
    const bool acknowledged = ce && top.ap_done && top.ap_continue;
    if (top.ap_ready) {
      ++readied;
      start = readied < n_calls && chance(call_percent);
    }
    if (acknowledged) ++finished;
    if (top.x_read) ++taken;
    if (top.y_write) {
      const Bytes bytes = get(top.y_din);
      fprintf(out, "%lu ", cycle);
      for (size_t i = bytes.size(); i-- > 0;) fprintf(out, "%02x", bytes[i]);
      fputc('\n', out);
      ++given;
      ++waiting;
    }
    quiet = top.x_read || top.y_write || acknowledged ? 0 : quiet + 1;
    require(quiet < 100000, "nothing moves");
    top.ap_clk = 1;
    top.eval();
    ++cycle;
  }
  for (int i = 0; i < 300; ++i) {
    top.ap_start = 0; top.ap_ce = 1; top.ap_continue = 1; top.y_full_n = 1;
    top.ap_clk = 0;
    top.eval();
    require(!top.y_write && !top.x_read && !top.ap_done, "something comes after the last call");
    require(top.ap_idle, "not idle after the last call");
    top.ap_clk = 1;
    top.eval();
  }
  fclose(out);
  top.final();
  return 0;
}
"""


@dataclass(frozen=True)
class Pace:
    """Percent of cycles: a word arrives, one leaves, ce is high, a call begins or is acknowledged.

    ``reset_at``: the cycle of a reset, after which all calls come again from the first.
    """

    arrives: int = 100
    leaves: int = 100
    ce: int = 100
    calls: int = 100
    seed: int = 1
    reset_at: int = -1


def array_steps(network: Network, schedule: Schedule) -> dict[str, Step]:
    """Return the processes that become black boxes by name."""
    steps = lower(network, schedule.beat_pixels).steps
    return {step.name: step for step in steps if step.kind in ARRAYS}


class BoxBench:
    """One black box of a written project, from what its JSON names and nothing else, or from
    ``gates`` that were made of it."""

    def __init__(
        self, hls: Path, step: Step, n_samples: int, work: Path, gates: Sequence[Path] = ()
    ) -> None:
        document = json.loads((hls / f"box_{step.name}.json").read_text())
        self.step, self.n_samples, self.work = step, n_samples, work
        work.mkdir(parents=True)
        (work / "main.cpp").write_text("#include <unistd.h>\n" + MAIN)
        top = document["rtl_top_module_name"]
        sources = [str(path) for path in gates or rtl_files(hls, step)]
        chosen = [] if gates else ['-GIMPL="generic"']
        flags = "--cc --exe -O3 --x-initial unique -Wno-fatal -Wno-lint -CFLAGS -O1"
        names = ["--prefix", "Vtop", "--top-module", top, "-o", "bench", "--Mdir", "obj"]
        self._build("verilator", *flags.split(), *names, *chosen, *sources, "main.cpp")
        for name, data in LIBRARY.items():
            (work / "obj" / name).write_bytes(data)
        made = "CFG_CXXFLAGS_PCH_I=-include"  # the wheel leaves it empty
        self._build("make", "-C", "obj", "-f", "Vtop.mk", made)
        for path in (work / "obj").glob("verilated*.o"):
            LIBRARY[path.name] = path.read_bytes()

    def _build(self, *command: str) -> None:
        environment = verilator_environment()
        done = subprocess.run(
            command, cwd=self.work, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]

    def run(self, words: list[int], pace: Pace) -> list[tuple[int, int]]:
        """Send blocks of ``words`` and return (cycle, word) of all that comes out."""
        source, output = self.step.inputs[0], self.step.output
        assert output is not None
        digits = 2 * -(-source.beat_bits * self.n_samples // 8)
        (self.work / "in.hex").write_text("".join(f"{word:0{digits}x}\n" for word in words))
        numbers = (source.n_beats, output.n_beats, pace.arrives, pace.leaves, pace.ce, pace.calls)
        arguments = map(str, (*numbers, pace.seed, pace.reset_at))
        random = ["+verilator+rand+reset+2", f"+verilator+seed+{pace.seed}"]
        command = [self.work / "obj" / "bench", "in.hex", "out.txt", *arguments, *random]
        done = subprocess.run(command, cwd=self.work, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (line.split() for line in (self.work / "out.txt").read_text().splitlines())
        return [(int(cycle), int(word, 16)) for cycle, word in lines]


def rtl_files(hls: Path, step: Step) -> list[Path]:
    """Return the Verilog that the JSON of a box names."""
    document = json.loads((hls / f"box_{step.name}.json").read_text())
    return [hls / name for name in document["rtl_files"]]


def box_words(
    network: Network, step: Step, x: IntArray, n_samples: int
) -> tuple[list[int], list[int], list[int]]:
    """Return the words that go into a box for ``x`` and those that must come out, and of each of
    these the bits that count: lanes past the end of a map hold anything.

    ``x``: integers [n, *input shape], n a multiple of ``n_samples``.
    """
    tensors = run_all(network, x)
    layer, output = step.layer, step.output
    assert layer is not None
    assert output is not None
    source = step.inputs[0]
    into, _ = _words(source, tensors[layer.inputs[0]], n_samples, 0x5A5A)
    return into, *_words(output, tensors[layer.name], n_samples, 0)


def _words(
    stream: Stream, values: IntArray, n_samples: int, filler: int
) -> tuple[list[int], list[int]]:
    flat = values.reshape(len(values), -1).astype(object)
    ones, words, masks = (1 << stream.tensor.bits) - 1, [], []
    for first in range(0, len(flat), n_samples):
        for beat in stream.beats.tolist():
            word = mask = place = 0
            for index in beat:
                for sample in range(n_samples):
                    value = int(flat[first + sample, index]) if index >= 0 else filler
                    word |= (value & ones) << place
                    mask |= ones << place if index >= 0 else 0
                    place += stream.tensor.bits
            words.append(word)
            masks.append(mask)
    return words, masks


def assert_box_exact(bench: BoxBench, network: Network, x: IntArray, pace: Pace) -> np.ndarray:
    """Assert that a box gives the reference's results; return the cycle of each write, int64."""
    into, expected, masks = box_words(network, bench.step, x, bench.n_samples)
    got = bench.run(into, pace)
    assert [word & mask for (_, word), mask in zip(got, masks, strict=True)] == expected
    return np.array([cycle for cycle, _ in got])
