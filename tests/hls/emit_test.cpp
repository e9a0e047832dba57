// Sums of splits, pruned outputs and several blocks of pixels, in the order of the stream.
#include "bitfpga/emit.hpp"

#include "check.hpp"
#include "maps.hpp"

namespace {

struct Layer {
  using Output = TestTensor<8, true, 3, 4, 2>;
  enum : unsigned {
    kPes = 2,
    kSlots = 2,
    kEntries = 5,
    kAccumulatorBits = 20,
    kScaledBits = 26,
    kShift = 3
  };
  enum : long long { kHalf = 4, kLow = -100, kHigh = 110 };
};

enum : unsigned { kSamples = 2, kTile = 4 };
using Types = bitfpga::NativeTypes;
using Sum = Types::ColumnsOf<int, kTile * kSamples>;

// Output 0: PE 1's first result and PE 0's << 2. Output 1: no taps. Output 2: PE 0's second << 1,
// and a split that gave nothing.
const bitfpga::Entry kEntryList[5] = {{1, 0, 0, true, false},
                                      {0, 0, 2, true, true},
                                      {0, 1, 5, false, true},
                                      {0, 1, 1, true, false},
                                      {1, 1, 3, false, true}};
const bitfpga::ChannelScale<2> kScale[3] = {
    {-7, {{2, 0}, {1, -1}}}, {333, {{0, 0}, {1, 0}}}, {0, {{1, 0}, {-1, 0}}}};
const long long kMultiplier[3] = {3, 1, -2};

long long sum_of(const Sum (&results)[2][2], unsigned output, unsigned lane) {
  if (output == 0) return results[1][0][lane] + 4LL * results[0][0][lane];
  return output == 1 ? 0 : 2LL * results[0][1][lane];
}

}  // namespace

int main() {
  Sum results[2][2];
  for (unsigned i = 0; i < 4 * Sum::kSize; ++i) {
    results[i % 2][i / 2 % 2][i / 4] = static_cast<int>(random_below(601)) - 300;
  }
  for (unsigned n_blocks = 1; n_blocks <= 2; ++n_blocks) {
    Types::Fifo<Layer::Output, kSamples, 2> out;
    bitfpga::emit<Types, Layer, kSamples>(results, kEntryList, kScale, n_blocks, out);
    CHECK(3 * n_blocks, out.size());
    for (unsigned i = 0; i < 3 * n_blocks; ++i) {
      const auto beat = out.read();
      for (unsigned v = 0; v < 4; ++v) {
        const long long sum = sum_of(results, i % 3, i / 3 * 4 + v);
        CHECK_AT(i, requantised<Layer>(sum, kMultiplier[i % 3], kScale[i % 3].bias), beat[v]);
      }
    }
  }
  return REPORT();
}
