#include "bitfpga/tap_word.hpp"

#include <stdint.h>

#include "check.hpp"

template <class Word>
void check_words(unsigned largest_index) {
  for (unsigned flags = 0; flags < 8; ++flags) {
    const unsigned indices[] = {0, 1, 5, largest_index};
    for (unsigned index : indices) {
      const bitfpga::TapWord<Word> tap(static_cast<Word>(index << 3 | flags));
      CHECK_AT(flags, (flags & 1) != 0, tap.negate());
      CHECK_AT(flags, (flags & 2) != 0, tap.shift());
      CHECK_AT(flags, (flags & 4) != 0, tap.last());
      CHECK_AT(flags, index, tap.index());
    }
  }
}

int main() {
  check_words<uint16_t>((1U << 13) - 1);
  check_words<uint32_t>((1U << 29) - 1);
  return REPORT();
}
