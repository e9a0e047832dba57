// Columns for simulation on a CPU: many samples side by side in vector registers.
// Only testbenches include this. The schedule, the taps and the layer code are the same as in
// synthesis; what differs is how many columns there are and the instructions that add them.
#pragma once
#include <stdint.h>

#include "bitfpga/types.hpp"

namespace bitfpga {

// Columns that keep the activation memories of a network of this many rows near the core.
constexpr unsigned simulation_columns(unsigned memory_rows) {
  return memory_rows <= 512 ? 128 : 32;
}

// The widest vector registers the compiler may use; wider vector types are compiled into bad code.
#if defined(__AVX512F__)
#define BITFPGA_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define BITFPGA_VECTOR_BYTES 32
#else
#define BITFPGA_VECTOR_BYTES 16
#endif

template <class LaneType, unsigned kColumns>
struct WideColumns {
  using Lane = LaneType;
  enum : unsigned {
    kSize = kColumns,
    kBytes = BITFPGA_VECTOR_BYTES,
    kChunks = kColumns * sizeof(Lane) / kBytes
  };
  static_assert(kChunks * kBytes == kColumns * sizeof(Lane), "columns must fill whole vectors");
  typedef Lane Chunk __attribute__((vector_size(BITFPGA_VECTOR_BYTES), may_alias));
  Chunk chunk[kChunks];

  const Lane& operator[](unsigned column) const {
    return reinterpret_cast<const Lane*>(chunk)[column];
  }
  Lane& operator[](unsigned column) { return reinterpret_cast<Lane*>(chunk)[column]; }
};

template <class Lane, unsigned kColumns>
inline void clear(WideColumns<Lane, kColumns>& row) {
  using Row = WideColumns<Lane, kColumns>;
#pragma GCC unroll 16
  for (unsigned c = 0; c < Row::kChunks; ++c) row.chunk[c] = typename Row::Chunk{};
}

template <class Lane, unsigned kColumns>
inline void accumulate(WideColumns<Lane, kColumns>& acc, const WideColumns<Lane, kColumns>& x,
                       bool shift, bool negate) {
  using Row = WideColumns<Lane, kColumns>;
  if (shift) {
#pragma GCC unroll 16
    for (unsigned c = 0; c < Row::kChunks; ++c) acc.chunk[c] += acc.chunk[c];
  }
  if (negate) {
#pragma GCC unroll 16
    for (unsigned c = 0; c < Row::kChunks; ++c) acc.chunk[c] -= x.chunk[c];
  } else {
#pragma GCC unroll 16
    for (unsigned c = 0; c < Row::kChunks; ++c) acc.chunk[c] += x.chunk[c];
  }
}

using WideTypes = NativeTypesOf<WideColumns>;

}  // namespace bitfpga
