// WideColumns must do what Columns do, lane for lane.
#include "bitfpga/wide_columns.hpp"

#include <stdint.h>

#include "check.hpp"

// Repeatable numbers of `bits` bits, signed (a linear congruential generator).
static long long random_value(unsigned bits) {
  static unsigned long long state = 1;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return static_cast<long long>(state) >> (64 - bits);
}

template <class Lane, unsigned kColumns>
void check_equal_to_columns(unsigned bits) {
  bitfpga::WideColumns<Lane, kColumns> wide, wide_x;
  bitfpga::Columns<Lane, kColumns> plain, plain_x;
  CHECK(kColumns, static_cast<unsigned>(bitfpga::WideColumns<Lane, kColumns>::kSize));
  bitfpga::clear(wide);
  bitfpga::clear(plain);
  for (int step = 0; step < 40; ++step) {
    for (unsigned v = 0; v < kColumns; ++v) {
      plain_x[v] = static_cast<Lane>(random_value(bits));
      wide_x[v] = plain_x[v];
    }
    // A shift in every eighth step: the sums stay within the lane.
    const bool shift = step % 8 == 3, negate = (step & 2) != 0;
    bitfpga::accumulate(plain, plain_x, shift, negate);
    bitfpga::accumulate(wide, wide_x, shift, negate);
    for (unsigned v = 0; v < kColumns; ++v) CHECK_AT(v, plain[v], wide[v]);
  }
  const bitfpga::WideColumns<Lane, kColumns> copy = wide;
  for (unsigned v = 0; v < kColumns; ++v) CHECK_AT(v, plain[v], copy[v]);
  bitfpga::clear(wide);
  for (unsigned v = 0; v < kColumns; ++v) CHECK_AT(v, 0, wide[v]);
}

int main() {
  check_equal_to_columns<int16_t, 32>(6);
  check_equal_to_columns<int16_t, 128>(6);
  check_equal_to_columns<int32_t, 32>(20);
  check_equal_to_columns<int32_t, 128>(20);
  check_equal_to_columns<int64_t, 32>(50);
  check_equal_to_columns<int64_t, 128>(50);
  CHECK(128, bitfpga::simulation_columns(512));
  CHECK(32, bitfpga::simulation_columns(513));
  return REPORT();
}
