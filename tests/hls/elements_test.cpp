// Elements by number from memory, in order from a stream.
#include "bitfpga/elements.hpp"

#include "check.hpp"

int main() {
  int8_t memory[3] = {-5, 6, -7};
  const int8_t* x = memory;
  int8_t* y = memory;
  CHECK(-7, bitfpga::element(x, 2));
  bitfpga::set_element(y, 1, static_cast<int8_t>(-128));
  CHECK(-5, memory[0]);
  CHECK(-128, bitfpga::element(x, 1));
  CHECK(-7, memory[2]);
  bitfpga::Stream<int8_t, 2> stream;
  const int8_t values[] = {9, -8, 127};
  for (int8_t value : values) bitfpga::set_element(stream, 0, value);
  CHECK(3, stream.size());
  CHECK(9, bitfpga::element(stream, 2));
  CHECK(-8, bitfpga::element(stream, 2));
  CHECK(127, bitfpga::element(stream, 0));
  CHECK(true, stream.empty());
  return REPORT();
}
