// Written by bitfpga; edit the network or the library, not this file.
#pragma once
#include "bitfpga/status.hpp"
#include "network.hpp"

namespace network {

enum : uint32_t {
  kMaxSamples = 13421772U,  // of a call
  kIdLow = 0xdd2bee09U,
  kIdHigh = 0x693becf1U,
};

}  // namespace network

// Sample after sample, row-major: x holds n_samples * 5 elements, y n_samples * 3.
// A call with n_samples = 0 only reports: id, version, and the status bitfpga::kBadCount.
extern "C" void bitfpga_top(const network::input_t* x, network::output_t* y,
                            unsigned n_samples, uint32_t* id_low, uint32_t* id_high,
                            uint32_t* interface_version, uint32_t* status);
