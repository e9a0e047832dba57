// Convolutions of awkward shapes through window_array, against loops over the weights.
#pragma once
#include "bitfpga/array.hpp"
#include "maps.hpp"

// Kernel, stride, dilation, padding of one dimension and the sizes they give.
template <unsigned kIn, unsigned kK, unsigned kS, unsigned kD, unsigned kP, unsigned kP2>
struct Side {
  enum : unsigned {
    kSize = kIn,
    kKernel = kK,
    kStride = kS,
    kDilation = kD,
    kPad = kP,
    kOut = (kIn + kP + kP2 - (kK - 1) * kD - 1) / kS + 1
  };
};

// kRing rows of line buffer, tiles of kV pixels, beats of kR.
template <class Y, class X, unsigned kRing, unsigned kV, unsigned kR, unsigned kBitsIn,
          bool kSignedIn, unsigned kChannelsIn, unsigned kChannelsOut>
struct Window {
  using Input = TestTensor<kBitsIn, kSignedIn, kChannelsIn, Y::kSize * X::kSize, kR>;
  using Output = TestTensor<7, true, kChannelsOut, Y::kOut * X::kOut, kR>;
  enum : unsigned {
    kHeight = Y::kSize,
    kWidth = X::kSize,
    kOutHeight = Y::kOut,
    kOutWidth = X::kOut,
    kKernelHeight = Y::kKernel,
    kKernelWidth = X::kKernel,
    kStrideY = Y::kStride,
    kStrideX = X::kStride,
    kDilationY = Y::kDilation,
    kDilationX = X::kDilation,
    kPadTop = Y::kPad,
    kPadLeft = X::kPad,
    kTilePixels = kV,
    kTiles = (kOutHeight * kOutWidth + kV - 1) / kV,
    kWindowRows = kChannelsIn * kKernelHeight * kKernelWidth,
    kBufferRows = kRing
  };
};

// Groups of channels, splits of the window, PEs for each split, bits of a symbol and a row.
template <class Shape, unsigned kGroupCount, unsigned kSplitCount, unsigned kPesPerSplit,
          unsigned kB, unsigned kRowBits, unsigned kAcc>
struct ArrayLayer : Shape {
  enum : unsigned {
    kGroups = kGroupCount,
    kSplits = kSplitCount,
    kSplitRows = (Shape::kWindowRows + kSplits - 1) / kSplits,
    kPes = kSplits * kPesPerSplit,
    kSpan = kGroups == 1 ? kSplitRows : Shape::kWindowRows / kGroups,
    kSymbolBits = kB,
    kCellsPerRow = kRowBits / (kB + 1),
    kTapRows = 40 * kSplitRows + 20,
    kTapOffset = 3,
    kSlots = (Shape::Output::kChannels + kPesPerSplit - 1) / kPesPerSplit,
    kEntries = Shape::Output::kChannels * kSplits,
    kAccumulatorBits = kAcc,
    kScaledBits = kAcc + 6,
    kShift = 5
  };
  enum : long long { kHalf = 16, kLow = -60, kHigh = 61 };
};

// Random weights of a grouped convolution as rows of the whole window; `kind` 1: all pruned,
// 2: all the greatest.
template <class Layer>
void make_weights(int* weights, int greatest, unsigned kind) {
  const unsigned per_group = Layer::kWindowRows / Layer::kGroups;
  const unsigned outputs_per_group = Layer::Output::kChannels / Layer::kGroups;
  for (unsigned o = 0; o < Layer::Output::kChannels; ++o) {
    const bool pruned = kind == 1 || (kind == 0 && random_below(5) == 0);
    for (unsigned k = 0; k < Layer::kWindowRows; ++k) {
      const bool connected = k / per_group == o / outputs_per_group;
      const int value =
          static_cast<int>(random_below(2 * static_cast<unsigned>(greatest) + 1)) - greatest;
      const bool zero = pruned || !connected || random_below(3) == 0;
      weights[o * Layer::kWindowRows + k] = kind == 2 && connected ? greatest : zero ? 0 : value;
    }
  }
}

// The accumulator of one output pixel, from the definition of a convolution.
template <class Layer, class Image>
long long convolve(const Image& image, const int* weights, unsigned out) {
  long long sum = 0;
  for (unsigned k = 0; k < Layer::kWindowRows; ++k) {
    const unsigned c = k / (Layer::kKernelHeight * Layer::kKernelWidth);
    const unsigned kh = k / Layer::kKernelWidth % Layer::kKernelHeight;
    const unsigned kw = k % Layer::kKernelWidth;
    const int y =
        static_cast<int>(out / Layer::kOutWidth * Layer::kStrideY + kh * Layer::kDilationY) -
        static_cast<int>(Layer::kPadTop);
    const int x =
        static_cast<int>(out % Layer::kOutWidth * Layer::kStrideX + kw * Layer::kDilationX) -
        static_cast<int>(Layer::kPadLeft);
    if (y < 0 || y >= static_cast<int>(Layer::kHeight)) continue;
    if (x < 0 || x >= static_cast<int>(Layer::kWidth)) continue;
    sum +=
        weights[k] * image[c][static_cast<unsigned>(y) * Layer::kWidth + static_cast<unsigned>(x)];
  }
  return sum;
}

// The arrays and three images of a layer, and what must come of them.
template <class Layer, unsigned kSamples>
struct ArrayCase {
  enum : unsigned { kBlocks = 3 };
  int weights[Layer::Output::kChannels * Layer::kWindowRows];
  ArrayData<Layer> data;
  uint64_t memory[Layer::kTapOffset + Layer::kTapRows * Layer::kPes];
  bitfpga::TileLimits tiles[Layer::kTiles];
  bitfpga::ChannelScale<2> scale[Layer::Output::kChannels];
  Maps<typename Layer::Input, kSamples> in[kBlocks];
  Maps<typename Layer::Output, kSamples> out[kBlocks];

  void make(int greatest, unsigned kind) {
    make_weights<Layer>(weights, greatest, kind);
    encode_array<Layer>(weights, data);
    make_limits<Layer>(tiles);
    for (unsigned p = 0; p < Layer::kPes; ++p) {
      for (unsigned i = 0; i < Layer::kTapRows; ++i) {
        memory[Layer::kTapOffset + i * Layer::kPes + p] = data.tap_rows[p][i];
      }
    }
    for (unsigned o = 0; o < Layer::Output::kChannels; ++o) make_output(o, kind);
  }

  void make_output(unsigned o, unsigned kind) {
    const long long multiplier = random_multiplier(scale[o].multiplier);
    scale[o].bias = static_cast<int>(random_below(2001)) - 1000;
    for (unsigned n = 0; n < kBlocks; ++n) {
      if (o == 0) in[n].fill(kind == 2 ? n : 0);
      for (unsigned b = 0; b < kSamples; ++b) {
        for (unsigned p = 0; p < Layer::Output::kPixels; ++p) {
          const long long sum =
              convolve<Layer>(in[n].value[b], weights + o * Layer::kWindowRows, p);
          out[n].value[b][o][p] = requantised<Layer>(sum, multiplier, scale[o].bias);
        }
      }
    }
  }
};

// All images through one call, with the taps on chip and from memory, then through one call each.
template <class Types, class Layer, unsigned kSamples>
void check_window_array(int greatest, unsigned kind = 0) {
  static ArrayCase<Layer, kSamples> test;
  test.make(greatest, kind);
  typename Types::template Fifo<typename Layer::Input, kSamples, kDeep> in;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> out;
  const uint64_t* memory = test.memory;
  const ArrayData<Layer>& data = test.data;
  for (unsigned run = 0; run < 2; ++run) {
    for (const auto& maps : test.in) maps.template send<Types>(in);
    if (run == 0) {
      bitfpga::window_array<Types, Layer, kSamples>(in, data.tap_rows, data.jobs, data.n_jobs,
                                                    data.pe_split, test.tiles, data.entries,
                                                    test.scale, out, test.kBlocks);
    } else {
      bitfpga::window_array<Types, Layer, kSamples>(in, memory, data.jobs, data.n_jobs,
                                                    data.pe_split, test.tiles, data.entries,
                                                    test.scale, out, test.kBlocks);
    }
    for (const auto& maps : test.out) maps.template check<Types>(out);
  }
  for (unsigned n = 0; n < test.kBlocks; ++n) {
    test.in[n].template send<Types>(in);
    bitfpga::window_array<Types, Layer, kSamples>(in, memory, data.jobs, data.n_jobs, data.pe_split,
                                                  test.tiles, data.entries, test.scale, out, 1);
    test.out[n].template check<Types>(out);
  }
  CHECK(true, in.empty());
  CHECK(true, out.empty());
}

// Every shape; kSamples as the columns of Types ask.
template <class Types, unsigned kSamples>
void check_window_arrays() {
  using Same = Window<Side<5, 3, 1, 1, 1, 1>, Side<4, 3, 1, 1, 1, 1>, 4, 1, 1, 5, false, 2, 3>;
  check_window_array<Types, ArrayLayer<Same, 1, 1, 2, 3, 36, 24>, kSamples>(100);
  using OneSided = Window<Side<7, 3, 2, 1, 2, 0>, Side<5, 2, 1, 2, 0, 3>, 6, 4, 2, 4, true, 3, 4>;
  check_window_array<Types, ArrayLayer<OneSided, 1, 2, 2, 1, 36, 24>, kSamples>(255);
  using Large = Window<Side<2, 5, 1, 1, 4, 3>, Side<3, 4, 2, 1, 3, 2>, 3, 4, 1, 8, true, 1, 2>;
  check_window_array<Types, ArrayLayer<Large, 1, 3, 1, 2, 64, 24>, kSamples>(64);
  using Pixel = Window<Side<1, 3, 1, 1, 1, 1>, Side<1, 1, 1, 1, 0, 0>, 1, 1, 1, 1, false, 4, 5>;
  check_window_array<Types, ArrayLayer<Pixel, 1, 1, 1, 12, 36, 20>, kSamples>(2000);
  using Narrow = Window<Side<9, 2, 1, 2, 1, 1>, Side<1, 1, 1, 1, 0, 0>, 11, 8, 4, 6, true, 2, 2>;
  check_window_array<Types, ArrayLayer<Narrow, 2, 1, 2, 2, 36, 20>, kSamples>(31);
  using Wrapped = Window<Side<4, 3, 1, 1, 1, 1>, Side<3, 3, 1, 1, 1, 1>, 7, 8, 4, 3, false, 4, 4>;
  check_window_array<Types, ArrayLayer<Wrapped, 4, 1, 3, 4, 36, 20>, kSamples>(255);
  using Skipping = Window<Side<8, 1, 3, 1, 0, 0>, Side<7, 2, 4, 1, 0, 0>, 2, 2, 2, 2, true, 2, 3>;
  check_window_array<Types, ArrayLayer<Skipping, 1, 2, 1, 5, 64, 20>, kSamples>(7);
  using WideLanes =
      Window<Side<3, 2, 1, 1, 0, 0>, Side<4, 3, 1, 1, 2, 0>, 3, 2, 1, 16, false, 3, 3>;
  check_window_array<Types, ArrayLayer<WideLanes, 1, 1, 2, 3, 36, 34>, kSamples>(255);
  check_window_array<Types, ArrayLayer<WideLanes, 1, 3, 1, 3, 36, 35>, kSamples>(255, 2);
  check_window_array<Types, ArrayLayer<Same, 1, 1, 3, 3, 36, 16>, kSamples>(3, 1);
  check_window_array<Types, ArrayLayer<Same, 1, 2, 1, 3, 36, 16>, kSamples>(7, 2);
}
