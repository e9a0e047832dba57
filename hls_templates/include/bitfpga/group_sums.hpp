// Sums of groups of a window's rows, which PEs read like any other row (number system bbs).
#pragma once
#include "bitfpga/types.hpp"

namespace bitfpga {

// In place of the groups of rows: a layer without sums.
struct NoSums {};

// The sums of one window. Rows come in order, up to kLanes at once; groups[k] < kSumGroups is the
// group of row k, kSumGroups that of a row which is in none. Layer: kSumGroups, kSumLowBits.
// A sum has the type of the accumulators: one that is used is not wider than they are.
template <class Types, class Layer, class Row, unsigned kLanes, class Groups>
class GroupSums {
  using Sum =
      typename Types::template ColumnsOf<typename Types::template ArraySum<Layer>, Row::kSize>;

 public:
  enum : unsigned { kRows = 2 * Layer::kSumGroups };

  explicit GroupSums(const Groups& groups) : groups_(groups), first_(0) {
#pragma HLS ARRAY_PARTITION variable = sums_ dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = has_sum_ complete
  lanes:
    for (unsigned i = 0; i < kLanes; ++i) {
#pragma HLS UNROLL
    groups:
      for (unsigned g = 0; g < Layer::kSumGroups; ++g) {
#pragma HLS UNROLL
        has_sum_[i][g] = false;
      }
    }
  }

  // Row `lane` of those that arrive together; each lane has sums of its own.
  void add(unsigned lane, const Row& row) {
    const unsigned group = groups_[first_ + lane];
    if (group == Layer::kSumGroups) return;
    Sum sum;
    clear(sum);
    if (has_sum_[lane][group]) sum = sums_[lane][group];
    add_columns(sum, row);
    sums_[lane][group] = sum;
    has_sum_[lane][group] = true;
  }

  // On by the rows that arrived together.
  void step(unsigned n_rows) { first_ += n_rows; }

  // Two rows for each group: sum mod 2^kSumLowBits, sum >> kSumLowBits.
  template <class Writer>
  void write_to(Writer& writer) const {
  sums:
    for (unsigned i = 0; i < kRows; ++i) {
#pragma HLS PIPELINE II = 1
      Sum sum;
      get(i / 2, sum);
      Row row;
      get_half(sum, i % 2 != 0, row);
      writer.write(0, row);
      writer.step(1);
    }
  }

 private:
  void get(unsigned group, Sum& sum) const {
    clear(sum);
  lanes:
    for (unsigned i = 0; i < kLanes; ++i) {
#pragma HLS UNROLL
      if (has_sum_[i][group]) add_columns(sum, sums_[i][group]);
    }
  }

  // The right shift rounds towards minus infinity.
  static void get_half(const Sum& sum, bool high, Row& row) {
    const int mask = (1 << Layer::kSumLowBits) - 1;
  columns:
    for (unsigned v = 0; v < Row::kSize; ++v) {
#pragma HLS UNROLL
      row[v] = high ? static_cast<typename Row::Lane>(sum[v] >> Layer::kSumLowBits)
                    : static_cast<typename Row::Lane>(sum[v] & mask);
    }
  }

  const Groups& groups_;
  Sum sums_[kLanes][Layer::kSumGroups];
  bool has_sum_[kLanes][Layer::kSumGroups];
  unsigned first_;
};

template <class Types, class Layer, class Row, unsigned kLanes>
class GroupSums<Types, Layer, Row, kLanes, NoSums> {
 public:
  enum : unsigned { kRows = 0 };

  explicit GroupSums(const NoSums&) {}
  void add(unsigned, const Row&) {}
  void step(unsigned) {}
  template <class Writer>
  void write_to(Writer&) const {}
};

}  // namespace bitfpga
