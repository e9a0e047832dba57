// From the results of the PEs to activations: sums over splits, requantised, beat after beat.
#pragma once
#include "bitfpga/shift_add.hpp"
#include "bitfpga/types.hpp"

namespace bitfpga {

// One step: an output's sum takes results[pe][slot] << shift, or nothing where it has no taps.
struct Entry {
  unsigned pe;
  unsigned slot;
  unsigned shift;
  bool has_result;
  bool last;
};

// All outputs of n_blocks blocks of pixels; scale in the order of the outputs.
template <class Types, class Layer, unsigned kSamples, class Sum, unsigned kTerms, unsigned kScales,
          class Out>
BITFPGA_PROCESS void emit(const Sum (&results)[Layer::kPes][Layer::kSlots],
                          const Entry (&entries)[Layer::kEntries],
                          const ChannelScale<kTerms> (&scale)[kScales], unsigned n_blocks,
                          Out& out) {
  using Tensor = typename Layer::Output;
  static_assert(kScales == Tensor::kChannels, "one scale for each output channel");
  using Part =
      typename Types::template ColumnsOf<typename Sum::Lane, Tensor::kBeatPixels * kSamples>;
blocks:
  for (unsigned block = 0; block < n_blocks; ++block) {
    Part sum;
    clear(sum);
    unsigned channel = 0;
  entries:
    for (unsigned e = 0; e < Layer::kEntries; ++e) {
#pragma HLS PIPELINE II = 1
      const Entry entry = entries[e];
      if (entry.has_result) {
        Part part;
        get_part(results[entry.pe][entry.slot], block, part);
        add_shifted<Types>(sum, part, entry.shift);
      }
      if (entry.last) {
        Beat<Types, Tensor, kSamples> beat;
        requantise<Types, Layer>(sum, scale[channel], beat);
        out.write(beat);
        clear(sum);
        ++channel;
      }
    }
  }
}

}  // namespace bitfpga
