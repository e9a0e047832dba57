#include "bitfpga/status.hpp"

#include "check.hpp"

int main() {
  const unsigned good[] = {1, 2, 7}, bad[] = {0, 8, 0xffffffff};
  for (unsigned n : good) CHECK_AT(n, true, bitfpga::is_good_count(n, 7));
  for (unsigned n : bad) CHECK_AT(n, false, bitfpga::is_good_count(n, 7));
  CHECK(true, bitfpga::is_good_count(0xffffffff, 0xffffffff));
  CHECK(0, bitfpga::kGood);
  CHECK(1 << 0, bitfpga::kBadCount);
  CHECK(1 << 1, bitfpga::kEarlyLast);
  CHECK(1 << 2, bitfpga::kMissingLast);
  return REPORT();
}
