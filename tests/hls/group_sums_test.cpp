// Shared sums in plain columns; those in exact widths and vector registers are tested with these.
#include "bitfpga/group_sums.hpp"

#include "sum_cases.hpp"

namespace {

struct Row {
  int lane[1];
};

// A layer without sums has no row more, and asks nothing of its struct.
void check_no_sums() {
  struct Layer {};
  using None = bitfpga::GroupSums<bitfpga::NativeTypes, Layer, Row, 4, bitfpga::NoSums>;
  None sums{bitfpga::NoSums()};
  sums.add(0, Row());
  sums.step(4);
  WrittenRows<Row, 1> written = {};
  sums.write_to(written);
  CHECK(0, written.n);
  CHECK(0, unsigned{None::kRows});
}

}  // namespace

int main() {
  check_all_group_sums<bitfpga::NativeTypes, 1>();
  check_all_group_sums<bitfpga::NativeTypes, 5>();
  check_no_sums();
  return REPORT();
}
