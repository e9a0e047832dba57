// Layers that treat each element by itself, one element a cycle.
#pragma once
#include "bitfpga/dense.hpp"

namespace bitfpga {

// The input requantised: scale has one entry, or one for each element.
template <class Types, class Config, class InRow, unsigned kInCopies, unsigned kInRows,
          unsigned kTerms, unsigned kScales, class OutRow, unsigned kOutCopies, unsigned kOutRows>
void scale_elements(const InRow (&x)[kInCopies][kInRows],
                    const ChannelScale<kTerms> (&scale)[kScales],
                    OutRow (&output)[kOutCopies][kOutRows]) {
  static_assert(kScales == 1 || kScales == Config::kElements, "one scale, or one per element");
elements:
  for (unsigned i = 0; i < Config::kElements; ++i) {
#pragma HLS PIPELINE II = 1
    OutRow row;
    requantise<Types, Config>(x[0][i], scale[kScales == 1 ? 0 : i], row);
    write_row(output, i, row);
  }
  write_zero_row(output);
}

// table[x - kTableLow]: any function of one activation.
template <class Config, class InRow, unsigned kInCopies, unsigned kInRows, unsigned kEntries,
          class OutRow, unsigned kOutCopies, unsigned kOutRows>
void look_up(const InRow (&x)[kInCopies][kInRows], const int (&table)[kEntries],
             OutRow (&output)[kOutCopies][kOutRows]) {
elements:
  for (unsigned i = 0; i < Config::kElements; ++i) {
#pragma HLS PIPELINE II = 1
    OutRow row;
  columns:
    for (unsigned v = 0; v < InRow::kSize; ++v) {
#pragma HLS UNROLL
      const int entry = static_cast<int>(x[0][i][v]) - static_cast<int>(Config::kTableLow);
      row[v] = static_cast<typename OutRow::Lane>(table[entry]);
    }
    write_row(output, i, row);
  }
  write_zero_row(output);
}

// sum += x * weight in every column; the last call of the pack ends the recursion.
template <class Types, class Accumulator, unsigned kTerms>
inline void add_terms(unsigned, unsigned, const ShiftAdd<kTerms>*, Accumulator&) {}

template <class Types, class Accumulator, unsigned kTerms, class InRow, unsigned kInCopies,
          unsigned kInRows, class... Rest>
inline void add_terms(unsigned element, unsigned input, const ShiftAdd<kTerms>* weights,
                      Accumulator& sum, const InRow (&x)[kInCopies][kInRows], const Rest&... rest) {
add_columns:
  for (unsigned v = 0; v < Accumulator::kSize; ++v) {
#pragma HLS UNROLL
    sum[v] = shift_add<Types>(sum[v], x[0][element][v], weights[input]);
  }
  add_terms<Types>(element, input + 1, weights, sum, rest...);
}

// sum_k weights[k] * inputs[k], requantised.
template <class Types, class Config, unsigned kInputCount, unsigned kWeightTerms, unsigned kTerms,
          unsigned kScales, class OutRow, unsigned kOutCopies, unsigned kOutRows, class... Inputs>
void add_elements(const ShiftAdd<kWeightTerms> (&weights)[kInputCount],
                  const ChannelScale<kTerms> (&scale)[kScales],
                  OutRow (&output)[kOutCopies][kOutRows], const Inputs&... inputs) {
  static_assert(sizeof...(Inputs) == kInputCount, "one weight per input");
  static_assert(kScales == 1 || kScales == Config::kElements, "one scale, or one per element");
elements:
  for (unsigned i = 0; i < Config::kElements; ++i) {
#pragma HLS PIPELINE II = 1
    AccumulatorColumns<Types, Config, OutRow::kSize> sum;
    clear(sum);
    add_terms<Types>(i, 0, weights, sum, inputs...);
    OutRow row;
    requantise<Types, Config>(sum, scale[kScales == 1 ? 0 : i], row);
    write_row(output, i, row);
  }
  write_zero_row(output);
}

}  // namespace bitfpga
