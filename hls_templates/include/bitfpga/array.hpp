// Dense layers and convolutions on a PE array: fill a window, walk the taps, emit activations.
// The three overlap, tile after tile: the memories between them are double-buffered.
#pragma once
#include "bitfpga/emit.hpp"
#include "bitfpga/group_sums.hpp"
#include "bitfpga/walk.hpp"
#include "bitfpga/windows.hpp"

namespace bitfpga {

// Writes rows, in order, into the windows of the PEs that read their split, and the zero row.
template <class Types, class Layer, class Row>
class WindowWriter {
  using Copies = WindowCopies<typename Types::TapSource, Layer>;

 public:
  using Windows = Row[Copies::kCount][Layer::kSplitRows + 1];

  WindowWriter(const unsigned (&pe_split)[Layer::kPes], Windows& windows)
      : pe_split_(pe_split), windows_(windows), split_(0), first_(0) {}

  // Row `lane` of those that arrive together.
  void write(unsigned lane, const Row& row) {
  copies:
    for (unsigned c = 0; c < Copies::kCount; ++c) {
#pragma HLS UNROLL
      if (Copies::split(c, pe_split_) == split_) windows_[c][first_ + lane] = row;
    }
  }

  // On by the rows that arrived together: they lie in one split.
  void step(unsigned n_rows) {
    first_ += n_rows;
    if (first_ == Layer::kSplitRows) {
      first_ = 0;
      ++split_;
    }
  }

  void write_zero_row() {
    Row zero;
    clear(zero);
  copies:
    for (unsigned c = 0; c < Copies::kCount; ++c) {
#pragma HLS UNROLL
      windows_[c][Layer::kSplitRows] = zero;
    }
  }

 private:
  const unsigned (&pe_split_)[Layer::kPes];
  Windows& windows_;
  unsigned split_, first_;
};

// What lies between the steps of a tile: rows of all its pixels, and the sums of all outputs.
template <class Types, class Layer, unsigned kSamples>
struct WindowArray {
  using Lane = typename Types::template ArrayInput<Layer>;
  using Row = WindowRow<Types, Layer, Layer::kTilePixels * kSamples>;
  using Windows = typename WindowWriter<Types, Layer, Row>::Windows;
  using Results =
      ResultRow<Types, Layer, Layer::kTilePixels * kSamples>[Layer::kPes][Layer::kSlots];
};

template <class Types, class Layer, class Row, class Rows, class Groups, class Windows>
BITFPGA_PROCESS void collect_rows(Rows& rows, const unsigned (&pe_split)[Layer::kPes],
                                  const Groups& groups, Windows& windows) {
  WindowWriter<Types, Layer, Row> writer(pe_split, windows);
  GroupSums<Types, Layer, Row, 1, Groups> sums(groups);
  static_assert(Layer::kWindowRows == map_rows<Layer>() + sums.kRows, "sums follow the map's rows");
rows:
  for (unsigned k = 0; k < map_rows<Layer>(); ++k) {
#pragma HLS PIPELINE II = 1
    const Row& row = rows.read();
    writer.write(0, row);
    writer.step(1);
    sums.add(0, row);
    sums.step(1);
  }
  sums.write_to(writer);
  writer.write_zero_row();
}

// A vector: its beats are the rows, kBeatPixels at once.
template <class Types, class Layer, unsigned kSamples, class Row, class In, class Groups,
          class Windows>
BITFPGA_PROCESS void receive_rows(In& in, const unsigned (&pe_split)[Layer::kPes],
                                  const Groups& groups, Windows& windows) {
  using Tensor = typename Layer::Input;
  static_assert(Layer::kSplitRows % Tensor::kBeatPixels == 0, "a beat belongs to one split");
  WindowWriter<Types, Layer, Row> writer(pe_split, windows);
  GroupSums<Types, Layer, Row, Tensor::kBeatPixels, Groups> sums(groups);
  static_assert(Layer::kWindowRows == Tensor::kBeats * Tensor::kBeatPixels + sums.kRows,
                "each lane is a row, sums follow");
beats:
  for (unsigned i = 0; i < Tensor::kBeats; ++i) {
#pragma HLS PIPELINE II = 1
    const Beat<Types, Tensor, kSamples> beat = in.read();
  lanes:
    for (unsigned r = 0; r < Tensor::kBeatPixels; ++r) {
#pragma HLS UNROLL
      Row row;
      get_part(beat, r, row);
      writer.write(r, row);
      sums.add(r, row);
    }
    writer.step(Tensor::kBeatPixels);
    sums.step(Tensor::kBeatPixels);
  }
  sums.write_to(writer);
  writer.write_zero_row();
}

// Emits tile `index` of a call: the last of each image may have fewer blocks.
template <class Types, class Layer, unsigned kSamples, class Sum, unsigned kTerms, unsigned kScales,
          class Out>
BITFPGA_PROCESS void emit_tile(const Sum (&results)[Layer::kPes][Layer::kSlots],
                               const Entry (&entries)[Layer::kEntries],
                               const ChannelScale<kTerms> (&scale)[kScales], unsigned index,
                               Out& out) {
  enum : unsigned {
    kBeatPixels = Layer::Output::kBeatPixels,
    kBlocks = (Layer::Output::kPixels + kBeatPixels - 1) / kBeatPixels,
    kTileBlocks = Layer::kTilePixels / kBeatPixels
  };
  static_assert(kTileBlocks * kBeatPixels == Layer::kTilePixels, "a tile holds whole beats");
  static_assert((kBlocks + kTileBlocks - 1) / kTileBlocks == Layer::kTiles, "tiles cover a map");
  static unsigned left;
  if (index == 0 || left == 0) left = kBlocks;
  const unsigned n_blocks = left < kTileBlocks ? left : unsigned{kTileBlocks};
  left -= n_blocks;
  emit<Types, Layer, kSamples>(results, entries, scale, n_blocks, out);
}

// The rows of tile after tile, collected, walked and emitted.
template <class Types, class Layer, unsigned kSamples, class In, class Taps, unsigned kTerms,
          unsigned kScales, class Out, class Groups>
void run_tiles(InOneLoop, In& in, const Taps& taps, const Job (&jobs)[Layer::kPes][Layer::kSlots],
               const unsigned (&n_jobs)[Layer::kPes], const unsigned (&pe_split)[Layer::kPes],
               const TileLimits (&tiles)[Layer::kTiles], const Entry (&entries)[Layer::kEntries],
               const ChannelScale<kTerms> (&scale)[kScales], Out& out, unsigned n_tiles,
               const Groups& groups) {
  using Array = WindowArray<Types, Layer, kSamples>;
tiles:
  for (unsigned i = 0; i < n_tiles; ++i) {
#pragma HLS DATAFLOW
    Stream<typename Array::Row, Layer::kWindowRows> rows;
#pragma HLS STREAM variable = rows depth = 2
    typename Array::Windows windows;
#pragma HLS ARRAY_PARTITION variable = windows dim = 1 complete
    typename Array::Results results;
#pragma HLS ARRAY_PARTITION variable = results dim = 1 complete
    scan_tile<Types, Layer, kSamples>(in, tiles, i, static_cast<typename Array::Lane>(0), rows);
    collect_rows<Types, Layer, typename Array::Row>(rows, pe_split, groups, windows);
    walk<Layer>(typename Types::TapSource(), taps, jobs, n_jobs, pe_split, windows, results);
    emit_tile<Types, Layer, kSamples>(results, entries, scale, i, out);
  }
}

// Convolution, or a dense layer at each pixel of a map. taps: the rows of kPes index streams, or
// the memory that holds them from row kTapOffset. groups: for a layer with sums, those of its rows.
template <class Types, class Layer, unsigned kSamples, class In, class Taps, unsigned kTerms,
          unsigned kScales, class Out, class Groups = NoSums>
void window_array(In& in, const Taps& taps, const Job (&jobs)[Layer::kPes][Layer::kSlots],
                  const unsigned (&n_jobs)[Layer::kPes], const unsigned (&pe_split)[Layer::kPes],
                  const TileLimits (&tiles)[Layer::kTiles], const Entry (&entries)[Layer::kEntries],
                  const ChannelScale<kTerms> (&scale)[kScales], Out& out, unsigned n_blocks,
                  const Groups& groups = Groups()) {
  const unsigned n_tiles = n_blocks * Layer::kTiles;
#pragma HLS BIND_OP variable = n_tiles op = mul impl = fabric
  run_tiles<Types, Layer, kSamples>(typename Types::Overlap(), in, taps, jobs, n_jobs, pe_split,
                                    tiles, entries, scale, out, n_tiles, groups);
}

// A dense layer on a vector, or on a whole map: every lane of every beat is an input.
template <class Types, class Layer, unsigned kSamples, class In, class Taps, unsigned kTerms,
          unsigned kScales, class Out, class Groups = NoSums>
void vector_array(In& in, const Taps& taps, const Job (&jobs)[Layer::kPes][Layer::kSlots],
                  const unsigned (&n_jobs)[Layer::kPes], const unsigned (&pe_split)[Layer::kPes],
                  const Entry (&entries)[Layer::kEntries],
                  const ChannelScale<kTerms> (&scale)[kScales], Out& out, unsigned n_blocks,
                  const Groups& groups = Groups()) {
  using Row = WindowRow<Types, Layer, kSamples>;
  using Sum = ResultRow<Types, Layer, kSamples>;
  using Writer = WindowWriter<Types, Layer, Row>;
  static_assert(Layer::Output::kPixels == 1, "the output is a vector");
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
#pragma HLS DATAFLOW
    typename Writer::Windows windows;
#pragma HLS ARRAY_PARTITION variable = windows dim = 1 complete
#pragma HLS ARRAY_RESHAPE variable = windows dim = 2 cyclic factor = Layer::Input::kBeatPixels
    Sum results[Layer::kPes][Layer::kSlots];
#pragma HLS ARRAY_PARTITION variable = results dim = 1 complete
    receive_rows<Types, Layer, kSamples, Row>(in, pe_split, groups, windows);
    walk<Layer>(typename Types::TapSource(), taps, jobs, n_jobs, pe_split, windows, results);
    emit<Types, Layer, kSamples>(results, entries, scale, 1, out);
  }
}

}  // namespace bitfpga
