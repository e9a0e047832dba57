// Blocks of every size from empty to full, to memory and back.
#include "bitfpga/block_io.hpp"

#include <stdint.h>

#include "check.hpp"

namespace {

enum : unsigned { kColumns = 4, kElements = 3, kValues = 12 };

void check_block(unsigned n_samples) {
  int8_t x[kValues];
  for (unsigned i = 0; i < kValues; ++i) x[i] = static_cast<int8_t>(static_cast<int>(i) * 23 - 128);
  bitfpga::Columns<int, kColumns> memory[2][kElements + 1];
  for (auto& copy : memory) {
    for (auto& row : copy) row = bitfpga::Columns<int, kColumns>{{7, 7, 7, 7}};
  }
  bitfpga::load_block(x, n_samples, memory);
  for (unsigned c = 0; c < 2; ++c) {
    for (unsigned i = 0; i <= kElements; ++i) {
      for (unsigned v = 0; v < kColumns; ++v) {
        const bool filled = v < n_samples && i < kElements;
        CHECK_AT(i, filled ? x[v * kElements + i] : 0, memory[c][i][v]);
      }
    }
  }
  int16_t y[kValues];
  for (int16_t& value : y) value = 9999;
  bitfpga::store_block(memory, n_samples, y);
  for (unsigned i = 0; i < kValues; ++i) CHECK_AT(i, i < n_samples * kElements ? x[i] : 9999, y[i]);
}

}  // namespace

int main() {
  for (unsigned n_samples = 0; n_samples <= kColumns; ++n_samples) check_block(n_samples);
  return REPORT();
}
