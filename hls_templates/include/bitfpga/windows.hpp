// Reads a map from its FIFO into a line buffer and the windows of each tile out of it.
#pragma once
#include "bitfpga/line_buffer.hpp"

namespace bitfpga {

template <class Layer, class Column>
struct LineBuffer {
  Column lines[Layer::kBufferRows][Layer::kWidth][Layer::Input::kChannels];
  RingWriter<Layer> writer;
  WindowReader<Layer> reader;
  unsigned written;
  unsigned tile;

  void start() {
    writer.start();
    reader.start();
    written = tile = 0;
  }

  template <class InBeat>
  void write(const InBeat& beat) {
  lanes:
    for (unsigned r = 0; r < Layer::Input::kBeatPixels; ++r) {
#pragma HLS UNROLL
      const RingPlace place = writer.place(r);
      if (writer.is_pixel(r)) get_part(beat, r, lines[place.slot][place.x][writer.channel()]);
    }
    writer.step();
    ++written;
  }

  // The next row of the window: the pixel under the kernel in every lane, `outside` beyond the map.
  template <class Row>
  void read(Row& row, const Column& outside) {
  lanes:
    for (unsigned v = 0; v < Layer::kTilePixels; ++v) {
#pragma HLS UNROLL
      RingPlace place;
      const bool inside = reader.find(v, place);
      set_part(row, v, inside ? lines[place.slot][place.x][reader.channel()] : outside);
    }
    reader.step();
  }

  void next_tile() {
    if (++tile == Layer::kTiles) {
      tile = 0;
      written -= Layer::Input::kBeats;
      reader.next_image();
    } else {
      reader.next_tile();
    }
  }
};

// Rows of a window that are read from the map.
template <class Layer>
constexpr unsigned map_rows() {
  return unsigned{Layer::Input::kChannels} * Layer::kKernelHeight * Layer::kKernelWidth;
}

// All rows of one tile's windows, one a cycle; in the same cycle a beat that waits may be written.
// `index` counts tiles through the images of a call; the lanes are kSamples wide Columns of `Lane`.
template <class Types, class Layer, unsigned kSamples, class Lane, class In, class Rows>
BITFPGA_PROCESS void scan_tile(In& in, const TileLimits (&tiles)[Layer::kTiles], unsigned index,
                               Lane outside_value, Rows& rows) {
  using Column = typename Types::template ColumnsOf<Lane, kSamples>;
  using Row = typename Types::template ColumnsOf<Lane, Layer::kTilePixels * kSamples>;
  static LineBuffer<Layer, Column> buffer;
#pragma HLS ARRAY_PARTITION variable = buffer.lines dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = buffer.lines dim = 2 complete
  if (index == 0) buffer.start();
  Column outside;
  fill_with(outside, outside_value);
  const TileLimits limits = tiles[buffer.tile];
  const bool last = buffer.tile + 1 == Layer::kTiles;
  const unsigned n_rows = map_rows<Layer>();
  unsigned sent = 0;
rows:
  while (sent < n_rows || (last && buffer.written < Layer::Input::kBeats)) {
#pragma HLS PIPELINE II = 1
    const bool all_sent = sent == n_rows;
    const bool must_wait = all_sent || buffer.written < limits.need;
    if (must_wait || (buffer.written < limits.limit && !in.empty())) buffer.write(in.read());
    if (!must_wait && !rows.full()) {
      Row row;
      buffer.read(row, outside);
      rows.write(row);
      ++sent;
    }
  }
  buffer.next_tile();
}

}  // namespace bitfpga
