// The walk of a simulation: taps are decoded once, by the hardware's decoder, and kept as words.
// Only testbenches include this.
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "bitfpga/walk.hpp"

namespace bitfpga {

struct FromWords {};

// All PEs of a split read one window: a CPU has no ports to share out.
template <class Layer>
struct WindowCopies<FromWords, Layer> {
  enum : unsigned { kCount = Layer::kSplits };
  static unsigned split(unsigned copy, const unsigned (&)[Layer::kPes]) { return copy; }
};

// Word of a tap: window row << 2 | shift << 1 | negate.
enum : unsigned { kNegateFlag = 1, kShiftFlag = 2, kRowBit = 2 };

// The rows of one PE's stream, `stride` apart.
struct StoredRows {
  const uint64_t* next;
  unsigned stride;

  uint64_t read() {
    const uint64_t row = *next;
    next += stride;
    return row;
  }
};

template <class Layer>
StoredRows rows_of(const uint64_t (&rows)[Layer::kPes][Layer::kTapRows], unsigned pe) {
  return StoredRows{rows[pe], 1};
}

template <class Layer>
StoredRows rows_of(const uint64_t* taps, unsigned pe) {
  return StoredRows{taps + Layer::kTapOffset + pe, Layer::kPes};
}

// Decodes one job: in each plane first the taps that add, so that branches are predictable.
template <class Layer>
uint32_t* decode_job(TapDecoder<Layer>& decoder, StoredRows& rows, const Job& job,
                     uint32_t* words) {
  uint32_t* plane = words;      // first word of the plane
  uint32_t* subtracts = words;  // its first word that subtracts
  uint32_t shift = 0;
  decoder.start_job();
  for (unsigned i = 0; i < job.cycles; ++i, ++words) {
    const Tap tap = decoder.next(rows);
    const unsigned row =
        tap.index == Layer::kSpan ? unsigned{Layer::kSplitRows} : job.base + tap.index;
    if (tap.shift) {
      plane = subtracts = words;
      shift = kShiftFlag;
    }
    *words = row << kRowBit | (tap.negate ? unsigned{kNegateFlag} : 0U);
    if (!tap.negate) {
      const uint32_t adds = *words;
      *words = *subtracts & ~uint32_t{kShiftFlag};
      *subtracts++ = adds;
    }
    *plane |= shift;
  }
  return words;
}

// Every tap of an array; the memory lives as long as the program.
template <class Layer, class Taps>
const uint32_t* decode_taps(const Taps& taps, const Job (&jobs)[Layer::kPes][Layer::kSlots],
                            const unsigned (&n_jobs)[Layer::kPes]) {
  size_t n_words = 1;
  for (unsigned p = 0; p < Layer::kPes; ++p) {
    for (unsigned slot = 0; slot < n_jobs[p]; ++slot) n_words += jobs[p][slot].cycles;
  }
  uint32_t* const words = static_cast<uint32_t*>(malloc(n_words * sizeof(uint32_t)));
  if (words == nullptr) {
    fprintf(stderr, "error: out of memory\n");
    exit(2);
  }
  uint32_t* end = words;
  for (unsigned p = 0; p < Layer::kPes; ++p) {
    StoredRows rows = rows_of<Layer>(taps, p);
    TapDecoder<Layer> decoder(rows);
    for (unsigned s = 0; s < n_jobs[p]; ++s) end = decode_job(decoder, rows, jobs[p][s], end);
  }
  return words;
}

template <class Layer, class Taps, class Row, class Sum>
BITFPGA_PROCESS void walk(FromWords, const Taps& taps,
                          const Job (&jobs)[Layer::kPes][Layer::kSlots],
                          const unsigned (&n_jobs)[Layer::kPes],
                          const unsigned (&pe_split)[Layer::kPes],
                          const Row (&windows)[Layer::kSplits][Layer::kSplitRows + 1],
                          Sum (&results)[Layer::kPes][Layer::kSlots]) {
  static const uint32_t* decoded = nullptr;
  if (decoded == nullptr) decoded = decode_taps<Layer>(taps, jobs, n_jobs);
  const uint32_t* words = decoded;
  for (unsigned p = 0; p < Layer::kPes; ++p) {
    for (unsigned slot = 0; slot < n_jobs[p]; ++slot) {
      walk_words(words, jobs[p][slot].cycles, windows[pe_split[p]], results[p][slot]);
      words += jobs[p][slot].cycles;
    }
  }
}

}  // namespace bitfpga
