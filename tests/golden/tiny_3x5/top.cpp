// Written by bitfpga; edit the network or the library, not this file.
#include "top.hpp"

#include "bitfpga/ap_types.hpp"

namespace {
enum : unsigned { kColumns = 1U };
}  // namespace

extern "C" void bitfpga_top(const network::input_t* x, network::output_t* y,
                            unsigned n_samples) {
#pragma HLS INTERFACE m_axi port = x bundle = gmem_x offset = slave depth = 80
#pragma HLS INTERFACE m_axi port = y bundle = gmem_y offset = slave depth = 48
#pragma HLS INTERFACE s_axilite port = n_samples
#pragma HLS INTERFACE s_axilite port = return
blocks:
  for (unsigned first = 0; first < n_samples; first += kColumns) {
    const unsigned left = n_samples - first;
    network::run_block<bitfpga::ApTypes, kColumns, false>(
        x + first * network::kInputSize, y + first * network::kOutputSize,
        left < kColumns ? left : kColumns, nullptr);
  }
}
