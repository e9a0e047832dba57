// Layers that treat each element by itself, one beat a cycle.
#pragma once
#include "bitfpga/shift_add.hpp"
#include "bitfpga/types.hpp"

namespace bitfpga {

// Requantises a beat. kScaleMode: 0 one scale for all elements, 1 one for each channel, 2 one for
// each element in the order of the stream (beat * kBeatPixels + pixel).
template <class Types, class Layer, unsigned kSamples, class Sum, unsigned kTerms, unsigned kScales>
inline void requantise_beat(const Sum& sum, const ChannelScale<kTerms> (&scale)[kScales],
                            unsigned channel, unsigned beat_index,
                            Beat<Types, typename Layer::Output, kSamples>& beat) {
  using Tensor = typename Layer::Output;
  static_assert(kScales == (Layer::kScaleMode == 0   ? 1U
                            : Layer::kScaleMode == 1 ? Tensor::kChannels
                                                     : Tensor::kBeats * Tensor::kBeatPixels),
                "as many scales as the mode asks for");
  if (Layer::kScaleMode < 2) {
    requantise<Types, Layer>(sum, scale[Layer::kScaleMode == 0 ? 0 : channel], beat);
    return;
  }
pixels:
  for (unsigned r = 0; r < Tensor::kBeatPixels; ++r) {
#pragma HLS UNROLL
    typename Types::template ColumnsOf<typename Sum::Lane, kSamples> part;
    typename Types::template ColumnsOf<typename Types::template Lane<Tensor>, kSamples> pixel;
    get_part(sum, r, part);
    requantise<Types, Layer>(part, scale[beat_index * Tensor::kBeatPixels + r], pixel);
    set_part(beat, r, pixel);
  }
}

// The input requantised.
template <class Types, class Layer, unsigned kSamples, class In, class Scales, class Out>
BITFPGA_PROCESS void scale_elements(In& in, const Scales& scale, Out& out, unsigned n_blocks) {
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
    unsigned channel = 0;
  beats:
    for (unsigned beat_index = 0; beat_index < Layer::Output::kBeats; ++beat_index) {
#pragma HLS PIPELINE II = 1
      Beat<Types, typename Layer::Output, kSamples> beat;
      requantise_beat<Types, Layer, kSamples>(in.read(), scale, channel, beat_index, beat);
      out.write(beat);
      channel = channel + 1 == Layer::Output::kChannels ? 0 : channel + 1;
    }
  }
}

// table[x - kTableLow]: any function of one activation. Lanes past the map's end may hold what no
// activation is: they read 0.
template <class Types, class Layer, unsigned kSamples, unsigned kEntries, class In, class Out>
BITFPGA_PROCESS void look_up(In& in, const int (&table)[kEntries], Out& out, unsigned n_blocks) {
  using OutBeat = Beat<Types, typename Layer::Output, kSamples>;
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
  beats:
    for (unsigned beat_index = 0; beat_index < Layer::Output::kBeats; ++beat_index) {
#pragma HLS PIPELINE II = 1
      const Beat<Types, typename Layer::Input, kSamples> x = in.read();
      OutBeat y;
    columns:
      for (unsigned v = 0; v < OutBeat::kSize; ++v) {
#pragma HLS UNROLL
        const unsigned entry =
            static_cast<unsigned>(static_cast<int>(x[v]) - static_cast<int>(Layer::kTableLow));
        y[v] = static_cast<typename OutBeat::Lane>(entry < kEntries ? table[entry] : 0);
      }
      out.write(y);
    }
  }
}

// sum += x * weight in every column, input by input; the last call of the pack ends the recursion.
template <class Types, class Sum, unsigned kTerms>
inline void add_inputs(Sum&, const ShiftAdd<kTerms>*) {}

template <class Types, class Sum, unsigned kTerms, class In, class... Rest>
inline void add_inputs(Sum& sum, const ShiftAdd<kTerms>* weights, In& in, Rest&... rest) {
  shift_add<Types>(sum, in.read(), *weights);
  add_inputs<Types>(sum, weights + 1, rest...);
}

// sum_k weights[k] * inputs[k], requantised.
template <class Types, class Layer, unsigned kSamples, unsigned kInputs, unsigned kWeightTerms,
          class Scales, class Out, class... Ins>
BITFPGA_PROCESS void add_elements(const ShiftAdd<kWeightTerms> (&weights)[kInputs],
                                  const Scales& scale, Out& out, unsigned n_blocks, Ins&... in) {
  using Tensor = typename Layer::Output;
  static_assert(sizeof...(Ins) == kInputs, "one weight per input");
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
    unsigned channel = 0;
  beats:
    for (unsigned beat_index = 0; beat_index < Tensor::kBeats; ++beat_index) {
#pragma HLS PIPELINE II = 1
      typename Types::template ColumnsOf<typename Types::template Accumulator<Layer>,
                                         Tensor::kBeatPixels * kSamples>
          sum;
      clear(sum);
      add_inputs<Types>(sum, weights, in...);
      Beat<Types, Tensor, kSamples> beat;
      requantise_beat<Types, Layer, kSamples>(sum, scale, channel, beat_index, beat);
      out.write(beat);
      channel = channel + 1 == Tensor::kChannels ? 0 : channel + 1;
    }
  }
}

}  // namespace bitfpga
