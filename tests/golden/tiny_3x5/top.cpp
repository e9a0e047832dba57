// Written by bitfpga; edit the network or the library, not this file.
#include "top.hpp"

#include "bitfpga/ap_types.hpp"

namespace {
enum : unsigned { kSamples = 1U };
}  // namespace

extern "C" void bitfpga_top(const network::input_t* x, network::output_t* y,
                            unsigned n_samples) {
#pragma HLS INTERFACE m_axi port = x bundle = gmem_x offset = slave depth = 80
#pragma HLS INTERFACE m_axi port = y bundle = gmem_y offset = slave depth = 48
#pragma HLS INTERFACE s_axilite port = n_samples
#pragma HLS INTERFACE s_axilite port = return
  const unsigned n_blocks = (n_samples + kSamples - 1) / kSamples;
  network::run<bitfpga::ApTypes, kSamples>(x, y, n_samples, n_blocks, nullptr);
}
