// Words of a simulation: the taps of the cells, those that add first in every plane.
#include "bitfpga/decoded_walk.hpp"

#include "check.hpp"
#include "encode.hpp"

namespace {

struct Layer {
  enum : unsigned {
    kPes = 2,
    kSplits = 1,
    kSplitRows = 5,
    kWindowRows = 5,
    kSpan = 5,
    kSymbolBits = 3,
    kCellsPerRow = 9,
    kTapRows = 6,
    kTapOffset = 3,
    kSlots = 2,
    kEntries = 3
  };
};

// PE 0: -1 in row 2, 3 in row 3, -3 in row 4; nothing. PE 1: 8 and 1 over two empty planes.
const int kWeights[3][5] = {{0, 0, -1, 3, -3}, {1, 8, 0, 0, 0}, {0, 0, 0, 0, 0}};
enum : unsigned { kSubtract = 1, kShift = 2, kZero = 5 };
const unsigned kWords[] = {3 << 2,
                           4 << 2 | kSubtract,  // plane 1
                           3 << 2 | kShift,
                           2 << 2 | kSubtract,  // plane 0: adds first
                           4 << 2 | kSubtract,  //
                           1 << 2,
                           kZero << 2 | kShift,  // PE 1, planes 3 and 2
                           kZero << 2 | kShift,
                           0 << 2 | kShift};  // planes 1 and 0

void check_words(const uint32_t* words) {
  // Taps that subtract may come in any order.
  for (unsigned i = 0; i < 9; ++i) {
    const unsigned other = i == 3 ? 4 : i == 4 ? 3 : i;
    CHECK_AT(i, words[i] == kWords[other] ? kWords[other] : kWords[i], words[i]);
  }
  CHECK(kWords[3] + kWords[4], words[3] + words[4]);
}

}  // namespace

int main() {
  static ArrayData<Layer> data;
  encode_array<Layer>(kWeights[0], data);
  uint64_t memory[Layer::kTapOffset + Layer::kTapRows * Layer::kPes];
  for (unsigned i = 0; i < Layer::kTapRows * Layer::kPes; ++i) {
    memory[Layer::kTapOffset + i] = data.tap_rows[i % Layer::kPes][i / Layer::kPes];
  }
  const uint32_t* on_chip = bitfpga::decode_taps<Layer>(data.tap_rows, data.jobs, data.n_jobs);
  check_words(on_chip);
  free(const_cast<uint32_t*>(on_chip));
  const uint64_t* taps = memory;
  const uint32_t* from_memory = bitfpga::decode_taps<Layer>(taps, data.jobs, data.n_jobs);
  check_words(from_memory);
  free(const_cast<uint32_t*>(from_memory));
  CHECK(0, (bitfpga::WindowCopies<bitfpga::FromWords, Layer>::split(0, data.pe_split)));
  CHECK(1, (bitfpga::WindowCopies<bitfpga::FromWords, Layer>::kCount));
  return REPORT();
}
