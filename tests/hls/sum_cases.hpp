// Sums of groups of rows, against plain sums and floor divisions.
#pragma once
#include "bitfpga/group_sums.hpp"
#include "maps.hpp"

// kG groups of rows of kB bits.
template <unsigned kB, bool kS, unsigned kG, unsigned kAcc>
struct SumLayer {
  using Input = TestTensor<kB, kS, 1, 1, 1>;
  enum : unsigned { kAccumulatorBits = kAcc, kSumGroups = kG, kSumLowBits = kS ? kB - 1 : kB };
};

// Keeps the rows that are written, one by one.
template <class Row, unsigned kRows>
struct WrittenRows {
  Row row[kRows];
  unsigned n;
  void write(unsigned lane, const Row& value) { row[n + lane] = value; }
  void step(unsigned n_rows) { n += n_rows; }
};

// kRows rows, kLanes at once; one in five is in no group, all are at an end of the range if `edge`.
template <class Types, class Layer, unsigned kLanes, unsigned kRows, unsigned kColumns>
void check_group_sums(bool edge) {
  using Input = typename Layer::Input;
  using Lane = typename Types::template ArrayInput<Layer>;
  using Row = typename Types::template ColumnsOf<Lane, kColumns>;
  enum : unsigned { kGroups = Layer::kSumGroups };
  using Groups = unsigned[kRows];
  Groups groups;
  long long expected[kGroups][kColumns] = {};
  for (unsigned& group : groups) group = random_below(5) == 0 ? kGroups : random_below(kGroups);
  bitfpga::GroupSums<Types, Layer, Row, kLanes, Groups> sums(groups);
  for (unsigned k = 0; k < kRows; ++k) {
    Row row;
    for (unsigned v = 0; v < kColumns; ++v) {
      const long long value = !edge        ? lowest<Input>() + random_below(1U << Input::kBits)
                              : v % 2 == 0 ? lowest<Input>()
                                           : highest<Input>();
      row[v] = static_cast<Lane>(value);
      if (groups[k] < kGroups) expected[groups[k]][v] += value;
    }
    sums.add(k % kLanes, row);
    if (k % kLanes + 1 == kLanes) sums.step(kLanes);
  }
  static WrittenRows<Row, 2 * kGroups> written;
  written.n = 0;
  sums.write_to(written);
  CHECK(2 * kGroups, written.n);
  const long long unit = 1LL << Layer::kSumLowBits;
  for (unsigned i = 0; i < kGroups * kColumns; ++i) {
    const unsigned g = i / kColumns, v = i % kColumns;
    const long long high = floor_divide(expected[g][v], Layer::kSumLowBits);
    CHECK_AT(i, expected[g][v] - high * unit, static_cast<long long>(written.row[2 * g][v]));
    CHECK_AT(i, high, static_cast<long long>(written.row[2 * g + 1][v]));
  }
}

template <class Types, unsigned kColumns>
void check_all_group_sums() {
  for (unsigned run = 0; run < 4; ++run) {
    const bool edge = run == 3;
    check_group_sums<Types, SumLayer<8, true, 3, 16>, 1, 40, kColumns>(edge);
    check_group_sums<Types, SumLayer<8, false, 3, 16>, 4, 64, kColumns>(edge);
    check_group_sums<Types, SumLayer<4, true, 7, 16>, 2, 30, kColumns>(edge);
    check_group_sums<Types, SumLayer<16, false, 1, 22>, 2, 20, kColumns>(edge);
    check_group_sums<Types, SumLayer<2, false, 9, 16>, 1, 3, kColumns>(edge);
  }
}
