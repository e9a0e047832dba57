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

void check_parts() {
  bitfpga::Columns<int16_t, 6> row;
  bitfpga::fill_with(row, static_cast<int16_t>(-9));
  for (unsigned v = 0; v < 6; ++v) CHECK_AT(v, -9, row[v]);
  const bitfpga::Columns<int, 2> part = {{70, -80}};
  bitfpga::set_part(row, 1, part);
  const int placed[6] = {-9, -9, 70, -80, -9, -9};
  for (unsigned v = 0; v < 6; ++v) CHECK_AT(v, placed[v], row[v]);
  bitfpga::Columns<long long, 3> half;
  bitfpga::get_part(row, 1, half);
  for (unsigned v = 0; v < 3; ++v) CHECK_AT(v, placed[3 + v], half[v]);
}

void check_reductions() {
  bitfpga::Columns<int16_t, 3> row = {{-5, 4, 4}};
  const bitfpga::Columns<int16_t, 3> other = {{-6, 9, 4}};
  bitfpga::take_maximum(row, other);
  const int greatest[3] = {-5, 9, 4};
  for (unsigned v = 0; v < 3; ++v) CHECK_AT(v, greatest[v], row[v]);
  bitfpga::Columns<int, 3> sum = {{100000, 0, -1}};
  bitfpga::add_columns(sum, other);
  const int sums[3] = {99994, 9, 3};
  for (unsigned v = 0; v < 3; ++v) CHECK_AT(v, sums[v], sum[v]);
}

int main() {
  check_parts();
  check_reductions();
  check_accumulate<int16_t, int16_t>(-16384 + 256, -255, -32768 + 512);
  check_accumulate<int32_t, uint8_t>(1000000, 255, 2000000);
  check_accumulate<int64_t, int16_t>(-5000000000, -32768, -10000000000);
  CHECK(7, (bitfpga::Columns<int8_t, 7>::kSize));
  return REPORT();
}
