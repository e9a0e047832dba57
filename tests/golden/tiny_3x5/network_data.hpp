// Written by bitfpga; edit the network or the library, not this file.
// Sizes and constants of network tiny_3x5: tensors, layers, index streams, multipliers.
#pragma once
#include <stdint.h>

#include "bitfpga/array.hpp"
#include "bitfpga/elementwise.hpp"

namespace network {

struct Tensor_input {
  enum : unsigned {
    kBits = 8U,
    kChannels = 5U,
    kPixels = 1U,
    kBeatPixels = 1U,
    kChannelStride = 1U,
    kPixelStride = 0U,
    kBeats = 5U,
  };
  enum : bool { kSigned = false };
};

struct Tensor_fc {
  enum : unsigned {
    kBits = 8U,
    kChannels = 3U,
    kPixels = 1U,
    kBeatPixels = 1U,
    kChannelStride = 1U,
    kPixelStride = 0U,
    kBeats = 3U,
  };
  enum : bool { kSigned = true };
};

struct Layer_fc {
  using Output = Tensor_fc;
  using Input = Tensor_input;
  enum : unsigned {
    kAccumulatorBits = 16U,
    kScaledBits = 19U,
    kWindowRows = 5U,
    kSplits = 1U,
    kSplitRows = 5U,
    kSpan = 5U,
    kSymbolBits = 0U,
    kCellsPerRow = 1U,
    kTapRows = 9U,
    kTapOffset = 0U,
    kPes = 2U,
    kSlots = 1U,
    kEntries = 3U,
    kShift = 4U,
  };
  enum : long long { kHalf = 8LL };
  enum : long long { kLow = -128LL };
  enum : long long { kHigh = 127LL };
};

const bitfpga::Job jobs_fc[2][1] = {
    {{0, 9}}, {{0, 9}}};

const unsigned n_jobs_fc[2] = {
    1, 1};

const unsigned pe_split_fc[2] = {
    0, 0};

const bitfpga::Entry entries_fc[3] = {
    {0, 0, 0, true, true}, {0, 0, 0, false, true}, {1, 0, 0, true, true}};

const bitfpga::ChannelScale<2> scale_fc[3] = {
    {10LL, {{0, 0}, {0, 1}}}, {40LL, {{0, 2}, {0, 1}}}, {-50LL, {{2, 0}, {1, -1}}}};

const uint64_t tap_rows_fc[2][9] = {
    {13ULL, 2ULL, 2ULL, 2ULL, 2ULL, 22ULL, 2ULL, 22ULL, 8ULL}, {16ULL, 2ULL, 2ULL, 10ULL, 23ULL, 2ULL, 22ULL, 9ULL, 5ULL}};

}  // namespace network
