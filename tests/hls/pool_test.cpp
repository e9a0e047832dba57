#include "bitfpga/pool.hpp"

#include "pool_cases.hpp"

int main() {
  check_pools<bitfpga::NativeTypes, 1>();
  check_pools<bitfpga::NativeTypes, 3>();
  return REPORT();
}
