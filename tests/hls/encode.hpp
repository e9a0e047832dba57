// Index streams and tile limits for tests, written from the format's description alone.
#pragma once
#include <stdlib.h>

#include "bitfpga/emit.hpp"
#include "bitfpga/line_buffer.hpp"
#include "bitfpga/taps.hpp"

// Repeatable numbers 0 .. n-1 (a linear congruential generator).
static inline unsigned random_below(unsigned n) {
  static unsigned long long state = 7;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return static_cast<unsigned>(state >> 33) % n;
}

// The constant arrays of an array layer, as a generated network_data.hpp has them.
template <class Layer>
struct ArrayData {
  uint64_t tap_rows[Layer::kPes][Layer::kTapRows];
  bitfpga::Job jobs[Layer::kPes][Layer::kSlots];
  unsigned n_jobs[Layer::kPes];
  unsigned pe_split[Layer::kPes];
  bitfpga::Entry entries[Layer::kEntries];
};

// Appends cells to one PE's rows and counts the cycles they take.
template <class Layer>
class CellWriter {
 public:
  explicit CellWriter(uint64_t* rows) : rows_(rows), n_cells_(0) {}

  // One tap `gap` positions after the last; returns its cycles.
  unsigned write_tap(unsigned gap, bool negate) {
    const unsigned largest = (1U << Layer::kSymbolBits) - 1;
    unsigned cycles = 1;
    for (; gap > 3 * largest; ++cycles) {  // two escapes a cycle, steps of 3, 6, 12 or 24 largest
      unsigned size = 3;
      while (gap <= (3U << size) * largest) --size;
      gap -= (3U << size) * largest;
      write_cell(largest, size / 2 != 0);
      write_cell(largest, size % 2 != 0);
    }
    if (gap > largest) {
      const bool two = gap > 2 * largest;
      gap -= two ? 2 * largest : largest;
      write_cell(largest, two);
    }
    write_cell(gap - 1, negate);
    return cycles;
  }

 private:
  void write_cell(unsigned symbol, bool low) {
    const unsigned row = n_cells_ / Layer::kCellsPerRow, place = n_cells_ % Layer::kCellsPerRow;
    if (row >= Layer::kTapRows) abort();
    rows_[row] |= static_cast<uint64_t>(symbol << 1 | (low ? 1U : 0U))
                  << place * (Layer::kSymbolBits + 1);
    ++n_cells_;
  }

  uint64_t* rows_;
  unsigned n_cells_;
};

// The taps of weights [first, first + n) of an output as a job; returns the lowest plane used, or
// -1 without taps. Weights are below 2^12 in magnitude; digits have the weight's sign.
template <class Layer>
int encode_job(const int* weights, unsigned n, CellWriter<Layer>& cells, bitfpga::Job& job) {
  unsigned magnitudes = 0, last = 0;
  job.base = n;
  for (unsigned i = 0; i < n; ++i) {
    if (weights[i] == 0) continue;
    magnitudes |= static_cast<unsigned>(abs(weights[i]));
    if (job.base == n) job.base = i;
    last = i;
  }
  if (magnitudes == 0) return -1;
  if (last - job.base >= Layer::kSpan) abort();
  int high = 11, low = 0;
  while ((magnitudes >> high & 1U) == 0) --high;
  while ((magnitudes >> low & 1U) == 0) ++low;
  unsigned cycles = 0, position = 0, next = 0;  // `next`: one after the last tap's position
  for (int plane = high; plane >= low; --plane, position += Layer::kSpan + 1) {
    bool empty = true;
    for (unsigned i = job.base; i <= last; ++i) {
      if ((static_cast<unsigned>(abs(weights[i])) >> plane & 1U) == 0) continue;
      const unsigned at = position + i - job.base;
      cycles += cells.write_tap(at + 1 - next, weights[i] < 0);
      next = at + 1;
      empty = false;
    }
    if (!empty) continue;
    cycles += cells.write_tap(position + Layer::kSpan + 1 - next, false);
    next = position + Layer::kSpan + 1;
  }
  job.cycles = cycles;
  return low;
}

// weights[output * kWindowRows + row]; outputs take turns on the PEs of each split.
template <class Layer>
void encode_array(const int* weights, ArrayData<Layer>& data) {
  const unsigned n_outputs = Layer::kEntries / Layer::kSplits;
  const unsigned pes_per_split = Layer::kPes / Layer::kSplits;
  for (unsigned p = 0; p < Layer::kPes; ++p) {
    CellWriter<Layer> cells(data.tap_rows[p]);
    for (unsigned i = 0; i < Layer::kTapRows; ++i) data.tap_rows[p][i] = 0;
    const unsigned split = data.pe_split[p] = p % Layer::kSplits;
    const unsigned first = split * Layer::kSplitRows;
    const unsigned left = Layer::kWindowRows > first ? Layer::kWindowRows - first : 0;
    const unsigned n = left < Layer::kSplitRows ? left : unsigned{Layer::kSplitRows};
    unsigned slot = 0;
    for (unsigned o = p / Layer::kSplits; o < n_outputs; o += pes_per_split) {
      bitfpga::Job job;
      const int low = encode_job(weights + o * Layer::kWindowRows + first, n, cells, job);
      bitfpga::Entry& entry = data.entries[o * Layer::kSplits + split];
      entry = {p, slot, low < 0 ? 0U : static_cast<unsigned>(low), low >= 0,
               split + 1 == Layer::kSplits};
      if (low < 0) continue;
      if (slot == Layer::kSlots) abort();
      data.jobs[p][slot++] = job;
    }
    data.n_jobs[p] = slot;
  }
}

// Rows of tile t's windows that lie in the map: first and one past the last, or H and 0.
template <class Layer>
void tile_rows(unsigned tile, int& first, int& end, unsigned& last_pixel) {
  first = static_cast<int>(Layer::kHeight);
  end = 0;
  last_pixel = 0;
  for (unsigned v = 0; v < Layer::kTilePixels; ++v) {
    const unsigned p = tile * Layer::kTilePixels + v;
    if (p >= Layer::kOutHeight * Layer::kOutWidth) break;
    for (unsigned k = 0; k < Layer::kKernelHeight * Layer::kKernelWidth; ++k) {
      const int y = static_cast<int>(p / Layer::kOutWidth * Layer::kStrideY +
                                     k / Layer::kKernelWidth * Layer::kDilationY) -
                    static_cast<int>(Layer::kPadTop);
      const int x = static_cast<int>(p % Layer::kOutWidth * Layer::kStrideX +
                                     k % Layer::kKernelWidth * Layer::kDilationX) -
                    static_cast<int>(Layer::kPadLeft);
      if (y < 0 || x < 0 || y >= static_cast<int>(Layer::kHeight) ||
          x >= static_cast<int>(Layer::kWidth)) {
        continue;
      }
      if (y < first) first = y;
      if (y >= end) end = y + 1;
      const unsigned pixel = static_cast<unsigned>(y) * Layer::kWidth + static_cast<unsigned>(x);
      if (pixel > last_pixel) last_pixel = pixel;
    }
  }
}

// What each tile needs, and the most that its ring of kBufferRows rows can take.
template <class Layer>
void make_limits(bitfpga::TileLimits (&tiles)[Layer::kTiles]) {
  using Tensor = typename Layer::Input;
  const unsigned kLanes = Tensor::kBeatPixels, n_blocks = Tensor::kBeats / Tensor::kChannels;
  int oldest = static_cast<int>(Layer::kHeight);
  for (unsigned t = Layer::kTiles; t-- > 0;) {
    int first, end;
    unsigned last_pixel;
    tile_rows<Layer>(t, first, end, last_pixel);
    if (first < oldest) oldest = first;
    tiles[t].need = end == 0 ? 0 : (last_pixel / kLanes + 1) * Tensor::kChannels;
    unsigned blocks = 0;
    for (; blocks < 2 * n_blocks; ++blocks) {  // this image and the next
      const unsigned image = blocks / n_blocks, pixel = (blocks % n_blocks + 1) * kLanes - 1;
      const unsigned in_map = pixel < Tensor::kPixels ? pixel : Tensor::kPixels - 1U;
      const unsigned row = image * Layer::kHeight + in_map / Layer::kWidth;
      if (static_cast<int>(row) >= oldest + static_cast<int>(Layer::kBufferRows)) break;
    }
    tiles[t].limit = blocks * Tensor::kChannels;
    if (tiles[t].limit < tiles[t].need) abort();
  }
  for (unsigned t = 1; t < Layer::kTiles; ++t) {  // needs never fall
    if (tiles[t].need < tiles[t - 1].need) tiles[t].need = tiles[t - 1].need;
  }
  if (tiles[Layer::kTiles - 1].limit < Tensor::kBeats) abort();
}
