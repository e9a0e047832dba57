// Both walks against a plain loop over the weights the words stand for.
#include "bitfpga/pe.hpp"

#include <stdint.h>

#include "check.hpp"

namespace {

enum : unsigned {
  kInputs = 3,
  kFirst = 2,
  kZero = 6,
  kRows = 7,
  kColumns = 2,
  kNegate = 1,
  kShift = 2,
  kLast = 4
};
using Row = bitfpga::Columns<int, kColumns>;

constexpr uint16_t word(unsigned index, unsigned flags) {
  return static_cast<uint16_t>(index << 3 | flags);
}

// PE 0: outputs 4 x0 - x2 (planes 2 and 0) and x1. PE 1: 10 x0 + 8 x1 - 2 x2 over two empty planes,
// read as 2 (5 x0 + 4 x1 - x2). Both end in words that do nothing.
const uint16_t kWords[2][6] = {
    {word(0, 0), word(kInputs, kShift), word(2, kShift | kNegate | kLast), word(1, kLast),
     word(kInputs, 0), word(kInputs, 0)},
    {word(0, 0), word(1, 0), word(kInputs, kShift), word(0, kShift), word(2, kNegate | kLast),
     word(kInputs, 0)},
};
const int kWeights[2][2][kInputs] = {{{4, 0, -1}, {0, 1, 0}}, {{5, 4, -1}, {0, 0, 0}}};
const unsigned kSlots[2] = {2, 1};

void fill(Row (&x)[kRows]) {
  for (unsigned i = 0; i < kRows; ++i) {
    for (unsigned v = 0; v < kColumns; ++v) {
      x[i][v] = i == kZero ? 0 : static_cast<int>(100 * i + 7) * (v == 0 ? 1 : -3);
    }
  }
}

void check_results(unsigned pe, const Row (&x)[kRows], const Row (&results)[3]) {
  for (unsigned s = 0; s < 3; ++s) {
    for (unsigned v = 0; v < kColumns; ++v) {
      long long expected = -1;
      if (s < kSlots[pe]) {
        expected = 0;
        for (unsigned i = 0; i < kInputs; ++i) expected += kWeights[pe][s][i] * x[kFirst + i][v];
      }
      CHECK_AT(10 * pe + s, expected, results[s][v]);
    }
  }
}

void mark(Row (&results)[3]) {
  for (Row& row : results) row[0] = row[1] = -1;
}

}  // namespace

int main() {
  Row x[1][kRows];
  fill(x[0]);
  for (unsigned p = 0; p < 2; ++p) {
    Row results[3];
    mark(results);
    bitfpga::walk_taps<kInputs, kZero>(x[0], kFirst, kWords[p], p == 0 ? 4 : 6, results);
    check_results(p, x[0], results);
    bitfpga::walk_taps<kInputs, kZero>(x[0], kFirst, kWords[p], 0, results);
    check_results(p, x[0], results);
  }
  uint16_t memory[6 * 2];
  for (unsigned i = 0; i < 6; ++i) {
    for (unsigned p = 0; p < 2; ++p) memory[2 * i + p] = kWords[p][i];
  }
  Row both[2][3];
  mark(both[0]);
  mark(both[1]);
  bitfpga::walk_memory<kInputs, kZero>(x, kFirst, memory, 6, both);
  check_results(0, x[0], both[0]);
  check_results(1, x[0], both[1]);
  // The row of zeros is read for nothing but shifts: a value there shows in every such word.
  x[0][kZero][0] = 1000;
  Row results[3];
  mark(results);
  bitfpga::walk_taps<kInputs, kZero>(x[0], kFirst, kWords[0], 4, results);
  CHECK(4LL * x[0][kFirst][0] + 2 * 1000 - x[0][kFirst + 2][0], results[0][0]);
  return REPORT();
}
