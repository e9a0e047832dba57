// WideColumns must do what Columns do, lane for lane.
#include "bitfpga/wide_columns.hpp"

#include <stdint.h>

#include "array_cases.hpp"
#include "check.hpp"
#include "element_cases.hpp"
#include "host_io_cases.hpp"
#include "move_cases.hpp"
#include "pool_cases.hpp"
#include "sum_cases.hpp"
#include "vector_cases.hpp"

// Repeatable numbers of `bits` bits, signed (a linear congruential generator).
static long long random_value(unsigned bits) {
  static unsigned long long state = 1;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return static_cast<long long>(state) >> (64 - bits);
}

// The words of a job against the same taps, one at a time, in plain columns.
template <class Lane, unsigned kColumns>
void check_equal_to_columns(unsigned bits) {
  enum : unsigned { kRows = 5, kWords = 40 };
  static bitfpga::WideColumns<Lane, kColumns> window[kRows], result;
  bitfpga::Columns<Lane, kColumns> plain[kRows], sum;
  CHECK(kColumns, static_cast<unsigned>(bitfpga::WideColumns<Lane, kColumns>::kSize));
  for (unsigned i = 0; i < kRows; ++i) {
    for (unsigned v = 0; v < kColumns; ++v) {
      window[i][v] = plain[i][v] = static_cast<Lane>(random_value(bits));
    }
  }
  bitfpga::clear(sum);
  uint32_t words[kWords];
  for (unsigned i = 0; i < kWords; ++i) {
    // A shift in every eighth word: the sums stay within the lane.
    const bool shift = i % 8 == 3, negate = (i & 2) != 0;
    words[i] = i * 7 % kRows << 2 | (shift ? 2U : 0U) | (negate ? 1U : 0U);
    bitfpga::accumulate(sum, plain[i * 7 % kRows], shift, negate);
  }
  bitfpga::walk_words(words, kWords, window, result);
  for (unsigned v = 0; v < kColumns; ++v) CHECK_AT(v, sum[v], result[v]);
  bitfpga::walk_words(words, 0, window, result);
  for (unsigned v = 0; v < kColumns; ++v) CHECK_AT(v, 0, result[v]);
}

template <class Lane>
void check_parts() {
  bitfpga::WideColumns<Lane, 128> row;
  bitfpga::WideColumns<Lane, 32> part;
  for (unsigned v = 0; v < 128; ++v) row[v] = static_cast<Lane>(v);
  bitfpga::get_part(row, 2, part);
  for (unsigned v = 0; v < 32; ++v) CHECK_AT(v, 64 + v, part[v]);
  bitfpga::set_part(row, 1, part);
  for (unsigned v = 0; v < 128; ++v) CHECK_AT(v, v / 32 == 1 ? v + 32 : v, row[v]);
}

int main() {
  check_equal_to_columns<int16_t, 32>(6);
  check_equal_to_columns<int16_t, 3 * 256>(6);
  check_equal_to_columns<int32_t, 32>(20);
  check_equal_to_columns<int64_t, 128>(50);
  CHECK(128, bitfpga::simulation_samples(1, 1024));
  CHECK(64, bitfpga::simulation_samples(1, 1025));
  CHECK(64, bitfpga::simulation_samples(8, 1));
  CHECK(32, bitfpga::simulation_samples(16, 1));
  CHECK(32, bitfpga::simulation_samples(1, 2049));
  check_parts<int16_t>();
  check_parts<int64_t>();
  check_window_arrays<bitfpga::WideTypes, 32>();
  check_vector_arrays<bitfpga::WideTypes, 32>();
  check_pools<bitfpga::WideTypes, 32>();
  check_all_group_sums<bitfpga::WideTypes, 32>();
  check_elements<bitfpga::WideTypes, 32>();
  check_moves<bitfpga::WideTypes, 32>();
  check_host_ios<bitfpga::WideTypes, 32>();
  return REPORT();
}
