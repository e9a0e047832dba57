// Two rows through both dense layers: three outputs, one of them pruned, two PEs, two copies.
#include "bitfpga/dense.hpp"

#include <stdint.h>

#include "check.hpp"

namespace {

struct Layer {
  enum : unsigned {
    kInputBits = 8,
    kAccumulatorBits = 16,
    kScaledBits = 20,
    kRows = 2,
    kInputs = 2,
    kOutputs = 3,
    kPes = 2,
    kSlots = 1,
    kFinishedOutputs = 2,
    kPrunedOutputs = 1,
    kWords = 3,
    kTerms = 1,
    kShift = 1
  };
  enum : long long { kHalf = 1, kLow = -50, kHigh = 60 };
};

enum : unsigned { kColumns = 3, kCopies = 2, kInRows = 5, kOutRows = 7 };
using Types = bitfpga::NativeTypes;
using Row = bitfpga::InputColumns<Types, Layer, kColumns>;
using Out = bitfpga::Columns<int, kColumns>;

// Output 2 on PE 0: 2 x0 + x1. Output 0 on PE 1: -(x1 - x0), one word padded. Output 1 is pruned.
const int kWeights[3][2] = {{1, -1}, {0, 0}, {2, 1}};
const long long kBias[3] = {-5, 0, 9};
const uint16_t kTaps[2][3] = {{0 << 3, 1 << 3 | 2 | 4, 2 << 3}, {1 << 3, 0 << 3 | 1 | 4, 2 << 3}};
const unsigned kLengths[2] = {2, 2};
const bitfpga::FinishedOutput kFinished[2] = {{0, 0, 2}, {1, 0, 0}};
const bitfpga::ChannelScale<1> kScale[2] = {{9, {{0}, {1}}}, {-5, {{0}, {-1}}}};
const bitfpga::PrunedOutput kPruned[1] = {{1, 42}};

long long expected(const Row (&x)[kInRows], unsigned row, unsigned output, unsigned v) {
  if (output == 1) return 42;
  long long sum = kBias[output] + 1;
  for (unsigned i = 0; i < 2; ++i) sum += kWeights[output][i] * x[2 * row + i][v];
  const long long half = sum < 0 ? -((-sum + 1) / 2) : sum / 2;
  return half < Layer::kLow ? Layer::kLow : half > Layer::kHigh ? Layer::kHigh : half;
}

void check_output(const Row (&x)[kInRows], const Out (&y)[kCopies][kOutRows]) {
  for (unsigned c = 0; c < kCopies; ++c) {
    for (unsigned i = 0; i < kOutRows; ++i) {
      for (unsigned v = 0; v < kColumns; ++v) {
        CHECK_AT(i, i < 6 ? expected(x, i / 3, i % 3, v) : 0, y[c][i][v]);
      }
    }
  }
}

void spoil(Out (&y)[kCopies][kOutRows]) {
  for (unsigned c = 0; c < kCopies; ++c) {
    for (Out& row : y[c]) row = Out{{99, 99, 99}};
  }
}

}  // namespace

int main() {
  Row x[kCopies][kInRows];
  const int values[4][3] = {{7, -128, 127}, {-3, 127, 127}, {0, 20, -128}, {1, -41, -128}};
  for (unsigned c = 0; c < kCopies; ++c) {
    for (unsigned i = 0; i < kInRows; ++i) {
      for (unsigned v = 0; v < kColumns; ++v) {
        x[c][i][v] = static_cast<int16_t>(i < 4 ? values[i][v] : 0);
      }
    }
  }
  Out y[kCopies][kOutRows];
  spoil(y);
  bitfpga::dense<Types, Layer>(x, kTaps, kLengths, kFinished, kScale, kPruned, y);
  check_output(x[0], y);

  uint16_t memory[6];
  for (unsigned i = 0; i < 6; ++i) memory[i] = kTaps[i % 2][i / 2];
  spoil(y);
  bitfpga::dense_from_memory<Types, Layer>(x, memory, kFinished, kScale, kPruned, y);
  check_output(x[0], y);
  return REPORT();
}
