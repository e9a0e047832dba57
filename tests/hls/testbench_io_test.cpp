// Files, arguments, comparison and the trace; writes into the folder it runs in.
#include "bitfpga/testbench_io.hpp"

#include "check.hpp"
#include "maps.hpp"

namespace {

char* text(const char* value) { return const_cast<char*>(value); }

void check_files() {
  bitfpga::Buffer<short> buffer(3);
  CHECK(3, buffer.count());
  for (unsigned i = 0; i < 3; ++i) {
    CHECK_AT(i, 0, buffer.data()[i]);
    buffer.data()[i] = static_cast<short>(-5 + static_cast<int>(i));
  }
  CHECK(0, buffer.write("values.bin"));
  CHECK(2, buffer.write("no-such-folder/values.bin"));
  const bitfpga::File<short> file("values.bin");
  CHECK(3, file.count());
  CHECK(0, buffer.compare(file, 2));
  buffer.data()[2] = 7;
  CHECK(1, buffer.compare(file, 2));
  const bitfpga::File<char> bytes("values.bin");
  CHECK(6, bytes.count());
  CHECK(2, buffer.compare(bytes, 2));
  CHECK(0, bitfpga::File<short>("no-such-file.bin", 0).count());
  CHECK(0, bitfpga::Buffer<int>(0).write("empty.bin"));
  CHECK(0, bitfpga::File<int>("empty.bin").count());
}

void check_arguments() {
  char* plain[] = {text("program")};
  const bitfpga::Arguments defaults(1, plain, "golden_x.bin", "taps.bin");
  CHECK(0, strcmp(defaults.x, "golden_x.bin"));
  CHECK(1, defaults.y == nullptr);
  CHECK(0, strcmp(defaults.taps, "taps.bin"));
  char* all[] = {text("program"), text("x"), text("y"), text("t"), text("--trace"), text("l")};
  const bitfpga::Arguments given(6, all, nullptr, nullptr);
  CHECK(0, strcmp(given.x, "x") | strcmp(given.y, "y") | strcmp(given.taps, "t"));
  CHECK(0, strcmp(given.trace, "l"));
  const bitfpga::Arguments no_trace(4, all, nullptr, nullptr);
  CHECK(1, no_trace.trace == nullptr);
}

void check_trace() {
  // 2 channels of 3 pixels, 2 pixels to a beat, 2 samples: channel c, pixel p, sample b is 100 b +
  // 10 c + p; channels last in memory.
  using Tensor = TestTensor<9, true, 2, 3, 2, true>;
  bitfpga::NativeTypes::Fifo<Tensor, 2, 2> fifo;
  Maps<Tensor, 2> maps;
  for (unsigned i = 0; i < 12; ++i) {
    maps.value[i / 6][i / 3 % 2][i % 3] = 100 * (i / 6) + 10 * (i / 3 % 2) + i % 3;
  }
  maps.send<bitfpga::NativeTypes>(fifo);
  {
    bitfpga::Trace trace("trace.bin");
    CHECK(1, trace.wanted());
    trace.write<Tensor, 2>(fifo, 2);
    trace.write<Tensor, 2>(fifo, 1);
    CHECK(0, trace.failed());
  }
  maps.check<bitfpga::NativeTypes>(fifo);
  const bitfpga::File<long long> layers("trace.bin");
  CHECK(18, layers.count());
  for (unsigned i = 0; i < layers.count(); ++i) {
    CHECK_AT(i, 100 * (i / 6 % 2) + 10 * (i % 2) + i / 2 % 3, layers.data()[i]);
  }
  CHECK(0, bitfpga::Trace(nullptr).wanted());
  CHECK(0, bitfpga::Trace(nullptr).failed());
  CHECK(1, bitfpga::Trace("no-such-folder/trace.bin").failed());
}

int uses_much_stack(int argc, char**) {
  volatile char large[64 << 20];
  large[0] = static_cast<char>(argc);
  large[sizeof(large) - 1] = 1;
  return large[0] + large[sizeof(large) - 1];
}

}  // namespace

int main() {
  check_files();
  check_arguments();
  check_trace();
  CHECK(6, bitfpga::run_with_large_stack(uses_much_stack, 5, nullptr));
  return REPORT();
}
