// Written by bitfpga; edit the network or the library, not this file.
// What the top function is made of: exact integers, as synthesis needs them, or the native ones and
// the many samples at once of a fast simulation, where BITFPGA_NATIVE is defined.
#pragma once
#if defined(BITFPGA_NATIVE)
#include "bitfpga/wide_columns.hpp"
#else
#include "bitfpga/ap_types.hpp"
#endif
#include "network.hpp"

namespace network {

#if defined(BITFPGA_NATIVE)
enum : unsigned { kTopSamples = bitfpga::simulation_samples(kMainTile, kMostBeats) };
#else
enum : unsigned { kTopSamples = 1U };
#endif

inline void run_top(Inputs x, Outputs y, unsigned n_samples, unsigned n_blocks,
                    const uint64_t* taps) {
#pragma HLS INLINE
#if defined(BITFPGA_NATIVE)
  run<bitfpga::WideTypes, kTopSamples>(x, y, n_samples, n_blocks, taps);
#else
  run<bitfpga::ApTypes, kTopSamples>(x, y, n_samples, n_blocks, taps);
#endif
}

}  // namespace network
