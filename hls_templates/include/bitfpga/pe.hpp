// Processing elements: each eats one tap a cycle and applies it to all its columns.
#pragma once
#include "bitfpga/columns.hpp"
#include "bitfpga/tap_word.hpp"

namespace bitfpga {

// One PE walks its taps: output after output, planes from the highest down.
// x: activation memory, a zero row at kZeroRow; results[slot] in the order of the stream.
template <unsigned kInputs, unsigned kZeroRow, class Row, unsigned kRows, class Word,
          unsigned kWords, class Accumulator, unsigned kSlots>
void walk_taps(const Row (&x)[kRows], unsigned first_row, const Word (&words)[kWords],
               unsigned n_words, Accumulator (&results)[kSlots]) {
  static_assert(kZeroRow < kRows, "the activation memory needs a zero row");
  Accumulator acc;
  clear(acc);
  unsigned slot = 0;
taps:
  for (unsigned i = 0; i < n_words; ++i) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT max = kWords
    const TapWord<Word> tap(words[i]);
    const unsigned row = tap.index() == kInputs ? kZeroRow : first_row + tap.index();
    accumulate(acc, x[row], tap.shift(), tap.negate());
    if (tap.last()) {
      results[slot] = acc;
      ++slot;
      clear(acc);
    }
  }
}

// An array of PEs in step, its taps read from memory: words[cycle][pe], one row a cycle.
template <unsigned kInputs, unsigned kZeroRow, class Row, unsigned kCopies, unsigned kRows,
          class Word, class Accumulator, unsigned kPes, unsigned kSlots>
void walk_memory(const Row (&x)[kCopies][kRows], unsigned first_row, const Word* words,
                 unsigned n_cycles, Accumulator (&results)[kPes][kSlots]) {
  static_assert(kZeroRow < kRows, "the activation memory needs a zero row");
  Accumulator acc[kPes];
#pragma HLS ARRAY_PARTITION variable = acc complete
  unsigned slot[kPes];
#pragma HLS ARRAY_PARTITION variable = slot complete
start:
  for (unsigned p = 0; p < kPes; ++p) {
#pragma HLS UNROLL
    clear(acc[p]);
    slot[p] = 0;
  }
cycles:
  for (unsigned i = 0; i < n_cycles; ++i) {
#pragma HLS PIPELINE II = 1
  pes:
    for (unsigned p = 0; p < kPes; ++p) {
#pragma HLS UNROLL
      const TapWord<Word> tap(words[i * kPes + p]);
      const unsigned row = tap.index() == kInputs ? kZeroRow : first_row + tap.index();
      accumulate(acc[p], x[p % kCopies][row], tap.shift(), tap.negate());
      if (tap.last()) {
        results[p][slot[p]] = acc[p];
        ++slot[p];
        clear(acc[p]);
      }
    }
  }
}

}  // namespace bitfpga
