// Runs a network as the hardware does: every process at once, every FIFO as deep as planned, the
// steps of a tile side by side with two memories between them. Only testbenches include this.
#pragma once
#include "bitfpga/array.hpp"
#include "bitfpga/pool.hpp"
#include "bitfpga/turns.hpp"

namespace bitfpga {

struct InThreads {};

// The number types of Base, FIFOs of planned depth.
template <class Base>
struct Threaded : Base {
  using Overlap = InThreads;
  template <class Tensor, unsigned kSamples, unsigned kDepth>
  using Fifo = BoundedFifo<Beat<Base, Tensor, kSamples>, kDepth>;
};

// A double-buffered memory between two steps: one is filled while the other is read.
template <class Memory>
class TwoMemories {
 public:
  explicit TwoMemories(const char* name) : name_(name), filled_(0), read_(0) {}

  Memory& to_fill() {
    while (filled_ - read_ == 2) pass_turn(name_, "full");
    return memory_[filled_ & 1U];
  }
  void pass_on() {
    ++filled_;
    ++turns().moves;
  }
  const Memory& to_read() {
    while (filled_ == read_) pass_turn(name_, "empty");
    return memory_[read_ & 1U];
  }
  void give_back() {
    ++read_;
    ++turns().moves;
  }

 private:
  const char* name_;
  Memory memory_[2];
  unsigned filled_, read_;
};

template <class Types, class Layer, unsigned kSamples, class In, class Taps, unsigned kTerms,
          unsigned kScales, class Out, class Groups>
void run_tiles(InThreads, In& in, const Taps& taps, const Job (&jobs)[Layer::kPes][Layer::kSlots],
               const unsigned (&n_jobs)[Layer::kPes], const unsigned (&pe_split)[Layer::kPes],
               const TileLimits (&tiles)[Layer::kTiles], const Entry (&entries)[Layer::kEntries],
               const ChannelScale<kTerms> (&scale)[kScales], Out& out, unsigned n_tiles,
               const Groups& groups) {
  using Array = WindowArray<Types, Layer, kSamples>;
  using Row = typename Array::Row;
  BoundedFifo<Row, 2> rows;
  rows.name("rows");
  TwoMemories<typename Array::Windows> windows("windows");
  TwoMemories<typename Array::Results> results("results");
  Processes steps;
  steps.add("scan", [&] {
    const auto outside = static_cast<typename Array::Lane>(0);
    for (unsigned i = 0; i < n_tiles; ++i) {
      scan_tile<Types, Layer, kSamples>(in, tiles, i, outside, rows);
    }
  });
  steps.add("collect", [&] {
    for (unsigned i = 0; i < n_tiles; ++i) {
      collect_rows<Types, Layer, Row>(rows, pe_split, groups, windows.to_fill());
      windows.pass_on();
    }
  });
  steps.add("walk", [&] {
    for (unsigned i = 0; i < n_tiles; ++i) {
      const auto& window = windows.to_read();
      walk<Layer>(typename Types::TapSource(), taps, jobs, n_jobs, pe_split, window,
                  results.to_fill());
      windows.give_back();
      results.pass_on();
    }
  });
  steps.add("emit", [&] {
    for (unsigned i = 0; i < n_tiles; ++i) {
      emit_tile<Types, Layer, kSamples>(results.to_read(), entries, scale, i, out);
      results.give_back();
    }
  });
  steps.run();
}

// Scans tile after tile in a thread, while reduce(rows, i) takes their rows in another.
template <class Types, class Layer, unsigned kSamples, class In, class Lane, class Reduce>
void pool_in_threads(In& in, const TileLimits (&tiles)[Layer::kTiles], Lane outside,
                     unsigned n_tiles, const Reduce& reduce) {
  BoundedFifo<PoolRow<Types, Layer, kSamples>, 2> rows;
  rows.name("rows");
  Processes steps;
  steps.add("scan", [&] {
    for (unsigned i = 0; i < n_tiles; ++i) {
      scan_tile<Types, Layer, kSamples>(in, tiles, i, outside, rows);
    }
  });
  steps.add("reduce", [&] {
    for (unsigned i = 0; i < n_tiles; ++i) reduce(rows, i);
  });
  steps.run();
}

template <class Types, class Layer, unsigned kSamples, class In, class Out>
void max_tiles(InThreads, In& in, const TileLimits (&tiles)[Layer::kTiles], Out& out,
               unsigned n_tiles) {
  using Row = PoolRow<Types, Layer, kSamples>;
  using Rows = BoundedFifo<Row, 2>;
  pool_in_threads<Types, Layer, kSamples>(
      in, tiles, least_lane<Types, typename Layer::Input>(), n_tiles,
      [&](Rows& rows, unsigned) { reduce_maximum<Layer, Row>(rows, out); });
}

template <class Types, class Layer, unsigned kSamples, class In, class Scales, class Out>
void sum_tiles(InThreads, In& in, const TileLimits (&tiles)[Layer::kTiles], const Scales& scale,
               Out& out, unsigned n_tiles) {
  using Row = PoolRow<Types, Layer, kSamples>;
  using Rows = BoundedFifo<Row, 2>;
  pool_in_threads<Types, Layer, kSamples>(
      in, tiles, static_cast<typename Row::Lane>(0), n_tiles, [&](Rows& rows, unsigned i) {
        reduce_sum<Types, Layer, kSamples, Row>(rows, scale, i, out);
      });
}

}  // namespace bitfpga
