#include "bitfpga/host_io.hpp"

#include "host_io_cases.hpp"

int main() {
  check_host_ios<bitfpga::NativeTypes, 1>();
  check_host_ios<bitfpga::NativeTypes, 3>();
  return REPORT();
}
