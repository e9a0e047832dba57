// Native integers for the widths of a schedule. They are wide enough for every proven width, so
// a simulation in them gives exactly what exact-width integers give, only faster.
#pragma once
#include <stdint.h>

#include "bitfpga/columns.hpp"
#include "bitfpga/stream.hpp"

// A process stays a function of its own: in synthesis it is one by being in a dataflow region.
#ifdef __SYNTHESIS__
#define BITFPGA_PROCESS
#else
#define BITFPGA_PROCESS __attribute__((noinline))
#endif

namespace bitfpga {

constexpr unsigned max_of(unsigned a, unsigned b) { return a > b ? a : b; }

// std::conditional and std::make_unsigned, without the C++ library, which not every compiler here
// has: the simulation needs C headers only.
template <bool kFirst, class First, class Second>
struct Select {
  using type = First;
};
template <class First, class Second>
struct Select<false, First, Second> {
  using type = Second;
};

template <unsigned kBytes>
struct UnsignedOfSize;
template <>
struct UnsignedOfSize<1> {
  using type = uint8_t;
};
template <>
struct UnsignedOfSize<2> {
  using type = uint16_t;
};
template <>
struct UnsignedOfSize<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOfSize<8> {
  using type = uint64_t;
};

// The smallest signed native integer of at least kBits bits.
template <unsigned kBits>
struct NativeInteger {
  static_assert(kBits <= 64, "no native integer is wider than 64 bits");
  using wide = typename Select<(kBits <= 32), int32_t, int64_t>::type;
  using type = typename Select<(kBits <= 16), int16_t, wide>::type;
};

// The inputs of a layer that has several, each a Tensor_ struct.
template <class... Inputs>
struct Tensors {};

// Bits of a signed integer that holds every value of a tensor.
template <class Tensor>
constexpr unsigned signed_bits() {
  return Tensor::kBits + (Tensor::kSigned ? 0 : 1);
}

// How the processes of an array or a pool share the work of a tile: one after the other, in one
// loop that synthesis overlaps.
struct InOneLoop {};

// Where a PE's taps come from: cells, decoded as it walks.
struct FromCells {};

template <template <class, unsigned> class ColumnsTemplate>
struct NativeTypesOf {
  using Overlap = InOneLoop;
  using TapSource = FromCells;

  template <class Tensor>
  using Lane = typename NativeInteger<signed_bits<Tensor>()>::type;
  template <class Layer>
  using Accumulator = typename NativeInteger<Layer::kAccumulatorBits>::type;
  // Inputs of an array take the integers of its accumulators: no conversion is left in the walk.
  template <class Layer>
  using ArraySum = typename NativeInteger<max_of(Layer::kAccumulatorBits,
                                                 signed_bits<typename Layer::Input>())>::type;
  template <class Layer>
  using ArrayInput = ArraySum<Layer>;
  template <class Layer>
  using Scaled = typename NativeInteger<Layer::kScaledBits>::type;
  template <class Lane, unsigned kColumns>
  using ColumnsOf = ColumnsTemplate<Lane, kColumns>;
  template <class Tensor, unsigned kSamples, unsigned kDepth>
  using Fifo =
      Stream<ColumnsTemplate<Lane<Tensor>, Tensor::kBeatPixels * kSamples>, Tensor::kBeats>;

  // value * 2^places. The shift is done unsigned: a negative left operand is undefined in C++14.
  template <class Value>
  static Value shift_left(Value value, unsigned places) {
    using Bits = typename UnsignedOfSize<sizeof(Value)>::type;
    return static_cast<Value>(static_cast<Bits>(static_cast<Bits>(value) << places));
  }
};

using NativeTypes = NativeTypesOf<Columns>;

// kBeatPixels pixels of one channel, for each of kSamples samples: lane pixel * kSamples + sample.
template <class Types, class Tensor, unsigned kSamples>
using Beat = typename Types::template ColumnsOf<typename Types::template Lane<Tensor>,
                                                Tensor::kBeatPixels * kSamples>;

}  // namespace bitfpga
