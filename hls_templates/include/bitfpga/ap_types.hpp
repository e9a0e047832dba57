// Exact-width integers (ap_int) for the widths of a schedule: what synthesis sees.
#pragma once
#include <ap_int.h>

#include "bitfpga/types.hpp"

namespace bitfpga {

struct ApTypes {
  using Overlap = InOneLoop;
  using TapSource = FromCells;

  template <class Tensor>
  using Lane =
      typename Select<Tensor::kSigned, ap_int<Tensor::kBits>, ap_uint<Tensor::kBits>>::type;
  template <class Layer>
  using Accumulator = ap_int<Layer::kAccumulatorBits>;
  template <class Layer>
  using ArraySum = ap_int<Layer::kAccumulatorBits>;
  template <class Layer>
  using ArrayInput = Lane<typename Layer::Input>;
  template <class Layer>
  using Scaled = ap_int<Layer::kScaledBits>;
  template <class Lane, unsigned kColumns>
  using ColumnsOf = Columns<Lane, kColumns>;
  template <class Tensor, unsigned kSamples, unsigned kDepth>
  using Fifo = Stream<Columns<Lane<Tensor>, Tensor::kBeatPixels * kSamples>, Tensor::kBeats>;

  template <class Value>
  static Value shift_left(Value value, unsigned places) {
    return static_cast<Value>(value << places);
  }
};

}  // namespace bitfpga
