// Values side by side: one for each pixel of a tile or a beat, and each sample of a block.
// `WideColumns` has the same functions for vector registers.
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
inline void fill_with(Row& row, typename Row::Lane value) {
fill_columns:
  for (unsigned v = 0; v < Row::kSize; ++v) {
#pragma HLS UNROLL
    row[v] = value;
  }
}

template <class Row>
inline void clear(Row& row) {
  fill_with(row, 0);
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

// Columns from[kSize * part ..] of a longer row, in the lanes of `to`.
template <class From, class To>
inline void get_part(const From& from, unsigned part, To& to) {
part_columns:
  for (unsigned v = 0; v < To::kSize; ++v) {
#pragma HLS UNROLL
    to[v] = static_cast<typename To::Lane>(from[part * To::kSize + v]);
  }
}

// The reverse: `from` becomes columns [kSize * part ..] of `to`.
template <class From, class To>
inline void set_part(To& to, unsigned part, const From& from) {
part_columns:
  for (unsigned v = 0; v < From::kSize; ++v) {
#pragma HLS UNROLL
    to[part * From::kSize + v] = static_cast<typename To::Lane>(from[v]);
  }
}

// to = max(to, x) in every column.
template <class Row>
inline void take_maximum(Row& to, const Row& x) {
maximum_columns:
  for (unsigned v = 0; v < Row::kSize; ++v) {
#pragma HLS UNROLL
    to[v] = x[v] > to[v] ? x[v] : to[v];
  }
}

// sum += x in every column, x of any lanes.
template <class Sum, class Row>
inline void add_columns(Sum& sum, const Row& x) {
sum_columns:
  for (unsigned v = 0; v < Sum::kSize; ++v) {
#pragma HLS UNROLL
    sum[v] = static_cast<typename Sum::Lane>(sum[v] + x[v]);
  }
}

}  // namespace bitfpga
