// Exact-width integers (ap_int) for the widths of a schedule: what synthesis sees.
#pragma once
#include <ap_int.h>

#include "bitfpga/types.hpp"

namespace bitfpga {

struct ApTypes {
  template <class Config>
  using Activation = typename Select<Config::kInputSigned, ap_int<Config::kInputBits>,
                                     ap_uint<Config::kInputBits>>::type;
  template <class Config>
  using Accumulator = ap_int<Config::kAccumulatorBits>;
  template <class Config>
  using Scaled = ap_int<Config::kScaledBits>;
  template <class Lane, unsigned kColumns>
  using ColumnsOf = Columns<Lane, kColumns>;

  template <class Lane>
  static Lane shift_left(Lane value, unsigned places) {
    return static_cast<Lane>(value << places);
  }
};

}  // namespace bitfpga
