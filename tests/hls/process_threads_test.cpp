// Processes in threads: the same values as one after the other, in FIFOs as deep as they say.
#include "bitfpga/process_threads.hpp"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "array_cases.hpp"
#include "bitfpga/move.hpp"
#include "element_cases.hpp"
#include "pool_cases.hpp"

namespace {

using Types = bitfpga::Threaded<bitfpga::NativeTypes>;
enum : unsigned { kSamples = 2 };
using Shape = Window<Side<5, 3, 1, 1, 1, 1>, Side<4, 3, 1, 1, 1, 1>, 5, 4, 2, 5, true, 2, 2>;
using Layer = ArrayLayer<Shape, 1, 2, 1, 3, 36, 24>;
using Input = Shape::Input;
using Output = Shape::Output;
using Sum = ElementLayer<Output, 0, Input, Output>;

// Three images through an array and through both pools.
template <unsigned kDepth>
void check_array() {
  static ArrayCase<Layer, kSamples> test;
  test.make(100, 0);
  const ArrayData<Layer>& data = test.data;
  Types::Fifo<Input, kSamples, kDepth> in;
  Types::Fifo<Output, kSamples, kDepth> out, slow_out;
  bitfpga::Processes processes;
  processes.add("send", [&] {
    for (const auto& maps : test.in) maps.send<Types>(in);
  });
  processes.add("array", [&] {
    bitfpga::window_array<Types, Layer, kSamples>(in, data.tap_rows, data.jobs, data.n_jobs,
                                                  data.pe_split, test.tiles, data.entries,
                                                  test.scale, out, test.kBlocks);
  });
  processes.add("slow", [&] {
    for (unsigned i = 0; i < test.kBlocks * Output::kBeats; ++i) {
      for (unsigned round = 0; round < 3; ++round) bitfpga::pass_turn("slow", "busy");
      slow_out.write(out.read());
    }
  });
  processes.add("check", [&] {
    for (const auto& maps : test.out) maps.check<Types>(slow_out);
  });
  processes.run();
  CHECK(kDepth, in.most());
  CHECK(true, out.most() <= kDepth);
}

// Adds a tensor to its convolution with itself: the path around needs room for what the window
// keeps back. Returns the exit status of a program of its own.
template <unsigned kAround>
int run_residual() {
  fflush(stdout);
  const pid_t child = fork();
  if (child != 0) {
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  }
  static ArrayCase<Layer, kSamples> test;
  test.make(100, 0);
  const ArrayData<Layer>& data = test.data;
  static Maps<Output, kSamples> sums[3];
  Types::Fifo<Input, kSamples, 2> all, to_array;
  Types::Fifo<Input, kSamples, kAround> around;
  Types::Fifo<Output, kSamples, 2> convolved, out;
  around.name("around");
  to_array.name("to_array");
  const bitfpga::ShiftAdd<1> weights[2] = {{{0}, {1}}, {{0}, {1}}};
  const bitfpga::ChannelScale<1> scale[1] = {{0, {{4}, {1}}}};
  for (unsigned i = 0; i < 3 * kSamples * Output::kChannels * Output::kPixels; ++i) {
    const unsigned n = i % 3, s = i / 3 % kSamples, c = i / 3 / kSamples % Output::kChannels;
    const unsigned p = i / 3 / kSamples / Output::kChannels;
    const long long sum = test.in[n].value[s][c][p] + test.out[n].value[s][c][p];
    sums[n].value[s][c][p] = requantised<Sum>(sum, 16, 0);
  }
  bitfpga::Processes processes;
  processes.add("send", [&] {
    for (const auto& maps : test.in) maps.send<Types>(all);
  });
  processes.add("fork", [&] { bitfpga::fork<Types, Input, kSamples>(all, 3, to_array, around); });
  processes.add("array", [&] {
    bitfpga::window_array<Types, Layer, kSamples>(to_array, data.tap_rows, data.jobs, data.n_jobs,
                                                  data.pe_split, test.tiles, data.entries,
                                                  test.scale, convolved, 3);
  });
  processes.add("add", [&] {
    bitfpga::add_elements<Types, Sum, kSamples>(weights, scale, out, 3, around, convolved);
  });
  processes.add("check", [&] {
    for (const auto& maps : sums) maps.check<Types>(out);
  });
  processes.run();
  exit(failures == 0 ? 0 : 1);
}

}  // namespace

int main() {
  check_array<1>();
  check_array<3>();
  using Around = Window<Side<4, 3, 2, 1, 2, 0>, Side<3, 3, 1, 1, 1, 1>, 4, 8, 4, 3, false, 4, 4>;
  check_window_array<Types, ArrayLayer<Around, 4, 1, 3, 4, 36, 20>, 1>(255);
  check_pools<Types, 1>();
  CHECK(0, run_residual<24>());
  CHECK(3, run_residual<2>());
  return REPORT();
}
