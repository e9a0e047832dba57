// Beats as plain words, and back: an RTL black box of Vitis HLS takes no structs.
#pragma once
#include <ap_int.h>

#include "bitfpga/types.hpp"

namespace bitfpga {

// A beat's columns side by side, the first lowest, as they travel in the Verilog.
template <class Tensor, unsigned kSamples>
using Word = ap_uint<Tensor::kBits * Tensor::kBeatPixels * kSamples>;

template <class Tensor, unsigned kSamples>
using WordStream = Stream<Word<Tensor, kSamples>, Tensor::kBeats>;

// The beats of one block, from a FIFO of beats to one of words.
template <class Types, class Tensor, unsigned kSamples, class In, class Out>
BITFPGA_PROCESS void pack_beats(In& in, Out& words) {
  enum : unsigned { kBits = Tensor::kBits };
beats:
  for (unsigned b = 0; b < Tensor::kBeats; ++b) {
#pragma HLS PIPELINE II = 1
    const Beat<Types, Tensor, kSamples> beat = in.read();
    Word<Tensor, kSamples> word = 0;
  columns:
    for (unsigned v = 0; v < Tensor::kBeatPixels * kSamples; ++v) {
#pragma HLS UNROLL
      word.range(kBits * v + kBits - 1, kBits * v) = static_cast<ap_uint<kBits>>(beat[v]);
    }
    words.write(word);
  }
}

// The reverse.
template <class Types, class Tensor, unsigned kSamples, class In, class Out>
BITFPGA_PROCESS void unpack_beats(In& words, Out& out) {
  enum : unsigned { kBits = Tensor::kBits };
  using Lane = typename Select<Tensor::kSigned, ap_int<kBits>, ap_uint<kBits>>::type;
beats:
  for (unsigned b = 0; b < Tensor::kBeats; ++b) {
#pragma HLS PIPELINE II = 1
    const Word<Tensor, kSamples> word = words.read();
    Beat<Types, Tensor, kSamples> beat;
  columns:
    for (unsigned v = 0; v < Tensor::kBeatPixels * kSamples; ++v) {
#pragma HLS UNROLL
      const ap_uint<kBits> bits = word.range(kBits * v + kBits - 1, kBits * v);
      beat[v] = static_cast<typename Types::template Lane<Tensor>>(static_cast<Lane>(bits));
    }
    out.write(beat);
  }
}

}  // namespace bitfpga
