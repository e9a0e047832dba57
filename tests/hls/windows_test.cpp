// A scan takes a beat only when the tile may have it, and waits for no more than it needs.
#include "bitfpga/windows.hpp"

#include "array_cases.hpp"

namespace {

using Types = bitfpga::NativeTypes;
template <class Layer>
using Row = bitfpga::Columns<int16_t, Layer::kTilePixels>;

// Counts the beats that are taken, and hides those from `visible` on.
template <class Tensor>
struct CountedFifo {
  Types::Fifo<Tensor, 1, 2> beats;
  size_t taken = 0;
  size_t visible = 0;

  bool empty() const { return taken >= visible; }
  const bitfpga::Beat<Types, Tensor, 1>& read() {
    ++taken;
    return beats.read();
  }
};

template <class Layer>
void check_rows(const Maps<typename Layer::Input, 1>& maps, unsigned tile,
                bitfpga::Stream<Row<Layer>, Layer::kWindowRows>& rows) {
  for (unsigned k = 0; k < Layer::kWindowRows; ++k) {
    const Row<Layer> row = rows.read();
    for (unsigned v = 0; v < Layer::kTilePixels; ++v) {
      int one[Layer::kWindowRows] = {};
      one[k] = 1;
      const unsigned out = tile * Layer::kTilePixels + v;
      // A pixel outside the map reads -5 here: -5 + (x + 5) of the convolution with a single tap.
      Maps<typename Layer::Input, 1> shifted = maps;
      for (auto& channel : shifted.value[0]) {
        for (long long& value : channel) value += 5;
      }
      if (out >= Layer::Output::kPixels) continue;
      CHECK_AT(k, convolve<Layer>(shifted.value[0], one, out) - 5, row[v]);
    }
  }
}

// Three images; `eager`: all beats are there at once, else only those that are needed.
template <class Layer>
void check_scan(bool eager) {
  using Tensor = typename Layer::Input;
  bitfpga::TileLimits tiles[Layer::kTiles];
  make_limits<Layer>(tiles);
  static Maps<Tensor, 1> maps[3];
  CountedFifo<Tensor> in;
  for (auto& image : maps) {
    image.fill(0);
    image.template send<Types>(in.beats);
  }
  bitfpga::Stream<Row<Layer>, Layer::kWindowRows> rows;
  for (unsigned i = 0; i < 3 * Layer::kTiles; ++i) {
    const unsigned image = i / Layer::kTiles, tile = i % Layer::kTiles;
    const unsigned kBeats = Tensor::kBeats, before = image * kBeats;
    const bool last = tile + 1 == Layer::kTiles;
    const size_t taken = in.taken;
    in.visible = eager ? 3 * kBeats : 0;
    bitfpga::scan_tile<Types, Layer, 1>(in, tiles, i, static_cast<int16_t>(-5), rows);
    const size_t least = before + (last && !eager ? kBeats : unsigned{tiles[tile].need});
    // One beat a cycle until it may start, then one beside each row that it sends.
    size_t most = (taken < least ? least : taken) + Layer::kWindowRows;
    if (most > before + tiles[tile].limit) most = before + tiles[tile].limit;
    if (most > 3 * Tensor::kBeats) most = 3 * Tensor::kBeats;
    if (last && most < before + kBeats) most = before + kBeats;
    CHECK_AT(i, eager ? most : least, in.taken);
    check_rows<Layer>(maps[image], tile, rows);
  }
  CHECK(3 * Tensor::kBeats, in.taken);
}

}  // namespace

int main() {
  using Same = Window<Side<6, 3, 1, 1, 1, 1>, Side<4, 2, 1, 1, 0, 1>, 5, 4, 2, 6, true, 2, 2>;
  using Skipping = Window<Side<8, 1, 3, 1, 0, 0>, Side<7, 2, 4, 1, 0, 0>, 2, 2, 2, 2, true, 2, 3>;
  check_scan<ArrayLayer<Same, 1, 1, 1, 3, 36, 20>>(true);
  check_scan<ArrayLayer<Same, 1, 1, 1, 3, 36, 20>>(false);
  check_scan<ArrayLayer<Skipping, 1, 1, 1, 3, 36, 20>>(true);
  check_scan<ArrayLayer<Skipping, 1, 1, 1, 3, 36, 20>>(false);
  return REPORT();
}
