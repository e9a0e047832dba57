#include "bitfpga/types.hpp"

#include "check.hpp"

using bitfpga::NativeInteger;
using bitfpga::NativeTypes;

template <unsigned kIn, unsigned kAccumulator, unsigned kScaled>
struct Config {
  enum : unsigned { kInputBits = kIn, kAccumulatorBits = kAccumulator, kScaledBits = kScaled };
};

template <class Lane>
void check_shift_left(long long value, unsigned places) {
  const long long expected = value * (1LL << places);
  CHECK_AT(places, expected, NativeTypes::shift_left(static_cast<Lane>(value), places));
}

int main() {
  CHECK(2, sizeof(NativeInteger<1>::type));
  CHECK(2, sizeof(NativeInteger<16>::type));
  CHECK(4, sizeof(NativeInteger<17>::type));
  CHECK(4, sizeof(NativeInteger<32>::type));
  CHECK(8, sizeof(NativeInteger<33>::type));
  CHECK(8, sizeof(NativeInteger<64>::type));
  CHECK(-1, static_cast<NativeInteger<9>::type>(-1));

  // An unsigned activation needs one bit more than it has, so 16 bits do not hold uint16.
  using Wide = Config<16, 16, 33>;
  CHECK(4, sizeof(NativeTypes::Activation<Wide>));
  CHECK(4, sizeof(NativeTypes::Accumulator<Wide>));
  CHECK(8, sizeof(NativeTypes::Scaled<Wide>));
  using Narrow = Config<15, 16, 16>;
  CHECK(2, sizeof(NativeTypes::Activation<Narrow>));
  CHECK(2, sizeof(NativeTypes::Scaled<Narrow>));
  CHECK(5 * 4, sizeof(bitfpga::InputColumns<NativeTypes, Wide, 5>));
  CHECK(5 * 2, sizeof(bitfpga::AccumulatorColumns<NativeTypes, Narrow, 5>));
  CHECK(9, bitfpga::max_of(9, 3));
  CHECK(9, bitfpga::max_of(3, 9));

  check_shift_left<int16_t>(-1, 15);
  check_shift_left<int16_t>(-128, 8);
  check_shift_left<int16_t>(127, 8);
  check_shift_left<int32_t>(-32768, 16);
  check_shift_left<int32_t>(-1, 31);
  check_shift_left<int64_t>(-3, 61);
  check_shift_left<int64_t>(5, 0);
  return REPORT();
}
