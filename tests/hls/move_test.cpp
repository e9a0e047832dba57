#include "bitfpga/move.hpp"

#include "check.hpp"

namespace {

template <class Lane>
using Row = bitfpga::Columns<Lane, 2>;

// Row i of a memory holds 10 i + base in the first column and its negative in the second.
template <class Lane, unsigned kCopies, unsigned kRows>
void fill(Row<Lane> (&memory)[kCopies][kRows], int base) {
  for (unsigned c = 0; c < kCopies; ++c) {
    for (unsigned i = 0; i < kRows; ++i) {
      const int value = i + 1 < kRows ? static_cast<int>(10 * i) + base : 0;
      memory[c][i][0] = static_cast<Lane>(value);
      memory[c][i][1] = static_cast<Lane>(-value);
    }
  }
}

template <unsigned kCopies, unsigned kRows, unsigned kCount>
void check_moved(const Row<int> (&y)[kCopies][kRows], const int (&expected)[kCount]) {
  for (unsigned c = 0; c < kCopies; ++c) {
    for (unsigned i = 0; i < kRows; ++i) {
      CHECK_AT(i, i < kCount ? expected[i] : 0, y[c][i][0]);
      CHECK_AT(i, i < kCount ? -expected[i] : 0, y[c][i][1]);
    }
  }
}

}  // namespace

int main() {
  Row<short> a[3][3];
  Row<int> b[1][4], y[2][6], small[1][2];
  fill(a, 1);
  fill(b, 5);
  // Concat of two memories, a pad (index 5 is one past the five rows of both) and a repeat.
  const unsigned source[5] = {4, 0, 5, 1, 2};
  const int joined[5] = {25, 1, 0, 11, 5};
  bitfpga::move_elements(source, y, a, b);
  check_moved(y, joined);
  const unsigned padded[1] = {2};
  const int zero[1] = {0};
  bitfpga::move_elements(padded, small, a);
  check_moved(small, zero);

  Row<int> first[1][4];
  Row<short> second[3][4];
  first[0][3][0] = second[0][3][1] = second[1][3][1] = second[2][3][1] = 99;
  bitfpga::fork(b, first, second);
  for (unsigned i = 0; i < 4; ++i) {
    CHECK_AT(i, b[0][i][0], first[0][i][0]);
    for (unsigned c = 0; c < 3; ++c) CHECK_AT(i, b[0][i][1], second[c][i][1]);
  }
  bitfpga::fork(b);  // a tensor nobody reads
  return REPORT();
}
