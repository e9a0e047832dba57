// What the testbench of the Verilog needs besides Verilator: files of raw integers, random gaps.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <random>
#include <string>
#include <vector>

namespace bitfpga {

[[noreturn]] inline void fail(const std::string& message) {
  fprintf(stderr, "error: %s\n", message.c_str());
  exit(2);
}

template <class Value>
std::vector<Value> read_file(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == nullptr) fail(std::string("cannot read ") + path);
  std::vector<Value> values;
  Value value;
  while (fread(&value, sizeof value, 1, file) == 1) values.push_back(value);
  fclose(file);
  return values;
}

template <class Value>
void write_file(const char* path, const std::vector<Value>& values) {
  FILE* file = fopen(path, "wb");
  if (file == nullptr) fail(std::string("cannot write ") + path);
  const size_t written = fwrite(values.data(), sizeof(Value), values.size(), file);
  if (fclose(file) != 0 || written != values.size()) fail(std::string("cannot write ") + path);
}

// Whether a stream moves in a cycle: always, or at random with a share that changes now and then.
class Gaps {
 public:
  explicit Gaps(unsigned seed) : wanted_(seed != 0), random_(seed) {}

  bool moves() {
    if (!wanted_) return true;
    if (left_-- == 0) {
      static const unsigned kShares[] = {0, 64, 128, 230, 256, 256};
      share_ = kShares[random_() % 6];
      left_ = random_() % 96;
    }
    return random_() % 256 < share_;
  }

 private:
  bool wanted_;
  std::mt19937 random_;
  unsigned left_ = 0, share_ = 256;
};

// The tap rows of a layer, tile after tile the same; a row once offered stays until it is taken.
class TapRows {
 public:
  TapRows(const std::string& path, unsigned gaps, unsigned number)
      : rows_(read_file<uint64_t>(path.c_str())), gaps_(gaps == 0 ? 0 : gaps + 77 * (number + 1)) {
    if (rows_.empty()) fail("no rows in " + path);
  }

  bool offer() {
    offered_ = offered_ || gaps_.moves();
    return offered_;
  }
  uint64_t row() const { return rows_[next_]; }
  void take() {
    offered_ = false;
    next_ = next_ + 1 == rows_.size() ? 0 : next_ + 1;
  }
  // From the first row again; nothing is offered.
  bool restart() {
    next_ = 0;
    offered_ = false;
    return false;
  }

 private:
  std::vector<uint64_t> rows_;
  Gaps gaps_;
  size_t next_ = 0;
  bool offered_ = false;
};

}  // namespace bitfpga
