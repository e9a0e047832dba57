#include "bitfpga/move.hpp"

#include "move_cases.hpp"

int main() {
  check_moves<bitfpga::NativeTypes, 1>();
  check_moves<bitfpga::NativeTypes, 3>();
  return REPORT();
}
