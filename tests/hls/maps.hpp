// Tensors as structs, whole maps as plain numbers, and their way into and out of FIFOs: for tests.
#pragma once
#include <stdlib.h>

#include "bitfpga/types.hpp"
#include "check.hpp"
#include "encode.hpp"

// Beats that hold all images of a test.
enum : unsigned { kDeep = 500 };

// A tensor of kC channels and kN pixels, kR pixels to a beat; channels first in memory.
template <unsigned kB, bool kS, unsigned kC, unsigned kN, unsigned kR, bool kChannelsLast = false>
struct TestTensor {
  enum : unsigned {
    kBits = kB,
    kChannels = kC,
    kPixels = kN,
    kBeatPixels = kR,
    kChannelStride = kChannelsLast ? 1 : kN,
    kPixelStride = kChannelsLast ? kC : 1,
    kBeats = (kN + kR - 1) / kR * kC
  };
  enum : bool { kSigned = kS };
};

template <class Tensor>
constexpr long long lowest() {
  return Tensor::kSigned ? -(1LL << (Tensor::kBits - 1)) : 0;
}
template <class Tensor>
constexpr long long highest() {
  return lowest<Tensor>() + (1LL << Tensor::kBits) - 1;
}

// kSamples images: value[sample][channel][pixel].
template <class Tensor, unsigned kSamples>
struct Maps {
  long long value[kSamples][Tensor::kChannels][Tensor::kPixels];

  // Random values, or all of the lowest (kind 1) or highest (kind 2).
  void fill(unsigned kind) {
    for (unsigned b = 0; b < kSamples; ++b) {
      for (unsigned c = 0; c < Tensor::kChannels; ++c) {
        for (unsigned p = 0; p < Tensor::kPixels; ++p) {
          value[b][c][p] = kind == 1   ? lowest<Tensor>()
                           : kind == 2 ? highest<Tensor>()
                                       : lowest<Tensor>() + random_below(1U << Tensor::kBits);
        }
      }
    }
  }

  // Into a FIFO, in the order of the stream; lanes past the last pixel hold random values.
  template <class Types, class Fifo>
  void send(Fifo& fifo) const {
    using Beat = bitfpga::Beat<Types, Tensor, kSamples>;
    for (unsigned i = 0; i < Tensor::kBeats; ++i) {
      Beat beat;
      for (unsigned lane = 0; lane < Beat::kSize; ++lane) {
        const unsigned b = lane % kSamples, c = i % Tensor::kChannels;
        const unsigned p = i / Tensor::kChannels * Tensor::kBeatPixels + lane / kSamples;
        beat[lane] = static_cast<typename Beat::Lane>(
            p < Tensor::kPixels ? value[b][c][p]
                                : lowest<Tensor>() + random_below(1U << Tensor::kBits));
      }
      fifo.write(beat);
    }
  }

  // Takes this tensor's beats from a FIFO and compares.
  template <class Types, class Fifo>
  void check(Fifo& fifo) const {
    using Beat = bitfpga::Beat<Types, Tensor, kSamples>;
    for (unsigned i = 0; i < Tensor::kBeats; ++i) {
      const Beat beat = fifo.read();
      for (unsigned lane = 0; lane < Beat::kSize; ++lane) {
        const unsigned b = lane % kSamples, c = i % Tensor::kChannels;
        const unsigned p = i / Tensor::kChannels * Tensor::kBeatPixels + lane / kSamples;
        if (p < Tensor::kPixels) CHECK_AT(i, value[b][c][p], static_cast<long long>(beat[lane]));
      }
    }
  }
};

// floor(value / 2^places) without any shift of a negative number.
static inline long long floor_divide(long long value, unsigned places) {
  const long long divisor = 1LL << places, quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

// What a layer makes of an accumulator, from the definition.
template <class Layer>
long long requantised(long long sum, long long multiplier, long long bias) {
  const long long value = floor_divide(sum * multiplier + bias + Layer::kHalf, Layer::kShift);
  return value < Layer::kLow ? Layer::kLow : value > Layer::kHigh ? Layer::kHigh : value;
}

// A random multiplier 2^a - 2^b, 2^a or 0, and its value.
template <unsigned kTerms>
long long random_multiplier(bitfpga::ShiftAdd<kTerms>& multiplier) {
  long long value = 0;
  for (unsigned t = 0; t < kTerms; ++t) {
    multiplier.shift[t] = static_cast<unsigned char>(random_below(4));
    multiplier.sign[t] = static_cast<signed char>(static_cast<int>(random_below(3)) - 1);
    value += multiplier.sign[t] * (1LL << multiplier.shift[t]);
  }
  return value;
}
