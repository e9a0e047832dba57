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

struct WordLayer {
  enum : unsigned { kSymbolBits = 0, kCellsPerRow = 1, kTapRows = 60, kSpan = 27 };
};

// Tap words: what is left of the span, a shift, a sign; a new job changes nothing.
void check_random_words() {
  uint64_t rows[WordLayer::kTapRows];
  for (uint64_t& row : rows) row = random_below((WordLayer::kSpan + 1) * 4);
  Rows source = {rows, 0};
  bitfpga::TapDecoder<WordLayer> decoder(source);
  for (unsigned i = 0; i < WordLayer::kTapRows; ++i) {
    if (random_below(5) == 0) decoder.start_job();
    CHECK_AT(i, true, decoder.has_rows());
    const bitfpga::Tap tap = decoder.next(source);
    CHECK_AT(i, WordLayer::kSpan - static_cast<unsigned>(rows[i] / 4), tap.index);
    CHECK_AT(i, rows[i] / 2 % 2 == 1, tap.shift);
    CHECK_AT(i, rows[i] % 2 == 1, tap.negate);
  }
  CHECK(false, decoder.has_rows());
  CHECK(unsigned{WordLayer::kTapRows}, source.n_read);
}

// Rows that are left over are read, but not decoded.
template <class L>
void check_left_rows() {
  const uint64_t rows[L::kTapRows] = {};
  Rows source = {rows, 0};
  bitfpga::TapDecoder<L> decoder(source);
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
  for (unsigned run = 0; run < 10; ++run) check_random_words();
  check_left_rows<Layer<3, 36>>();
  check_left_rows<WordLayer>();
  return REPORT();
}
