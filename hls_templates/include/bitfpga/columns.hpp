// One value for each column of a PE, side by side: V samples that share every tap.
#pragma once

namespace bitfpga {

template <class LaneType, unsigned kColumns>
struct Columns {
  using Lane = LaneType;
  enum : unsigned { kSize = kColumns };
  Lane lane[kColumns];

  const Lane& operator[](unsigned column) const { return lane[column]; }
  Lane& operator[](unsigned column) { return lane[column]; }
};

template <class Row>
inline void clear(Row& row) {
clear_columns:
  for (unsigned v = 0; v < Row::kSize; ++v) {
#pragma HLS UNROLL
    row[v] = 0;
  }
}

// acc = (shift ? 2 acc : acc) ± x in every column: the whole arithmetic of a PE.
template <class Accumulator, class Activation, unsigned kColumns>
inline void accumulate(Columns<Accumulator, kColumns>& acc, const Columns<Activation, kColumns>& x,
                       bool shift, bool negate) {
accumulate_columns:
  for (unsigned v = 0; v < kColumns; ++v) {
#pragma HLS UNROLL
    const Accumulator before = shift ? static_cast<Accumulator>(acc[v] + acc[v]) : acc[v];
    acc[v] =
        negate ? static_cast<Accumulator>(before - x[v]) : static_cast<Accumulator>(before + x[v]);
  }
}

}  // namespace bitfpga
