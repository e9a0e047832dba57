// Columns for simulation on a CPU: many samples side by side in vector registers.
// Only testbenches include this. The schedule, the taps and the layer code are the same as in
// synthesis; what differs is how many columns there are and the instructions that add them.
#pragma once
#include <stdint.h>

#include "bitfpga/decoded_walk.hpp"
#include "bitfpga/types.hpp"

namespace bitfpga {

// Samples to run side by side: at least a vector register of 16-bit lanes, more where tiles are
// small, as long as the tensors on the way (of most_beats beats) stay near the core.
constexpr unsigned simulation_samples(unsigned tile_pixels, unsigned most_beats) {
  return most_beats > 2048 || tile_pixels >= 16  ? 32
         : most_beats > 1024 || tile_pixels >= 8 ? 64
                                                 : 128;
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

// Parts of the same lanes are whole chunks.
template <class Lane, unsigned kFrom, unsigned kTo>
inline void get_part(const WideColumns<Lane, kFrom>& from, unsigned part,
                     WideColumns<Lane, kTo>& to) {
  using Row = WideColumns<Lane, kTo>;
#pragma GCC unroll 16
  for (unsigned c = 0; c < Row::kChunks; ++c) to.chunk[c] = from.chunk[part * Row::kChunks + c];
}

template <class Lane, unsigned kFrom, unsigned kTo>
inline void set_part(WideColumns<Lane, kTo>& to, unsigned part,
                     const WideColumns<Lane, kFrom>& from) {
  using Row = WideColumns<Lane, kFrom>;
#pragma GCC unroll 16
  for (unsigned c = 0; c < Row::kChunks; ++c) to.chunk[part * Row::kChunks + c] = from.chunk[c];
}

// sum += value << places in whole vectors; unsigned, as a negative left operand is undefined.
template <class Types, class Lane, unsigned kColumns>
inline void add_shifted(WideColumns<Lane, kColumns>& sum, const WideColumns<Lane, kColumns>& value,
                        unsigned places) {
  using Row = WideColumns<Lane, kColumns>;
  using Bits = typename UnsignedOfSize<sizeof(Lane)>::type;
  typedef Bits Word __attribute__((vector_size(BITFPGA_VECTOR_BYTES), may_alias));
#pragma GCC unroll 16
  for (unsigned c = 0; c < Row::kChunks; ++c) {
    sum.chunk[c] += (typename Row::Chunk)((Word)value.chunk[c] << static_cast<Bits>(places));
  }
}

// Accumulators that fit the registers beside what they add.
enum : unsigned { kChunksAtOnce = BITFPGA_VECTOR_BYTES == 64 ? 16 : 8 };

constexpr unsigned largest_divisor(unsigned value, unsigned limit) {
  return value % limit == 0 ? limit : largest_divisor(value, limit - 1);
}

// The taps of one job, kChunks chunks of the columns at a time.
template <class Lane, unsigned kColumns, unsigned kRows>
inline void walk_words(const uint32_t* words, unsigned n_words,
                       const WideColumns<Lane, kColumns> (&window)[kRows],
                       WideColumns<Lane, kColumns>& result) {
  using Row = WideColumns<Lane, kColumns>;
  enum : unsigned { kChunks = largest_divisor(Row::kChunks, kChunksAtOnce) };
  for (unsigned first = 0; first < Row::kChunks; first += kChunks) {
    typename Row::Chunk sum[kChunks] = {};
    for (unsigned i = 0; i < n_words; ++i) {
      const typename Row::Chunk* x = window[words[i] >> kRowBit].chunk + first;
      if ((words[i] & kShiftFlag) != 0) {
#pragma GCC unroll 16
        for (unsigned c = 0; c < kChunks; ++c) sum[c] += sum[c];
      }
      if ((words[i] & kNegateFlag) != 0) {
#pragma GCC unroll 16
        for (unsigned c = 0; c < kChunks; ++c) sum[c] -= x[c];
      } else {
#pragma GCC unroll 16
        for (unsigned c = 0; c < kChunks; ++c) sum[c] += x[c];
      }
    }
#pragma GCC unroll 16
    for (unsigned c = 0; c < kChunks; ++c) result.chunk[first + c] = sum[c];
  }
}

struct WideTypes : NativeTypesOf<WideColumns> {
  using TapSource = FromWords;
};

}  // namespace bitfpga
