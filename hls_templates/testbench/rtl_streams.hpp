// What the testbench of the Verilog needs besides Verilator: files of raw integers, random gaps.
#pragma once
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

}  // namespace bitfpga
