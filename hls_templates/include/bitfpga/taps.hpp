// Index streams: cells of kSymbolBits + 1 bits, packed into rows, decoded into one tap a cycle;
// with kSymbolBits 0 a row is a tap word.
#pragma once
#include <stdint.h>

namespace bitfpga {

// The taps of one output on one PE: `cycles` cycles, indices counted from window row `base`.
struct Job {
  unsigned base;
  unsigned cycles;
};

// What a PE does in one cycle: acc = (shift ? 2 acc : acc) ± row `index` of the job.
// The index one past the span reads zero.
struct Tap {
  unsigned index;
  bool shift;
  bool negate;
};

// Layer: kSymbolBits, kCellsPerRow, kTapRows, kSpan. Rows: a source with `uint64_t read()`, which
// is asked for exactly kTapRows rows if `skip` is called for what is left.
template <class Layer, bool kWords = Layer::kSymbolBits == 0>
class TapDecoder {
 public:
  template <class Rows>
  explicit TapDecoder(Rows& rows) : row_(rows.read()), next_(0), cells_(Layer::kCellsPerRow) {
    start_job();
  }

  void start_job() { index_ = -1; }

  // Takes one or two cells: a tap, an escape and a tap, or two escapes, which make no tap.
  template <class Rows>
  Tap next(Rows& rows) {
    if (!has_next_ && n_read_ < Layer::kTapRows) fetch(rows);
    const unsigned first = static_cast<unsigned>(row_) & kCellMask;
    const unsigned second = static_cast<unsigned>(cells_ > 1 ? row_ >> kCellBits : next_);
    const bool escaped = first >> 1 == kLargest;
    const unsigned cell = escaped ? second & kCellMask : first;
    const bool is_tap = cell >> 1 != kLargest;
    const unsigned before = escaped ? kLargest << (first & 1U) : 0U;
    const unsigned moved =
        is_tap ? before + (cell >> 1) + 1 : kPairStep << (2 * (first & 1U) + (cell & 1U));
    take_cells(escaped);
    index_ += static_cast<int>(moved);
    const bool shift = index_ > kSpan;
    if (shift) index_ -= kSpan + 1;
    const int read = is_tap ? index_ : kSpan;
    return Tap{static_cast<unsigned>(read), shift, is_tap && (cell & 1U) != 0};
  }

  bool has_rows() const { return n_read_ < Layer::kTapRows; }
  template <class Rows>
  void skip_row(Rows& rows) {
    fetch(rows);
  }

 private:
  enum : unsigned {
    kCellBits = Layer::kSymbolBits + 1,
    kCellMask = (1U << kCellBits) - 1,
    kLargest = (1U << Layer::kSymbolBits) - 1,
    kPairStep = 3 * kLargest
  };
  static_assert(Layer::kCellsPerRow >= 2, "one cycle may take two cells, from at most two rows");
  enum : int { kSpan = static_cast<int>(Layer::kSpan) };

  template <class Rows>
  void fetch(Rows& rows) {
    next_ = rows.read();
    has_next_ = true;
    ++n_read_;
  }

  void take_cells(bool two) {
    const unsigned taken = two ? 2 : 1;
    if (cells_ > taken) {
      row_ >>= two ? 2 * kCellBits : unsigned{kCellBits};
      cells_ -= taken;
      return;
    }
    const bool into_next = cells_ < taken;
    row_ = into_next ? next_ >> kCellBits : next_;
    cells_ = into_next ? Layer::kCellsPerRow - 1U : unsigned{Layer::kCellsPerRow};
    has_next_ = false;
  }

  uint64_t row_;
  uint64_t next_;
  unsigned cells_;
  bool has_next_ = false;
  unsigned n_read_ = 1;
  int index_;
};

// The same for tap words: (span - index) << 2 | shift << 1 | negate.
template <class Layer>
class TapDecoder<Layer, true> {
 public:
  template <class Rows>
  explicit TapDecoder(Rows&) {}

  void start_job() {}

  template <class Rows>
  Tap next(Rows& rows) {
    const unsigned word = static_cast<unsigned>(rows.read());
    ++n_read_;
    return Tap{Layer::kSpan - (word >> 2), (word >> 1 & 1U) != 0, (word & 1U) != 0};
  }

  bool has_rows() const { return n_read_ < Layer::kTapRows; }
  template <class Rows>
  void skip_row(Rows& rows) {
    rows.read();
    ++n_read_;
  }

 private:
  unsigned n_read_ = 0;
};

}  // namespace bitfpga
