// Exact widths: every process in ap_int, against the same definitions as in native integers.
#include "bitfpga/ap_types.hpp"

#include "array_cases.hpp"
#include "element_cases.hpp"
#include "host_io_cases.hpp"
#include "move_cases.hpp"
#include "pool_cases.hpp"
#include "sum_cases.hpp"
#include "vector_cases.hpp"

int main() {
  using Types = bitfpga::ApTypes;
  check_window_arrays<Types, 1>();
  check_vector_arrays<Types, 2>();
  check_pools<Types, 1>();
  check_all_group_sums<Types, 3>();
  check_elements<Types, 2>();
  check_moves<Types, 2>();
  check_host_ios<Types, 2>();
  using Signed = Types::Lane<TestTensor<5, true, 1, 1, 1>>;
  using Unsigned = Types::Lane<TestTensor<5, false, 1, 1, 1>>;
  CHECK(-1, static_cast<int>(Signed(31)));
  CHECK(31, static_cast<int>(Unsigned(31)));
  const ap_int<14> shifted = Types::shift_left(ap_int<14>(-3), 11);
  CHECK(-3 * 2048, static_cast<int>(shifted));
  return REPORT();
}
