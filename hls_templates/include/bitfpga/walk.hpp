// The PEs of an array: each eats one tap a cycle and applies it to every column of its window.
#pragma once
#include "bitfpga/taps.hpp"
#include "bitfpga/types.hpp"

namespace bitfpga {

// Rows of the windows: those of one split, and a row of zeros. A PE reads its own copy.
template <class Types, class Layer, unsigned kColumns>
using WindowRow =
    typename Types::template ColumnsOf<typename Types::template ArrayInput<Layer>, kColumns>;
template <class Types, class Layer, unsigned kColumns>
using ResultRow =
    typename Types::template ColumnsOf<typename Types::template ArraySum<Layer>, kColumns>;

// Copies of the window of a tile: one for each PE, which has a read port of its own.
template <class TapSource, class Layer>
struct WindowCopies {
  enum : unsigned { kCount = Layer::kPes };
  static unsigned split(unsigned copy, const unsigned (&pe_split)[Layer::kPes]) {
    return pe_split[copy];
  }
};

// The tap rows on their way to a PE.
template <class Layer>
using TapStream = Stream<uint64_t, Layer::kTapRows>;

// Feeds each PE the rows of its stream as fast as it takes them.
template <class Layer>
BITFPGA_PROCESS void feed_taps(const uint64_t (&rows)[Layer::kPes][Layer::kTapRows],
                               TapStream<Layer> (&streams)[Layer::kPes]) {
  unsigned sent[Layer::kPes] = {};
#pragma HLS ARRAY_PARTITION variable = sent complete
  bool all_sent = false;
rows:
  while (!all_sent) {
#pragma HLS PIPELINE II = 1
    all_sent = true;
  pes:
    for (unsigned p = 0; p < Layer::kPes; ++p) {
#pragma HLS UNROLL
      if (sent[p] < Layer::kTapRows && !streams[p].full()) streams[p].write(rows[p][sent[p]++]);
      all_sent = all_sent && sent[p] == Layer::kTapRows;
    }
  }
}

// The same from memory, where the rows of all PEs take turns: one burst for each tile.
template <class Layer>
BITFPGA_PROCESS void feed_taps(const uint64_t* taps, TapStream<Layer> (&streams)[Layer::kPes]) {
  unsigned pe = 0;
rows:
  for (unsigned i = 0; i < Layer::kTapRows * Layer::kPes; ++i) {
#pragma HLS PIPELINE II = 1
    streams[pe].write(taps[Layer::kTapOffset + i]);
    pe = pe + 1 == Layer::kPes ? 0 : pe + 1;
  }
}

// One PE: job after job, each from its highest plane down; results[slot] in the order of the jobs.
template <class Layer, class Row, class Sum>
void walk_cells(TapStream<Layer>& rows, const Job (&jobs)[Layer::kSlots], unsigned n_jobs,
                const Row (&window)[Layer::kSplitRows + 1], Sum (&results)[Layer::kSlots]) {
  TapDecoder<Layer> decoder(rows);
  Sum sum;
  clear(sum);
  unsigned slot = 0, done = 0;
cycles:
  while (slot < n_jobs || decoder.has_rows()) {
#pragma HLS PIPELINE II = 1
    if (slot >= n_jobs) {
      decoder.skip_row(rows);
    } else {
      const Tap tap = decoder.next(rows);
      const unsigned row =
          tap.index == Layer::kSpan ? unsigned{Layer::kSplitRows} : jobs[slot].base + tap.index;
      accumulate(sum, window[row], tap.shift, tap.negate);
      if (++done == jobs[slot].cycles) {
        results[slot] = sum;
        clear(sum);
        decoder.start_job();
        ++slot;
        done = 0;
      }
    }
  }
}

// All PEs of an array over one window; taps as for feed_taps.
template <class Layer, class Taps, class Row, class Sum>
BITFPGA_PROCESS void walk(FromCells, const Taps& taps,
                          const Job (&jobs)[Layer::kPes][Layer::kSlots],
                          const unsigned (&n_jobs)[Layer::kPes], const unsigned (&)[Layer::kPes],
                          const Row (&window)[Layer::kPes][Layer::kSplitRows + 1],
                          Sum (&results)[Layer::kPes][Layer::kSlots]) {
#pragma HLS DATAFLOW
  TapStream<Layer> streams[Layer::kPes];
#pragma HLS STREAM variable = streams depth = 32
  feed_taps<Layer>(taps, streams);
pes:
  for (unsigned p = 0; p < Layer::kPes; ++p) {
#pragma HLS UNROLL
    walk_cells<Layer>(streams[p], jobs[p], n_jobs[p], window[p], results[p]);
  }
}

}  // namespace bitfpga
