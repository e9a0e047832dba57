// Exact widths: the same layer in ap_int and in native integers, at the limits of its widths.
#include "bitfpga/ap_types.hpp"

#include "bitfpga/pe.hpp"
#include "bitfpga/shift_add.hpp"
#include "bitfpga/types.hpp"
#include "check.hpp"

template <bool kSigned>
struct Config {
  enum : unsigned { kInputBits = 5, kAccumulatorBits = 9, kScaledBits = 14, kShift = 3 };
  enum : long long { kHalf = 4, kLow = -16, kHigh = 15 };
  enum : bool { kInputSigned = kSigned };
};

template <class Types, class Layer>
void run(int least, int greatest, int (&values)[4]) {
  bitfpga::InputColumns<Types, Layer, 2> x[3];
  x[0][0] = x[1][1] = least;
  x[0][1] = x[1][0] = greatest;
  bitfpga::clear(x[2]);
  // 3 x0 - 4 x1 in two planes and a shift between them: (x0 - x1) 2 + x0, then 2 more.
  const unsigned short words[5] = {0 << 3, 1 << 3 | 1, 2 << 3 | 2, 0 << 3 | 2 | 1, 1 << 3 | 1 | 4};
  bitfpga::AccumulatorColumns<Types, Layer, 2> results[1];
  bitfpga::walk_taps<2, 2>(x, 0, words, 5, results);
  bitfpga::Columns<int, 2> y;
  const bitfpga::ChannelScale<2> scale = {-1000, {{4, 0}, {1, -1}}};
  bitfpga::requantise<Types, Layer>(results[0], scale, y);
  for (unsigned v = 0; v < 2; ++v) {
    values[v] = static_cast<int>(results[0][v]);
    values[2 + v] = y[v];
  }
}

template <bool kSigned>
void check_equal(int least, int greatest) {
  int exact[4], native[4];
  run<bitfpga::ApTypes, Config<kSigned>>(least, greatest, exact);
  run<bitfpga::NativeTypes, Config<kSigned>>(least, greatest, native);
  for (unsigned i = 0; i < 4; ++i) CHECK_AT(i, native[i], exact[i]);
  CHECK(3 * least - 5 * greatest, exact[0]);
}

int main() {
  check_equal<true>(-16, 15);
  check_equal<false>(0, 31);
  using Signed = bitfpga::ApTypes::Activation<Config<true>>;
  using Unsigned = bitfpga::ApTypes::Activation<Config<false>>;
  CHECK(-1, static_cast<int>(Signed(31)));
  CHECK(31, static_cast<int>(Unsigned(31)));
  const ap_int<14> shifted = bitfpga::ApTypes::shift_left(ap_int<14>(-3), 11);
  CHECK(-3 * 2048, static_cast<int>(shifted));
  return REPORT();
}
