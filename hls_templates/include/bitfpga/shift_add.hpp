// Multiplication by a constant as a short sum of shifted terms, and requantisation with it.
#pragma once
#include "bitfpga/columns.hpp"

namespace bitfpga {

// sum_t sign[t] * 2^shift[t]; a sign of 0 marks an unused term.
template <unsigned kTerms>
struct ShiftAdd {
  unsigned char shift[kTerms];
  signed char sign[kTerms];
};

// A multiplier and the bias that is added at the same resolution.
template <unsigned kTerms>
struct ChannelScale {
  long long bias;
  ShiftAdd<kTerms> multiplier;
};

// sum += value << places in every column; sum may have wider lanes.
template <class Types, class Sum, class Row>
inline void add_shifted(Sum& sum, const Row& value, unsigned places) {
  using Lane = typename Sum::Lane;
add_shifted_columns:
  for (unsigned v = 0; v < Sum::kSize; ++v) {
#pragma HLS UNROLL
    sum[v] = static_cast<Lane>(sum[v] + Types::shift_left(static_cast<Lane>(value[v]), places));
  }
}

template <class Types, class Sum, class Row>
inline void subtract_shifted(Sum& sum, const Row& value, unsigned places) {
  using Lane = typename Sum::Lane;
subtract_shifted_columns:
  for (unsigned v = 0; v < Sum::kSize; ++v) {
#pragma HLS UNROLL
    sum[v] = static_cast<Lane>(sum[v] - Types::shift_left(static_cast<Lane>(value[v]), places));
  }
}

// sum += value * multiplier in every column, in as many adders as the multiplier has terms.
template <class Types, class Sum, class Row, unsigned kTerms>
inline void shift_add(Sum& sum, const Row& value, const ShiftAdd<kTerms>& multiplier) {
shift_add_terms:
  for (unsigned t = 0; t < kTerms; ++t) {
#pragma HLS UNROLL
    if (multiplier.sign[t] > 0) add_shifted<Types>(sum, value, multiplier.shift[t]);
    if (multiplier.sign[t] < 0) subtract_shifted<Types>(sum, value, multiplier.shift[t]);
  }
}

// clamp((value * multiplier + bias + half) >> kShift, kLow, kHigh) in every column.
// Layer: kShift, kHalf, kLow, kHigh. The right shift rounds towards minus infinity.
template <class Types, class Layer, class From, class To, unsigned kTerms>
inline void requantise(const From& from, const ChannelScale<kTerms>& scale, To& to) {
  using Scaled = typename Types::template Scaled<Layer>;
  const Scaled low = static_cast<Scaled>(static_cast<long long>(Layer::kLow));
  const Scaled high = static_cast<Scaled>(static_cast<long long>(Layer::kHigh));
  typename Types::template ColumnsOf<Scaled, From::kSize> sum;
  fill_with(sum, static_cast<Scaled>(scale.bias + static_cast<long long>(Layer::kHalf)));
  shift_add<Types>(sum, from, scale.multiplier);
requantise_columns:
  for (unsigned v = 0; v < From::kSize; ++v) {
#pragma HLS UNROLL
    const Scaled rounded = static_cast<Scaled>(sum[v] >> Layer::kShift);
    const Scaled floored = rounded < low ? low : rounded;
    to[v] = static_cast<typename To::Lane>(floored > high ? high : floored);
  }
}

}  // namespace bitfpga
