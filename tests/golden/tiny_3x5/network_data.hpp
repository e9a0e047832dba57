// Written by bitfpga; edit the network or the library, not this file.
// The constants of network tiny_3x5: index streams, multipliers, tables.
#pragma once
#include <stdint.h>

#include "bitfpga/dense.hpp"

namespace network {

struct Layer_fc {
  enum : unsigned {
    kInputBits = 8U,
    kAccumulatorBits = 16U,
    kScaledBits = 19U,
    kRows = 1U,
    kInputs = 5U,
    kOutputs = 3U,
    kPes = 2U,
    kWords = 9U,
    kTapOffset = 0U,
    kSlots = 1U,
    kFinishedOutputs = 2U,
    kPrunedOutputs = 1U,
    kTerms = 2U,
    kShift = 4U,
  };
  enum : long long { kHalf = 8LL };
  enum : long long { kLow = -128LL };
  enum : long long { kHigh = 127LL };
  enum : bool { kInputSigned = false };
};

struct Output {
  enum : unsigned {
    kInputBits = 8U,
    kAccumulatorBits = 8U,
    kScaledBits = 8U,
  };
  enum : bool { kInputSigned = true };
};

const bitfpga::FinishedOutput finished_fc[2] = {
    {0, 0, 0},
    {1, 0, 2}};

const bitfpga::ChannelScale<Layer_fc::kTerms> scale_fc[2] = {
    {10LL, {{0, 0}, {0, 1}}},
    {-50LL, {{2, 0}, {1, -1}}}};

const bitfpga::PrunedOutput pruned_fc[1] = {
    {1, 3}};

const uint16_t words_fc[2][9] = {
    {17, 42, 42, 42, 42, 2, 42, 2, 28},
    {8, 42, 42, 26, 3, 42, 2, 25, 37}};

const unsigned n_words_fc[2] = {
    9, 9};

}  // namespace network
