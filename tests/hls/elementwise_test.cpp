#include "bitfpga/elementwise.hpp"

#include "element_cases.hpp"

// A table of the three values a tensor has: what lies past its only pixel is none of them.
static void check_short_table() {
  using In = TestTensor<4, true, 1, 1, 2>;
  using Types = bitfpga::NativeTypes;
  struct Layer : TableLayer<In, In> {
    enum : long long { kTableLow = -1 };
  };
  const int table[3] = {5, 6, 7};
  Types::Fifo<In, 1, 2> from, to;
  for (int x = -8; x < 8; ++x) {
    from.write(bitfpga::Beat<Types, In, 1>{{static_cast<int16_t>(x % 2), static_cast<int16_t>(x)}});
    bitfpga::look_up<Types, Layer, 1>(from, table, to, 1);
    CHECK_AT(x, 6 + x % 2, to.read()[0]);
  }
}

int main() {
  check_short_table();
  check_elements<bitfpga::NativeTypes, 1>();
  check_elements<bitfpga::NativeTypes, 3>();
  return REPORT();
}
