#include "bitfpga/array.hpp"

#include "array_cases.hpp"
#include "vector_cases.hpp"

int main() {
  check_window_arrays<bitfpga::NativeTypes, 1>();
  check_vector_arrays<bitfpga::NativeTypes, 3>();
  return REPORT();
}
