// Native integers for the widths of a schedule. They are wide enough for every proven width, so
// a simulation in them gives exactly what exact-width integers give, only faster.
#pragma once
#include <stdint.h>

#include "bitfpga/columns.hpp"

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

// A Config names kInputBits, kInputSigned, kAccumulatorBits and kScaledBits. Activations take the
// integers of the accumulator they enter: no conversion is left in the inner loop.
template <template <class, unsigned> class ColumnsTemplate>
struct NativeTypesOf {
  template <class Config>
  using Accumulator =
      typename NativeInteger<max_of(Config::kAccumulatorBits, Config::kInputBits + 1)>::type;
  template <class Config>
  using Activation = Accumulator<Config>;
  template <class Config>
  using Scaled = typename NativeInteger<Config::kScaledBits>::type;
  template <class Lane, unsigned kColumns>
  using ColumnsOf = ColumnsTemplate<Lane, kColumns>;

  // value * 2^places. The shift is done unsigned: a negative left operand is undefined in C++14.
  template <class Lane>
  static Lane shift_left(Lane value, unsigned places) {
    using Bits = typename UnsignedOfSize<sizeof(Lane)>::type;
    return static_cast<Lane>(static_cast<Bits>(static_cast<Bits>(value) << places));
  }
};

using NativeTypes = NativeTypesOf<Columns>;

// The row of an activation memory that feeds a layer: one value for each column.
template <class Types, class Config, unsigned kColumns>
using InputColumns =
    typename Types::template ColumnsOf<typename Types::template Activation<Config>, kColumns>;

template <class Types, class Config, unsigned kColumns>
using AccumulatorColumns =
    typename Types::template ColumnsOf<typename Types::template Accumulator<Config>, kColumns>;

}  // namespace bitfpga
