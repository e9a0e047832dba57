#include "bitfpga/elementwise.hpp"

#include "check.hpp"

namespace {

struct Layer {
  enum : unsigned {
    kInputBits = 8,
    kAccumulatorBits = 20,
    kScaledBits = 24,
    kElements = 3,
    kShift = 2
  };
  enum : long long { kHalf = 2, kLow = -100, kHigh = 90, kTableLow = -4 };
};

enum : unsigned { kColumns = 2, kRows = 4 };
using Types = bitfpga::NativeTypes;
using Row = bitfpga::InputColumns<Types, Layer, kColumns>;
using Out = bitfpga::Columns<short, kColumns>;
const int kX[3][2] = {{3, -4}, {-1, 2}, {0, 1}};
const int kZ[3][2] = {{-120, 127}, {5, -6}, {100, -128}};

long long requantised(long long sum) {
  sum += 1000 * 4 + 2;  // far above zero: the division below rounds down
  const long long value = sum / 4 - 1000;
  return value < Layer::kLow ? Layer::kLow : value > Layer::kHigh ? Layer::kHigh : value;
}

void fill(Row (&memory)[1][kRows], const int (&values)[3][2]) {
  for (unsigned i = 0; i < 3; ++i) {
    for (unsigned v = 0; v < kColumns; ++v) memory[0][i][v] = values[i][v];
  }
  bitfpga::write_zero_row(memory);
}

void check_zero_row(const Out (&y)[2][kRows]) {
  for (unsigned c = 0; c < 2; ++c) {
    CHECK_AT(c, 0, y[c][3][0]);
    CHECK_AT(c, 0, y[c][3][1]);
  }
}

}  // namespace

int main() {
  Row x[1][kRows], z[1][kRows];
  fill(x, kX);
  fill(z, kZ);
  Out y[2][kRows];

  const bitfpga::ChannelScale<2> one[1] = {{-7, {{3, 0}, {1, -1}}}};  // 7 x - 7
  bitfpga::scale_elements<Types, Layer>(z, one, y);
  for (unsigned i = 0; i < 6; ++i) {
    CHECK_AT(i, requantised(7 * kZ[i / 2][i % 2] - 7), y[0][i / 2][i % 2]);
    CHECK_AT(i, y[0][i / 2][i % 2], y[1][i / 2][i % 2]);
  }
  check_zero_row(y);

  const bitfpga::ChannelScale<1> each[3] = {{1, {{0}, {1}}}, {-2, {{1}, {-1}}}, {400, {{0}, {0}}}};
  const int factors[3] = {1, -2, 0}, offsets[3] = {1, -2, 400};
  bitfpga::scale_elements<Types, Layer>(z, each, y);
  for (unsigned i = 0; i < 6; ++i) {
    const long long sum = factors[i / 2] * kZ[i / 2][i % 2] + offsets[i / 2];
    CHECK_AT(i, requantised(sum), y[1][i / 2][i % 2]);
  }

  const int table[8] = {-900, 11, 22, 33, 44, 55, 66, 700};
  bitfpga::look_up<Layer>(x, table, y);
  for (unsigned i = 0; i < 6; ++i) {
    CHECK_AT(i, table[kX[i / 2][i % 2] + 4], y[1][i / 2][i % 2]);
  }
  check_zero_row(y);

  const bitfpga::ShiftAdd<2> weights[3] = {{{0, 0}, {1, 0}}, {{2, 0}, {-1, 1}}, {{4, 0}, {1, 0}}};
  bitfpga::add_elements<Types, Layer>(weights, one, y, x, z, x);  // 7 (x - 3 z + 16 x) - 7
  for (unsigned i = 0; i < 6; ++i) {
    const long long sum = 17 * kX[i / 2][i % 2] - 3 * kZ[i / 2][i % 2];
    CHECK_AT(i, requantised(7 * sum - 7), y[0][i / 2][i % 2]);
  }
  check_zero_row(y);
  const bitfpga::ShiftAdd<1> alone[1] = {{{0}, {-1}}};
  bitfpga::add_elements<Types, Layer>(alone, each, y, z);
  for (unsigned i = 0; i < 6; ++i) {
    const long long sum = -factors[i / 2] * kZ[i / 2][i % 2] + offsets[i / 2];
    CHECK_AT(i, requantised(sum), y[1][i / 2][i % 2]);
  }
  return REPORT();
}
