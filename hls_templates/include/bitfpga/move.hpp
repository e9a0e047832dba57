// Layers that only move values, and the fork that gives each of two readers its own memory.
#pragma once
#include "bitfpga/dense.hpp"

namespace bitfpga {

template <class From, class To>
inline void copy_columns(const From& from, To& to) {
copy_columns:
  for (unsigned v = 0; v < From::kSize; ++v) {
#pragma HLS UNROLL
    to[v] = static_cast<typename To::Lane>(from[v]);
  }
}

// Row `index` of the inputs counted one after the other; beyond them, zero.
template <class OutRow>
inline void pick_row(unsigned, OutRow& row) {
  clear(row);
}

template <class OutRow, class InRow, unsigned kInCopies, unsigned kInRows, class... Rest>
inline void pick_row(unsigned index, OutRow& row, const InRow (&x)[kInCopies][kInRows],
                     const Rest&... rest) {
  if (index < kInRows - 1) {
    copy_columns(x[0][index], row);
  } else {
    pick_row(index - (kInRows - 1), row, rest...);
  }
}

// output[i] = inputs[source[i]]: concat, transpose, pad and slice are such maps.
template <unsigned kElements, class OutRow, unsigned kOutCopies, unsigned kOutRows, class... Inputs>
void move_elements(const unsigned (&source)[kElements], OutRow (&output)[kOutCopies][kOutRows],
                   const Inputs&... inputs) {
elements:
  for (unsigned i = 0; i < kElements; ++i) {
#pragma HLS PIPELINE II = 1
    OutRow row;
    pick_row(source[i], row, inputs...);
    write_row(output, i, row);
  }
  write_zero_row(output);
}

template <class InRow, unsigned kInCopies, unsigned kInRows>
inline void fork_row(const InRow (&)[kInCopies][kInRows], unsigned) {}

template <class InRow, unsigned kInCopies, unsigned kInRows, class OutRow, unsigned kOutCopies,
          unsigned kOutRows, class... Rest>
inline void fork_row(const InRow (&x)[kInCopies][kInRows], unsigned i,
                     OutRow (&output)[kOutCopies][kOutRows], Rest&... rest) {
  OutRow row;
  copy_columns(x[0][i], row);
  write_row(output, i, row);
  fork_row(x, i, rest...);
}

// Copies one memory into several: in a dataflow region a memory has one writer and one reader.
template <class InRow, unsigned kInCopies, unsigned kInRows, class... Outputs>
void fork(const InRow (&x)[kInCopies][kInRows], Outputs&... outputs) {
elements:
  for (unsigned i = 0; i < kInRows; ++i) {
#pragma HLS PIPELINE II = 1
    fork_row(x, i, outputs...);
  }
}

}  // namespace bitfpga
