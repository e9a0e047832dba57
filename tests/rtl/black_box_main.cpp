// Plays what Vitis HLS makes around a black box: a FIFO before it and one behind, ap_ctrl_chain,
// and a clock enable. Ends with an error where the box breaks a rule of either.
#include <unistd.h>

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
  auto clock = [&] {
    top.ap_clk = 0;
    top.eval();
    top.ap_clk = 1;
    top.eval();
  };
  auto reset = [&] {
    top.ap_rst = 1;
    top.ap_start = 0;
    top.ap_ce = 1;
    top.ap_continue = 0;
    top.x_empty_n = 0;
    top.y_full_n = 1;
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
    top.ap_start = 0;
    top.ap_ce = 1;
    top.ap_continue = 1;
    top.y_full_n = 1;
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
