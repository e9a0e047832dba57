#include "bitfpga/columns.hpp"

#include <stdint.h>

#include "check.hpp"

template <class Accumulator, class Activation>
void check_accumulate(long long before, long long x, long long shifted) {
  enum : unsigned { kColumns = 3 };
  for (int mode = 0; mode < 4; ++mode) {
    const bool shift = (mode & 1) != 0, negate = (mode & 2) != 0;
    bitfpga::Columns<Accumulator, kColumns> acc;
    bitfpga::Columns<Activation, kColumns> row;
    bitfpga::clear(acc);
    bitfpga::clear(row);
    for (unsigned v = 0; v < kColumns; ++v) CHECK_AT(v, 0, acc[v]);
    acc[1] = static_cast<Accumulator>(before);
    row[1] = static_cast<Activation>(x);
    bitfpga::accumulate(acc, row, shift, negate);
    CHECK_AT(mode, 0, acc[0]);
    CHECK_AT(mode, (shift ? shifted : before) + (negate ? -x : x), acc[1]);
    CHECK_AT(mode, 0, acc[2]);
  }
}

int main() {
  check_accumulate<int16_t, int16_t>(-16384 + 256, -255, -32768 + 512);
  check_accumulate<int32_t, uint8_t>(1000000, 255, 2000000);
  check_accumulate<int64_t, int16_t>(-5000000000, -32768, -10000000000);
  CHECK(7, (bitfpga::Columns<int8_t, 7>::kSize));
  return REPORT();
}
