// Written by bitfpga; edit the network or the library, not this file.
// Network tiny_3x5 as one dataflow region; one text for simulation and synthesis.
#pragma once
#include "bitfpga/block_io.hpp"
#include "bitfpga/elementwise.hpp"
#include "bitfpga/move.hpp"
#include "network_data.hpp"

namespace network {

using input_t = uint8_t;
using output_t = int8_t;
using tap_t = uint16_t;
enum : unsigned {
  kInputSize = 5U,
  kOutputSize = 3U,
  kTapWords = 0U,
  kMemoryRows = 10U,
};

// One block of up to kColumns samples. kOnePort gives each memory a single copy: for a CPU, which
// has ports to spare; hardware gives every PE its own.
template <class Types, unsigned kColumns, bool kOnePort>
void run_block(const input_t* x, output_t* y, unsigned n_samples, const tap_t* taps) {
#pragma HLS DATAFLOW
  (void)taps;
  bitfpga::InputColumns<Types, Layer_fc, kColumns>
      memory0_fc[kOnePort ? 1 : 2][6];
#pragma HLS ARRAY_PARTITION variable = memory0_fc dim = 1 complete
  bitfpga::InputColumns<Types, Output, kColumns>
      memory_output[kOnePort ? 1 : 1][4];
#pragma HLS ARRAY_PARTITION variable = memory_output dim = 1 complete
  bitfpga::load_block(x, n_samples, memory0_fc);
  bitfpga::dense<Types, Layer_fc>(memory0_fc, words_fc, n_words_fc, finished_fc, scale_fc, pruned_fc, memory_output);
  bitfpga::store_block(memory_output, n_samples, y);
}

}  // namespace network
