#include "bitfpga/types.hpp"

#include "check.hpp"

using bitfpga::NativeInteger;
using bitfpga::NativeTypes;

template <unsigned kB, bool kS>
struct Tensor {
  enum : unsigned { kBits = kB, kBeatPixels = 5, kBeats = 3 };
  enum : bool { kSigned = kS };
};

template <class In, unsigned kAccumulator, unsigned kScaled>
struct Layer {
  using Input = In;
  enum : unsigned { kAccumulatorBits = kAccumulator, kScaledBits = kScaled };
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
  CHECK(17, (bitfpga::signed_bits<Tensor<16, false>>()));
  CHECK(16, (bitfpga::signed_bits<Tensor<16, true>>()));
  CHECK(4, sizeof(NativeTypes::Lane<Tensor<16, false>>));
  CHECK(2, sizeof(NativeTypes::Lane<Tensor<16, true>>));
  CHECK(2, sizeof(NativeTypes::Lane<Tensor<1, false>>));
  using Wide = Layer<Tensor<16, false>, 16, 33>;
  CHECK(4, sizeof(NativeTypes::ArraySum<Wide>));
  CHECK(4, sizeof(NativeTypes::ArrayInput<Wide>));
  CHECK(2, sizeof(NativeTypes::Accumulator<Wide>));
  CHECK(8, sizeof(NativeTypes::Scaled<Wide>));
  using Narrow = Layer<Tensor<15, false>, 16, 16>;
  CHECK(2, sizeof(NativeTypes::ArraySum<Narrow>));
  CHECK(2, sizeof(NativeTypes::Scaled<Narrow>));
  using Deep = Layer<Tensor<3, true>, 33, 16>;
  CHECK(8, sizeof(NativeTypes::ArrayInput<Deep>));
  CHECK(2 * 5 * 4, sizeof(bitfpga::Beat<NativeTypes, Tensor<16, false>, 2>));
  NativeTypes::Fifo<Tensor<4, true>, 2, 7> fifo;
  CHECK(10, (bitfpga::Beat<NativeTypes, Tensor<4, true>, 2>::kSize));
  CHECK(true, fifo.empty());
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
