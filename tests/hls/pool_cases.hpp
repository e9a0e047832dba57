// Pools of awkward shapes against loops over their windows.
#pragma once
#include "array_cases.hpp"
#include "bitfpga/pool.hpp"

template <class Shape, unsigned kMode>
struct PoolLayer : Shape {
  enum : unsigned { kScaleMode = kMode, kAccumulatorBits = 22, kScaledBits = 28, kShift = 4 };
  enum : long long { kHalf = 8, kLow = -50, kHigh = 63 };
};

// A max pool gives what it takes.
template <class Shape>
struct MaxLayer : Shape {
  using Input = typename Shape::Input;
  using Output = TestTensor<Input::kBits, Input::kSigned, Input::kChannels, Shape::Output::kPixels,
                            Input::kBeatPixels>;
};

// The greatest value under the window of output pixel `out`, or its sum.
template <class Layer, class Channel>
long long reduce(const Channel& channel, unsigned out, bool maximum) {
  long long result = maximum ? lowest<typename Layer::Input>() : 0;
  for (unsigned k = 0; k < Layer::kKernelHeight * Layer::kKernelWidth; ++k) {
    const int y = static_cast<int>(out / Layer::kOutWidth * Layer::kStrideY +
                                   k / Layer::kKernelWidth * Layer::kDilationY) -
                  static_cast<int>(Layer::kPadTop);
    const int x = static_cast<int>(out % Layer::kOutWidth * Layer::kStrideX +
                                   k % Layer::kKernelWidth * Layer::kDilationX) -
                  static_cast<int>(Layer::kPadLeft);
    if (y < 0 || y >= static_cast<int>(Layer::kHeight)) continue;
    if (x < 0 || x >= static_cast<int>(Layer::kWidth)) continue;
    const long long value =
        channel[static_cast<unsigned>(y) * Layer::kWidth + static_cast<unsigned>(x)];
    result = !maximum ? result + value : value > result ? value : result;
  }
  return result;
}

template <class Types, class Layer, unsigned kSamples>
void check_max_pool() {
  enum : unsigned { kBlocks = 3, kChannels = Layer::Input::kChannels };
  static Maps<typename Layer::Input, kSamples> in[kBlocks];
  static Maps<typename Layer::Output, kSamples> out[kBlocks];
  bitfpga::TileLimits tiles[Layer::kTiles];
  make_limits<Layer>(tiles);
  typename Types::template Fifo<typename Layer::Input, kSamples, kDeep> from;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> to;
  for (unsigned n = 0; n < kBlocks; ++n) {
    in[n].fill(n);
    in[n].template send<Types>(from);
  }
  bitfpga::max_pool<Types, Layer, kSamples>(from, tiles, to, kBlocks);
  for (unsigned n = 0; n < kBlocks; ++n) {
    for (unsigned i = 0; i < kSamples * kChannels * Layer::Output::kPixels; ++i) {
      const unsigned b = i % kSamples, c = i / kSamples % kChannels, p = i / kSamples / kChannels;
      out[n].value[b][c][p] = reduce<Layer>(in[n].value[b][c], p, true);
    }
    out[n].template check<Types>(to);
  }
  CHECK(true, from.empty());
  CHECK(true, to.empty());
}

// A scale for every channel and pixel of an output, as its mode orders them.
template <class Layer>
struct ScaleTable {
  using Tensor = typename Layer::Output;
  enum : unsigned {
    kCount = Layer::kScaleMode == 0 ? 1
    : Layer::kScaleMode == 1        ? unsigned{Tensor::kChannels}
                                    : unsigned{Tensor::kBeats * Tensor::kBeatPixels}
  };
  bitfpga::ChannelScale<2> scale[kCount];
  long long multiplier[kCount];

  void fill() {
    for (unsigned i = 0; i < kCount; ++i) {
      multiplier[i] = random_multiplier(scale[i].multiplier);
      scale[i].bias = static_cast<int>(random_below(401)) - 200;
    }
  }

  long long apply(long long sum, unsigned channel, unsigned pixel) const {
    const unsigned beat = pixel / Tensor::kBeatPixels * Tensor::kChannels + channel;
    const unsigned i = Layer::kScaleMode == 0 ? 0
                       : Layer::kScaleMode == 1
                           ? channel
                           : beat * Tensor::kBeatPixels + pixel % Tensor::kBeatPixels;
    return requantised<Layer>(sum, multiplier[i], scale[i].bias);
  }
};

template <class Types, class Layer, unsigned kSamples>
void check_sum_pool() {
  enum : unsigned { kBlocks = 3, kChannels = Layer::Input::kChannels };
  static Maps<typename Layer::Input, kSamples> in[kBlocks];
  static Maps<typename Layer::Output, kSamples> out[kBlocks];
  bitfpga::TileLimits tiles[Layer::kTiles];
  make_limits<Layer>(tiles);
  static ScaleTable<Layer> table;
  table.fill();
  typename Types::template Fifo<typename Layer::Input, kSamples, kDeep> from;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> to;
  for (unsigned n = 0; n < kBlocks; ++n) {
    in[n].fill(n);
    in[n].template send<Types>(from);
  }
  bitfpga::sum_pool<Types, Layer, kSamples>(from, tiles, table.scale, to, kBlocks);
  for (unsigned n = 0; n < kBlocks; ++n) {
    for (unsigned i = 0; i < kSamples * kChannels * Layer::Output::kPixels; ++i) {
      const unsigned b = i % kSamples, c = i / kSamples % kChannels, p = i / kSamples / kChannels;
      out[n].value[b][c][p] = table.apply(reduce<Layer>(in[n].value[b][c], p, false), c, p);
    }
    out[n].template check<Types>(to);
  }
  CHECK(true, from.empty());
  CHECK(true, to.empty());
}

template <class In, class Out, unsigned kMode>
struct MapLayer {
  using Input = In;
  using Output = Out;
  enum : unsigned { kScaleMode = kMode, kAccumulatorBits = 22, kScaledBits = 28, kShift = 4 };
  enum : long long { kHalf = 8, kLow = -50, kHigh = 63 };
};

template <class Types, class Layer, unsigned kSamples>
void check_sum_map() {
  enum : unsigned { kBlocks = 3 };
  using Tensor = typename Layer::Input;
  static Maps<Tensor, kSamples> in[kBlocks];
  static Maps<typename Layer::Output, kSamples> out[kBlocks];
  static ScaleTable<Layer> table;
  table.fill();
  typename Types::template Fifo<Tensor, kSamples, kDeep> from;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> to;
  for (unsigned n = 0; n < kBlocks; ++n) {
    in[n].fill(n);
    in[n].template send<Types>(from);
  }
  bitfpga::sum_map<Types, Layer, kSamples>(from, table.scale, to, kBlocks);
  for (unsigned n = 0; n < kBlocks; ++n) {
    for (unsigned i = 0; i < kSamples * Tensor::kChannels; ++i) {
      const unsigned b = i % kSamples, c = i / kSamples;
      long long sum = 0;
      for (unsigned p = 0; p < Tensor::kPixels; ++p) sum += in[n].value[b][c][p];
      out[n].value[b][c][0] = table.apply(sum, c, 0);
    }
    out[n].template check<Types>(to);
  }
  CHECK(true, from.empty());
}

template <class Types, unsigned kSamples>
void check_pools() {
  using Plain = Window<Side<4, 2, 2, 1, 0, 0>, Side<6, 2, 2, 1, 0, 0>, 2, 1, 1, 5, true, 3, 3>;
  using Overlap = Window<Side<5, 3, 2, 1, 1, 1>, Side<3, 3, 1, 1, 0, 1>, 5, 2, 2, 8, false, 2, 2>;
  using Large = Window<Side<2, 4, 1, 2, 5, 4>, Side<3, 2, 2, 3, 1, 2>, 3, 4, 4, 16, true, 2, 2>;
  using Pixel = Window<Side<1, 2, 1, 1, 1, 1>, Side<1, 1, 1, 1, 0, 0>, 1, 1, 1, 1, false, 4, 4>;
  using Skipping = Window<Side<7, 1, 3, 1, 0, 0>, Side<2, 1, 1, 1, 0, 0>, 5, 4, 4, 6, true, 1, 1>;
  check_max_pool<Types, MaxLayer<Plain>, kSamples>();
  check_max_pool<Types, MaxLayer<Overlap>, kSamples>();
  check_max_pool<Types, MaxLayer<Large>, kSamples>();
  check_max_pool<Types, MaxLayer<Pixel>, kSamples>();
  check_max_pool<Types, MaxLayer<Skipping>, kSamples>();
  check_sum_pool<Types, PoolLayer<Plain, 0>, kSamples>();
  check_sum_pool<Types, PoolLayer<Overlap, 2>, kSamples>();
  check_sum_pool<Types, PoolLayer<Large, 1>, kSamples>();
  using Vector = TestTensor<7, true, 3, 1, 1>;
  check_sum_map<Types, MapLayer<TestTensor<6, true, 3, 7, 4>, Vector, 1>, kSamples>();
  check_sum_map<Types, MapLayer<TestTensor<9, false, 3, 1, 1>, Vector, 0>, kSamples>();
  check_sum_map<Types, MapLayer<TestTensor<4, true, 3, 8, 2>, Vector, 2>, kSamples>();
}
