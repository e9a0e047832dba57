// Dense layers through vector_array, against plain sums over the weights.
#pragma once
#include "array_cases.hpp"

// A dense layer on every lane of every beat of In; kSplitR rows to a split.
template <class In, class Out, unsigned kSplitR, unsigned kPesPerSplit, unsigned kB>
struct DenseLayer {
  using Input = In;
  using Output = Out;
  enum : unsigned {
    kGroups = 1,
    kWindowRows = In::kBeats * In::kBeatPixels,
    kSplitRows = kSplitR,
    kSplits = (kWindowRows + kSplitR - 1) / kSplitR,
    kPes = kSplits * kPesPerSplit,
    kSpan = kSplitRows,
    kSymbolBits = kB,
    kCellsPerRow = 36 / (kB + 1),
    kTapRows = 40 * kSplitRows + 20,
    kTapOffset = 5,
    kSlots = (Out::kChannels + kPesPerSplit - 1) / kPesPerSplit,
    kEntries = Out::kChannels * kSplits,
    kAccumulatorBits = 26,
    kScaledBits = 32,
    kShift = 6
  };
  enum : long long { kHalf = 32, kLow = -64, kHigh = 63 };
};

// Input `row` of the layer, or a lane that holds no pixel.
template <class Tensor, class Image>
bool input_row(const Image& image, unsigned row, long long& value) {
  const unsigned beat = row / Tensor::kBeatPixels;
  const unsigned p = beat / Tensor::kChannels * Tensor::kBeatPixels + row % Tensor::kBeatPixels;
  if (p >= Tensor::kPixels) return false;
  value = image[beat % Tensor::kChannels][p];
  return true;
}

template <class Types, class Layer, unsigned kSamples>
void check_vector_array(int greatest, unsigned kind = 0) {
  using Tensor = typename Layer::Input;
  enum : unsigned { kBlocks = 3, kOutputs = Layer::Output::kChannels };
  static int weights[kOutputs * Layer::kWindowRows];
  static ArrayData<Layer> data;
  static uint64_t memory[Layer::kTapOffset + Layer::kTapRows * Layer::kPes];
  static Maps<Tensor, kSamples> in[kBlocks];
  static Maps<typename Layer::Output, kSamples> out[kBlocks];
  bitfpga::ChannelScale<2> scale[kOutputs];
  make_weights<Layer>(weights, greatest, kind);
  long long value;
  for (unsigned i = 0; i < kOutputs * Layer::kWindowRows; ++i) {
    if (!input_row<Tensor>(in[0].value[0], i % Layer::kWindowRows, value)) weights[i] = 0;
  }
  encode_array<Layer>(weights, data);
  for (unsigned i = 0; i < Layer::kTapRows * Layer::kPes; ++i) {
    memory[Layer::kTapOffset + i] = data.tap_rows[i % Layer::kPes][i / Layer::kPes];
  }
  for (unsigned n = 0; n < kBlocks; ++n) in[n].fill(kind == 2 ? n : 0);
  for (unsigned o = 0; o < kOutputs; ++o) {
    const long long multiplier = random_multiplier(scale[o].multiplier);
    scale[o].bias = static_cast<int>(random_below(2001)) - 1000;
    for (unsigned i = 0; i < kBlocks * kSamples; ++i) {
      long long sum = 0;
      for (unsigned k = 0; k < Layer::kWindowRows; ++k) {
        if (!input_row<Tensor>(in[i / kSamples].value[i % kSamples], k, value)) continue;
        sum += weights[o * Layer::kWindowRows + k] * value;
      }
      out[i / kSamples].value[i % kSamples][o][0] =
          requantised<Layer>(sum, multiplier, scale[o].bias);
    }
  }
  typename Types::template Fifo<Tensor, kSamples, kDeep> from;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> to;
  const uint64_t* taps = memory;
  for (unsigned run = 0; run < 2; ++run) {
    for (const auto& maps : in) maps.template send<Types>(from);
    if (run == 0) {
      bitfpga::vector_array<Types, Layer, kSamples>(from, data.tap_rows, data.jobs, data.n_jobs,
                                                    data.pe_split, data.entries, scale, to, 3);
    } else {
      bitfpga::vector_array<Types, Layer, kSamples>(from, taps, data.jobs, data.n_jobs,
                                                    data.pe_split, data.entries, scale, to, 3);
    }
    for (const auto& maps : out) maps.template check<Types>(to);
  }
  CHECK(true, from.empty());
  CHECK(true, to.empty());
}

template <class Types, unsigned kSamples>
void check_vector_arrays() {
  using Out = TestTensor<7, true, 4, 1, 1>;
  using One = TestTensor<7, true, 1, 1, 1>;
  using Vector = TestTensor<8, true, 9, 1, 1>;
  using Map = TestTensor<5, false, 3, 6, 4>;
  check_vector_array<Types, DenseLayer<Vector, Out, 9, 2, 2>, kSamples>(255);
  check_vector_array<Types, DenseLayer<Vector, One, 4, 1, 1>, kSamples>(2000, 2);
  check_vector_array<Types, DenseLayer<Vector, Out, 3, 1, 8>, kSamples>(31, 1);
  check_vector_array<Types, DenseLayer<Map, Out, 24, 3, 3>, kSamples>(100);
  check_vector_array<Types, DenseLayer<Map, Out, 8, 1, 11>, kSamples>(100);
  check_vector_array<Types, DenseLayer<One, One, 1, 1, 1>, kSamples>(1, 2);
}
