// Beats to words and back: columns side by side, the first lowest, signs and all bits kept.
#include "bitfpga/black_box.hpp"

#include "bitfpga/ap_types.hpp"
#include "check.hpp"
#include "maps.hpp"

template <class Types, class Tensor, unsigned kSamples>
void check_words() {
  using Fifo = typename Types::template Fifo<Tensor, kSamples, 2>;
  using Beat = bitfpga::Beat<Types, Tensor, kSamples>;
  enum : unsigned { kColumns = Tensor::kBeatPixels * kSamples, kBits = Tensor::kBits };
  Fifo in, out;
  bitfpga::WordStream<Tensor, kSamples> words;
  long long expected[Tensor::kBeats][kColumns];
  const long long low = Tensor::kSigned ? -(1LL << (kBits - 1)) : 0;
  for (unsigned b = 0; b < Tensor::kBeats; ++b) {
    Beat beat;
    for (unsigned v = 0; v < kColumns; ++v) {
      expected[b][v] = low + (b * 7919LL + v * 31) % (1LL << kBits);
      if (b + v == 0) expected[b][v] = low;
      beat[v] = static_cast<typename Types::template Lane<Tensor>>(expected[b][v]);
    }
    in.write(beat);
  }
  bitfpga::pack_beats<Types, Tensor, kSamples>(in, words);
  for (unsigned b = 0; b < Tensor::kBeats; ++b) {
    const auto& word = words.peek(b);
    for (unsigned bit = 0; bit < kColumns * kBits; ++bit) {
      CHECK((expected[b][bit / kBits] >> (bit % kBits)) & 1, word[bit] ? 1 : 0);
    }
  }
  words.write(0);  // a beat of the next block stays
  bitfpga::unpack_beats<Types, Tensor, kSamples>(words, out);
  CHECK(1, words.size());
  for (unsigned b = 0; b < Tensor::kBeats; ++b) {
    const Beat beat = out.read();
    for (unsigned v = 0; v < kColumns; ++v) {
      CHECK(expected[b][v], static_cast<long long>(beat[v]));
    }
  }
}

int main() {
  check_words<bitfpga::ApTypes, TestTensor<5, true, 3, 7, 2>, 3>();
  check_words<bitfpga::ApTypes, TestTensor<16, true, 1, 5, 8>, 5>();
  check_words<bitfpga::ApTypes, TestTensor<1, false, 5, 1, 1>, 1>();
  check_words<bitfpga::NativeTypes, TestTensor<11, false, 2, 3, 4>, 2>();
  check_words<bitfpga::NativeTypes, TestTensor<8, true, 2, 3, 1>, 1>();
  return REPORT();
}
