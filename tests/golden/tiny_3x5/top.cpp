// Written by bitfpga; edit the network or the library, not this file.
#include "top.hpp"

#include "top_types.hpp"

extern "C" void bitfpga_top(const network::input_t* x, network::output_t* y,
                            unsigned n_samples, uint32_t* id_low, uint32_t* id_high,
                            uint32_t* interface_version, uint32_t* status) {
#pragma HLS INTERFACE m_axi port = x bundle = gmem_x offset = slave depth = 80
#pragma HLS INTERFACE m_axi port = y bundle = gmem_y offset = slave depth = 48
#pragma HLS INTERFACE s_axilite port = n_samples
#pragma HLS INTERFACE s_axilite port = id_low
#pragma HLS INTERFACE s_axilite port = id_high
#pragma HLS INTERFACE s_axilite port = interface_version
#pragma HLS INTERFACE s_axilite port = status
#pragma HLS INTERFACE s_axilite port = return
  *id_low = network::kIdLow;
  *id_high = network::kIdHigh;
  *interface_version = bitfpga::kInterfaceVersion;
  uint32_t faults = bitfpga::kBadCount;
  if (bitfpga::is_good_count(n_samples, network::kMaxSamples)) {
    const unsigned n_blocks = (n_samples - 1) / network::kTopSamples + 1;
    faults = bitfpga::kGood;
    network::run_top(x, y, n_samples, n_blocks, nullptr);
  }
  *status = faults;
}
