// What the top function answers in its status register, and when it does nothing at all.
#pragma once
#include <stdint.h>

namespace bitfpga {

enum : uint32_t {
  kInterfaceVersion = 1,
  kGood = 0,         // status
  kBadCount = 1,     // n_samples is 0 or too large: nothing was done
  kEarlyLast = 2,    // TLAST came before the last element of the input
  kMissingLast = 4,  // the last element of the input came without TLAST
};

constexpr bool is_good_count(unsigned n_samples, unsigned max_samples) {
  return n_samples != 0 && n_samples <= max_samples;
}

}  // namespace bitfpga
