// A network in native integers that answers batches until its standard input ends. A request is
// two 32-bit words and data: {0, n} with n samples is answered by n outputs; {1, n} with n words
// of 64 bits sets the taps that are read from memory, before the first batch; it has no answer.
#include "bitfpga/testbench_io.hpp"
#include "bitfpga/wide_columns.hpp"
#include "network.hpp"

namespace {

using network::input_t;
using network::output_t;

enum : unsigned {
  kSamples = bitfpga::simulation_samples(network::kMainTile, network::kMostBeats),
  kRun = 0,
  kTaps = 1
};

template <class Value>
bool receive(Value* values, size_t count) {
  return fread(values, sizeof(Value), count, stdin) == count;
}

// One block of a network that reads and writes memory.
void run_block(void (*run)(const input_t*, output_t*, unsigned, unsigned, const uint64_t*),
               const input_t* x, output_t* y, unsigned n_samples, const uint64_t* taps) {
  run(x, y, n_samples, 1, taps);
}

// One block of a network that reads and writes streams of elements.
template <class In, class Out>
void run_block(void (*run)(In&, Out&, unsigned, unsigned, const uint64_t*), const input_t* x,
               output_t* y, unsigned n_samples, const uint64_t* taps) {
  In in;
  Out out;
  for (size_t i = 0; i < size_t{n_samples} * network::kInputSize; ++i) in.write(x[i]);
  run(in, out, n_samples, 1, taps);
  for (size_t i = 0; i < size_t{n_samples} * network::kOutputSize; ++i) y[i] = out.read();
}

bool answer(unsigned n_samples, const uint64_t* taps) {
  bitfpga::Buffer<input_t> x(size_t{n_samples} * network::kInputSize);
  bitfpga::Buffer<output_t> y(size_t{n_samples} * network::kOutputSize);
  if (!receive(x.data(), x.count())) return false;
  for (unsigned first = 0; first < n_samples; first += kSamples) {
    const unsigned left = n_samples - first;
    run_block(
        &network::run<bitfpga::WideTypes, kSamples>, x.data() + size_t{first} * network::kInputSize,
        y.data() + size_t{first} * network::kOutputSize, left < kSamples ? left : kSamples, taps);
  }
  return fwrite(y.data(), sizeof(output_t), y.count(), stdout) == y.count() && fflush(stdout) == 0;
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
