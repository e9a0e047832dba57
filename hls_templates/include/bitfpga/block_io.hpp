// A block of samples between memory (one sample after the other) and columns (side by side).
#pragma once
#include "bitfpga/dense.hpp"

namespace bitfpga {

// Reads n_samples samples of kElements values; columns beyond them are zero.
template <class Element, class Row, unsigned kCopies, unsigned kRows>
void load_block(const Element* x, unsigned n_samples, Row (&memory)[kCopies][kRows]) {
  const unsigned kElements = kRows - 1;
elements:
  for (unsigned i = 0; i < kElements; ++i) {
    Row row;
  columns:
    for (unsigned v = 0; v < Row::kSize; ++v) {
#pragma HLS PIPELINE II = 1
      row[v] = v < n_samples ? static_cast<typename Row::Lane>(x[v * kElements + i])
                             : static_cast<typename Row::Lane>(0);
    }
    write_row(memory, i, row);
  }
  write_zero_row(memory);
}

// Writes n_samples samples of kElements values.
template <class Element, class Row, unsigned kCopies, unsigned kRows>
void store_block(const Row (&memory)[kCopies][kRows], unsigned n_samples, Element* y) {
  const unsigned kElements = kRows - 1;
columns:
  for (unsigned v = 0; v < n_samples; ++v) {
#pragma HLS LOOP_TRIPCOUNT max = Row::kSize
  elements:
    for (unsigned i = 0; i < kElements; ++i) {
#pragma HLS PIPELINE II = 1
      y[v * kElements + i] = static_cast<Element>(memory[0][i][v]);
    }
  }
}

}  // namespace bitfpga
