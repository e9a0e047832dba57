#include "bitfpga/shift_add.hpp"

#include "bitfpga/types.hpp"
#include "check.hpp"

using bitfpga::ChannelScale;
using bitfpga::Columns;
using bitfpga::NativeTypes;
using bitfpga::ShiftAdd;

template <unsigned kScaled, unsigned kRightShift, long long kLeast, long long kGreatest>
struct Config {
  enum : unsigned {
    kInputBits = 8,
    kAccumulatorBits = 32,
    kScaledBits = kScaled,
    kShift = kRightShift
  };
  enum : long long { kHalf = (1LL << kShift) >> 1, kLow = kLeast, kHigh = kGreatest };
};

// floor(value / 2^places) without any shift of a negative number.
long long floor_divide(long long value, unsigned places) {
  const long long divisor = 1LL << places, quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

template <class Layer, class Lane, unsigned kTerms>
void check_requantise(const ChannelScale<kTerms>& scale, long long multiplier, const Lane* inputs) {
  enum : unsigned { kColumns = 6 };
  Columns<Lane, kColumns> from;
  Columns<int, kColumns> to;
  for (unsigned v = 0; v < kColumns; ++v) from[v] = inputs[v];
  bitfpga::requantise<NativeTypes, Layer>(from, scale, to);
  for (unsigned v = 0; v < kColumns; ++v) {
    const long long sum = inputs[v] * multiplier + scale.bias;
    long long expected = floor_divide(2 * sum + 2 * Layer::kHalf, Layer::kShift + 1);
    if (expected < Layer::kLow) expected = Layer::kLow;
    if (expected > Layer::kHigh) expected = Layer::kHigh;
    CHECK_AT(v, expected, to[v]);
  }
}

// start + value * multiplier.
template <class Lane, unsigned kTerms>
long long added(Lane start, Lane value, const ShiftAdd<kTerms>& multiplier) {
  Columns<Lane, 2> sum = {{start, 0}};
  const Columns<Lane, 2> x = {{value, 1}};
  bitfpga::shift_add<NativeTypes>(sum, x, multiplier);
  return sum[0];
}

int main() {
  const ShiftAdd<1> minus_four = {{2}, {-1}};
  CHECK(17 - 4 * 5, added(17, 5, minus_four));
  CHECK(17 + 4 * 5, added(17, -5, minus_four));
  const ShiftAdd<3> eleven = {{4, 2, 0}, {1, -1, -1}};
  CHECK(-11 * 300, added(0, -300, eleven));
  const ShiftAdd<3> unused = {{0, 9, 0}, {0, 0, 1}};
  CHECK(1 + 77, added(1, 77, unused));
  const ShiftAdd<2> large = {{40, 0}, {1, 1}};
  CHECK(-((1LL << 40) + 1), added<long long>(0, -1, large));
  // The sum's lanes are wider than those that are added.
  Columns<int, 1> wide_sum = {{-70000}};
  const Columns<int16_t, 1> narrow = {{-30000}};
  bitfpga::add_shifted<NativeTypes>(wide_sum, narrow, 3);
  CHECK(-70000 - 240000, wide_sum[0]);
  bitfpga::subtract_shifted<NativeTypes>(wide_sum, narrow, 3);
  CHECK(-70000, wide_sum[0]);

  // Half up, on both sides of zero: -1.5 -> -1, -0.5 -> 0, 0.5 -> 1, 1.5 -> 2.
  const int halves[] = {-6, -2, -1, 2, 6, 5};
  check_requantise<Config<32, 2, -99, 99>>(ChannelScale<1>{0, {{0}, {1}}}, 1, halves);
  Columns<int, 2> edges = {{-6, 6}};
  Columns<int, 2> rounded;
  bitfpga::requantise<NativeTypes, Config<32, 2, -99, 99>>(edges, ChannelScale<1>{0, {{0}, {1}}},
                                                           rounded);
  CHECK_AT(0, -1, rounded[0]);
  CHECK_AT(1, 2, rounded[1]);

  const int wide[] = {-1000, -129, -128, 127, 128, 1000};
  check_requantise<Config<32, 0, -128, 127>>(ChannelScale<1>{0, {{0}, {1}}}, 1, wide);
  check_requantise<Config<32, 0, 0, 65535>>(ChannelScale<1>{-3, {{3}, {-1}}}, -8, wide);
  check_requantise<Config<32, 5, -77, 50>>(ChannelScale<3>{123, {{4, 2, 0}, {1, -1, -1}}}, 11,
                                           wide);
  check_requantise<Config<32, 5, 3, 3>>(ChannelScale<1>{0, {{0}, {0}}}, 0, wide);
  const long long huge[] = {-1000000000, -129, 0, 127, 128, 1000000000};
  check_requantise<Config<64, 40, -32768, 32767>>(
      ChannelScale<2>{-5000000000000, {{30, 0}, {1, 1}}}, (1LL << 30) + 1, huge);
  return REPORT();
}
