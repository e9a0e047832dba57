// Pooling: windows of one channel after the other, or the whole map.
#pragma once
#include "bitfpga/elementwise.hpp"
#include "bitfpga/windows.hpp"

namespace bitfpga {

// The least value a tensor's lanes hold.
template <class Types, class Tensor>
typename Types::template Lane<Tensor> least_lane() {
  return static_cast<typename Types::template Lane<Tensor>>(
      Tensor::kSigned ? -(1L << (Tensor::kBits - 1)) : 0L);
}

// The greatest of each window; windows are read tile by tile, a tile is one block of pixels.
template <class Layer, class Row, class Rows, class Out>
BITFPGA_PROCESS void reduce_maximum(Rows& rows, Out& out) {
  const unsigned kWindow = unsigned{Layer::kKernelHeight} * Layer::kKernelWidth;
channels:
  for (unsigned c = 0; c < Layer::Input::kChannels; ++c) {
    Row best;
  window:
    for (unsigned k = 0; k < kWindow; ++k) {
#pragma HLS PIPELINE II = 1
      const Row row = rows.read();
      if (k == 0) {
        best = row;
      } else {
        take_maximum(best, row);
      }
      if (k + 1 == kWindow) out.write(best);
    }
  }
}

// The sum of each window, requantised. `index` counts tiles through the images of a call.
template <class Types, class Layer, unsigned kSamples, class Row, class Rows, class Scales,
          class Out>
BITFPGA_PROCESS void reduce_sum(Rows& rows, const Scales& scale, unsigned index, Out& out) {
  static unsigned beat_index;
  if (index == 0) beat_index = 0;
  const unsigned kWindow = unsigned{Layer::kKernelHeight} * Layer::kKernelWidth;
channels:
  for (unsigned c = 0; c < Layer::Input::kChannels; ++c) {
    typename Types::template ColumnsOf<typename Types::template Accumulator<Layer>, Row::kSize> sum;
    clear(sum);
  window:
    for (unsigned k = 0; k < kWindow; ++k) {
#pragma HLS PIPELINE II = 1
      add_columns(sum, rows.read());
      if (k + 1 == kWindow) {
        Beat<Types, typename Layer::Output, kSamples> beat;
        requantise_beat<Types, Layer, kSamples>(sum, scale, c, beat_index, beat);
        out.write(beat);
        beat_index = beat_index + 1 == Layer::Output::kBeats ? 0 : beat_index + 1;
      }
    }
  }
}

template <class Types, class Layer, unsigned kSamples>
using PoolRow =
    typename Types::template ColumnsOf<typename Types::template Lane<typename Layer::Input>,
                                       Layer::kTilePixels * kSamples>;

template <class Types, class Layer, unsigned kSamples, class In, class Out>
void max_tiles(InOneLoop, In& in, const TileLimits (&tiles)[Layer::kTiles], Out& out,
               unsigned n_tiles) {
  using Row = PoolRow<Types, Layer, kSamples>;
tiles:
  for (unsigned i = 0; i < n_tiles; ++i) {
#pragma HLS DATAFLOW
    Stream<Row, Layer::kWindowRows> rows;
#pragma HLS STREAM variable = rows depth = 2
    scan_tile<Types, Layer, kSamples>(in, tiles, i, least_lane<Types, typename Layer::Input>(),
                                      rows);
    reduce_maximum<Layer, Row>(rows, out);
  }
}

// Max pool: pixels outside the map never win.
template <class Types, class Layer, unsigned kSamples, class In, class Out>
void max_pool(In& in, const TileLimits (&tiles)[Layer::kTiles], Out& out, unsigned n_blocks) {
  static_assert(unsigned{Layer::kTilePixels} == Layer::Output::kBeatPixels, "a tile is one block");
  const unsigned n_tiles = n_blocks * Layer::kTiles;
#pragma HLS BIND_OP variable = n_tiles op = mul impl = fabric
  max_tiles<Types, Layer, kSamples>(typename Types::Overlap(), in, tiles, out, n_tiles);
}

template <class Types, class Layer, unsigned kSamples, class In, class Scales, class Out>
void sum_tiles(InOneLoop, In& in, const TileLimits (&tiles)[Layer::kTiles], const Scales& scale,
               Out& out, unsigned n_tiles) {
  using Row = PoolRow<Types, Layer, kSamples>;
tiles:
  for (unsigned i = 0; i < n_tiles; ++i) {
#pragma HLS DATAFLOW
    Stream<Row, Layer::kWindowRows> rows;
#pragma HLS STREAM variable = rows depth = 2
    scan_tile<Types, Layer, kSamples>(in, tiles, i, static_cast<typename Row::Lane>(0), rows);
    reduce_sum<Types, Layer, kSamples, Row>(rows, scale, i, out);
  }
}

// Sums of windows, requantised: the divisor of an average is in the scale. Outside the map is 0.
template <class Types, class Layer, unsigned kSamples, class In, class Scales, class Out>
void sum_pool(In& in, const TileLimits (&tiles)[Layer::kTiles], const Scales& scale, Out& out,
              unsigned n_blocks) {
  static_assert(unsigned{Layer::kTilePixels} == Layer::Output::kBeatPixels, "a tile is one block");
  const unsigned n_tiles = n_blocks * Layer::kTiles;
#pragma HLS BIND_OP variable = n_tiles op = mul impl = fabric
  sum_tiles<Types, Layer, kSamples>(typename Types::Overlap(), in, tiles, scale, out, n_tiles);
}

// The sums of a map's channels.
template <class Types, class Tensor, unsigned kSamples, class In, class Sum>
BITFPGA_PROCESS void sum_channels(In& in, Sum (&sums)[Tensor::kChannels]) {
  enum : unsigned {
    kLanes = Tensor::kBeatPixels,
    kBlocks = (Tensor::kPixels + kLanes - 1) / kLanes,
    kLastLanes = Tensor::kPixels - (kBlocks - 1) * kLanes
  };
blocks:
  for (unsigned block = 0; block < kBlocks; ++block) {
  channels:
    for (unsigned c = 0; c < Tensor::kChannels; ++c) {
#pragma HLS PIPELINE II = 1
      const Beat<Types, Tensor, kSamples> beat = in.read();
      Sum sum;
      clear(sum);
      if (block > 0) sum = sums[c];
    lanes:
      for (unsigned r = 0; r < kLanes; ++r) {
#pragma HLS UNROLL
        typename Types::template ColumnsOf<typename Types::template Lane<Tensor>, kSamples> pixel;
        get_part(beat, r, pixel);
        if (block + 1 < kBlocks || r < kLastLanes) add_columns(sum, pixel);
      }
      sums[c] = sum;
    }
  }
}

template <class Types, class Layer, unsigned kSamples, class Sum, class Scales, class Out>
BITFPGA_PROCESS void emit_sums(const Sum (&sums)[Layer::Output::kChannels], const Scales& scale,
                               Out& out) {
channels:
  for (unsigned c = 0; c < Layer::Output::kChannels; ++c) {
#pragma HLS PIPELINE II = 1
    Beat<Types, typename Layer::Output, kSamples> beat;
    requantise_beat<Types, Layer, kSamples>(sums[c], scale, c, c, beat);
    out.write(beat);
  }
}

// One pixel for each channel: the sum of its map, requantised.
template <class Types, class Layer, unsigned kSamples, class In, class Scales, class Out>
void sum_map(In& in, const Scales& scale, Out& out, unsigned n_blocks) {
  using Tensor = typename Layer::Input;
  static_assert(Layer::Output::kPixels == 1, "the output is a vector");
  static_assert(unsigned{Layer::Output::kChannels} == Tensor::kChannels,
                "one sum for each channel");
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
#pragma HLS DATAFLOW
    typename Types::template ColumnsOf<typename Types::template Accumulator<Layer>, kSamples>
        sums[Tensor::kChannels];
    sum_channels<Types, Tensor, kSamples>(in, sums);
    emit_sums<Types, Layer, kSamples>(sums, scale, out);
  }
}

}  // namespace bitfpga
