// A network in native integers that answers batches until its standard input ends. A request is
// two 32-bit words and data: {0, n} with n samples is answered by n outputs; {1, n} with n words
// of 64 bits sets the taps that are read from memory, before the first batch; it has no answer.
#include "bitfpga/testbench_io.hpp"
#include "bitfpga/wide_columns.hpp"
#include "network.hpp"

namespace {

enum : unsigned {
  kSamples = bitfpga::simulation_samples(network::kMainTile, network::kMostBeats),
  kRun = 0,
  kTaps = 1
};

template <class Value>
bool receive(Value* values, size_t count) {
  return fread(values, sizeof(Value), count, stdin) == count;
}

bool answer(unsigned n_samples, const uint64_t* taps) {
  bitfpga::Buffer<network::input_t> x(size_t{n_samples} * network::kInputSize);
  bitfpga::Buffer<network::output_t> y(size_t{n_samples} * network::kOutputSize);
  if (!receive(x.data(), x.count())) return false;
  for (unsigned first = 0; first < n_samples; first += kSamples) {
    const unsigned left = n_samples - first;
    network::run<bitfpga::WideTypes, kSamples>(x.data() + size_t{first} * network::kInputSize,
                                               y.data() + size_t{first} * network::kOutputSize,
                                               left < kSamples ? left : kSamples, 1, taps);
  }
  return fwrite(y.data(), sizeof(network::output_t), y.count(), stdout) == y.count() &&
         fflush(stdout) == 0;
}

int serve(int, char**) {
  bitfpga::Buffer<uint64_t> taps(network::kTapRows);
  uint32_t request[2];
  while (receive(request, 2)) {
    if (request[0] == kRun) {
      if (!answer(request[1], taps.data())) return bitfpga::fail("a batch is incomplete");
    } else if (request[0] != kTaps || request[1] != network::kTapRows) {
      return bitfpga::fail("an unknown request, or taps of another length");
    } else if (!receive(taps.data(), taps.count())) {
      return bitfpga::fail("the taps are incomplete");
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return bitfpga::run_with_large_stack(serve, argc, argv); }
