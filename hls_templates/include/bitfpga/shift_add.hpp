// Multiplication by a constant as a short sum of shifted terms, and requantisation with it.
#pragma once

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

// sum + value * multiplier, in as many adders as the multiplier has terms.
template <class Types, class Scaled, class Value, unsigned kTerms>
inline Scaled shift_add(Scaled sum, Value value, const ShiftAdd<kTerms>& multiplier) {
shift_add_terms:
  for (unsigned t = 0; t < kTerms; ++t) {
#pragma HLS UNROLL
    const Scaled term = Types::shift_left(static_cast<Scaled>(value), multiplier.shift[t]);
    if (multiplier.sign[t] > 0) sum = static_cast<Scaled>(sum + term);
    if (multiplier.sign[t] < 0) sum = static_cast<Scaled>(sum - term);
  }
  return sum;
}

// clamp((value * multiplier + bias + half) >> kShift, kLow, kHigh) in every column.
// Config: kShift, kHalf, kLow, kHigh. The right shift rounds towards minus infinity.
template <class Types, class Config, class From, class To, unsigned kTerms>
inline void requantise(const From& from, const ChannelScale<kTerms>& scale, To& to) {
  using Scaled = typename Types::template Scaled<Config>;
  const Scaled start = static_cast<Scaled>(scale.bias + static_cast<long long>(Config::kHalf));
  const Scaled low = static_cast<Scaled>(static_cast<long long>(Config::kLow));
  const Scaled high = static_cast<Scaled>(static_cast<long long>(Config::kHigh));
requantise_columns:
  for (unsigned v = 0; v < From::kSize; ++v) {
#pragma HLS UNROLL
    const Scaled sum = shift_add<Types>(start, from[v], scale.multiplier);
    const Scaled rounded = static_cast<Scaled>(sum >> Config::kShift);
    const Scaled floored = rounded < low ? low : rounded;
    to[v] = static_cast<typename To::Lane>(floored > high ? high : floored);
  }
}

}  // namespace bitfpga
