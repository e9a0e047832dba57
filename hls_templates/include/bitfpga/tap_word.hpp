// The word of an index stream: one tap. bit 0 negate, bit 1 shift (a new plane begins: double the
// accumulator first), bit 2 last (the output is complete), from bit 3 the input index. The index
// one past the inputs reads zero: it serves a shift over an empty plane and padding.
#pragma once

namespace bitfpga {

template <class Word>
struct TapWord {
  Word bits;

  explicit TapWord(Word word) : bits(word) {}
  bool negate() const { return (bits & 1U) != 0; }
  bool shift() const { return (bits & 2U) != 0; }
  bool last() const { return (bits & 4U) != 0; }
  unsigned index() const { return static_cast<unsigned>(bits >> 3); }
};

}  // namespace bitfpga
