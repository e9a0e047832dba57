// Written by bitfpga; edit the network or the library, not this file.
// Network tiny_3x5 as one dataflow region; one text for simulation and synthesis.
#pragma once
#include "bitfpga/array.hpp"
#include "bitfpga/elementwise.hpp"
#include "bitfpga/host_io.hpp"
#include "bitfpga/move.hpp"
#include "bitfpga/pool.hpp"
#include "network_data.hpp"

namespace network {

using input_t = uint8_t;
using output_t = int8_t;
enum : unsigned {
  kInputSize = 5U,
  kOutputSize = 3U,
  kTapRows = 0U,
  kMainTile = 1U,
  kMostBeats = 5U,
};

// Where the samples are: in memory.
using Inputs = const input_t*;
using Outputs = output_t*;

// n_blocks blocks of kSamples samples; the last may hold fewer, n_samples in all.
template <class Types, unsigned kSamples>
void run(Inputs x, Outputs y, unsigned n_samples, unsigned n_blocks, const uint64_t* taps) {
#pragma HLS DATAFLOW
  (void)taps;
  typename Types::template Fifo<Tensor_input, kSamples, 32> fifo_input;
#pragma HLS STREAM variable = fifo_input depth = 32
  typename Types::template Fifo<Tensor_fc, kSamples, 32> fifo_fc;
#pragma HLS STREAM variable = fifo_fc depth = 32
  bitfpga::load<Types, Tensor_input, kSamples>(x, n_samples, fifo_input, n_blocks);
  bitfpga::vector_array<Types, Layer_fc, kSamples>(fifo_input, tap_rows_fc, jobs_fc, n_jobs_fc, pe_split_fc, entries_fc, scale_fc, fifo_fc, n_blocks);
  bitfpga::store<Types, Tensor_fc, kSamples>(fifo_fc, n_samples, y, n_blocks);
}

}  // namespace network
