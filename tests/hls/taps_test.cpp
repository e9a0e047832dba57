// The decoder against the format's description, followed cell by cell.
#include "bitfpga/taps.hpp"

#include "check.hpp"
#include "encode.hpp"

namespace {

template <unsigned kB, unsigned kRowBits>
struct Layer {
  enum : unsigned {
    kSymbolBits = kB,
    kCellsPerRow = kRowBits / (kB + 1),
    kTapRows = 60,
    kSpan = 25 * ((1U << kB) - 1) + 3
  };
};

struct Rows {
  const uint64_t* next;
  unsigned n_read;
  uint64_t read() {
    ++n_read;
    return *next++;
  }
};

// Cells as a plain list, many of them escapes.
template <class L>
void check_random_cells() {
  const unsigned n_cells = L::kTapRows * L::kCellsPerRow, largest = (1U << L::kSymbolBits) - 1;
  static unsigned cells[60 * 64];
  uint64_t rows[L::kTapRows] = {};
  for (unsigned i = 0; i < n_cells; ++i) {
    const unsigned symbol = random_below(2) == 0 ? largest : random_below(largest + 1);
    cells[i] = symbol << 1 | random_below(2);
    rows[i / L::kCellsPerRow] |= static_cast<uint64_t>(cells[i])
                                 << i % L::kCellsPerRow * (L::kSymbolBits + 1);
  }
  Rows source = {rows, 0};
  bitfpga::TapDecoder<L> decoder(source);
  unsigned at = 0;
  long index = -1;
  while (at + 2 <= n_cells) {
    if (random_below(20) == 0) {
      decoder.start_job();
      index = -1;
    }
    unsigned cell = cells[at++], advance = 0;
    bool is_tap = true;
    if (cell >> 1 == largest) {
      const bool far = (cell & 1) != 0;
      advance = far ? 2 * largest : largest;
      cell = cells[at++];
      is_tap = cell >> 1 != largest;
      if (!is_tap) advance = 3 * largest * (far ? 4U : 1U) * ((cell & 1) != 0 ? 2U : 1U);
    }
    if (is_tap) advance += (cell >> 1) + 1;
    index += advance;
    const bool shift = index > static_cast<long>(L::kSpan);
    if (shift) index -= L::kSpan + 1;
    const bitfpga::Tap tap = decoder.next(source);
    CHECK_AT(at, shift, tap.shift);
    CHECK_AT(at, is_tap ? index : static_cast<long>(L::kSpan), tap.index);
    CHECK_AT(at, is_tap && (cell & 1) != 0, tap.negate);
  }
  CHECK(false, decoder.has_rows());
  CHECK(unsigned{L::kTapRows}, source.n_read);
}

// Rows that are left over are read, but not decoded.
void check_left_rows() {
  const uint64_t rows[Layer<3, 36>::kTapRows] = {};
  Rows source = {rows, 0};
  bitfpga::TapDecoder<Layer<3, 36>> decoder(source);
  decoder.next(source);
  while (decoder.has_rows()) decoder.skip_row(source);
  CHECK(60, source.n_read);
}

}  // namespace

int main() {
  for (unsigned run = 0; run < 10; ++run) {
    check_random_cells<Layer<1, 36>>();
    check_random_cells<Layer<2, 64>>();
    check_random_cells<Layer<3, 36>>();
    check_random_cells<Layer<5, 36>>();
    check_random_cells<Layer<12, 36>>();
    check_random_cells<Layer<12, 64>>();
  }
  check_left_rows();
  return REPORT();
}
