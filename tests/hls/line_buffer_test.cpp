// Places in the ring against divisions and remainders, over several images.
#include "bitfpga/line_buffer.hpp"

#include "array_cases.hpp"

namespace {

template <class Layer>
void check_writer() {
  using Tensor = typename Layer::Input;
  bitfpga::RingWriter<Layer> writer;
  writer.start();
  for (unsigned i = 0; i < 3 * Tensor::kBeats; ++i) {
    const unsigned image = i / Tensor::kBeats, beat = i % Tensor::kBeats;
    CHECK_AT(i, beat % Tensor::kChannels, writer.channel());
    for (unsigned r = 0; r < Tensor::kBeatPixels; ++r) {
      const unsigned pixel = beat / Tensor::kChannels * Tensor::kBeatPixels + r;
      CHECK_AT(i, pixel < Tensor::kPixels, writer.is_pixel(r));
      if (pixel >= Tensor::kPixels) continue;
      const unsigned row = image * Layer::kHeight + pixel / Layer::kWidth;
      CHECK_AT(i, pixel % Layer::kWidth, writer.place(r).x);
      CHECK_AT(i, row % Layer::kBufferRows, writer.place(r).slot);
    }
    writer.step();
  }
}

template <class Layer>
void check_lane(const bitfpga::WindowReader<Layer>& reader, unsigned image, unsigned out,
                unsigned k, unsigned v) {
  const unsigned kh = k / Layer::kKernelWidth % Layer::kKernelHeight;
  const int y =
      static_cast<int>(out / Layer::kOutWidth * Layer::kStrideY + kh * Layer::kDilationY) -
      static_cast<int>(Layer::kPadTop);
  const int x = static_cast<int>(out % Layer::kOutWidth * Layer::kStrideX +
                                 k % Layer::kKernelWidth * Layer::kDilationX) -
                static_cast<int>(Layer::kPadLeft);
  const bool inside = y >= 0 && y < static_cast<int>(Layer::kHeight) && x >= 0 &&
                      x < static_cast<int>(Layer::kWidth);
  bitfpga::RingPlace place;
  CHECK_AT(out, inside, reader.find(v, place));
  if (!inside) return;
  CHECK_AT(out, x, place.x);
  CHECK_AT(out, (image * Layer::kHeight + static_cast<unsigned>(y)) % Layer::kBufferRows,
           place.slot);
}

template <class Layer>
void check_reader() {
  bitfpga::WindowReader<Layer> reader;
  reader.start();
  for (unsigned i = 0; i < 3 * Layer::kTiles; ++i) {
    const unsigned image = i / Layer::kTiles, tile = i % Layer::kTiles;
    for (unsigned k = 0; k < Layer::kWindowRows; ++k) {
      CHECK_AT(k, k / (Layer::kKernelHeight * Layer::kKernelWidth), reader.channel());
      for (unsigned v = 0; v < Layer::kTilePixels; ++v) {
        const unsigned out = tile * Layer::kTilePixels + v;
        if (out < Layer::Output::kPixels) check_lane<Layer>(reader, image, out, k, v);
      }
      reader.step();
    }
    if (tile + 1 == Layer::kTiles) {
      reader.next_image();
    } else {
      reader.next_tile();
    }
  }
}

template <class Layer>
void check_layer() {
  check_writer<Layer>();
  check_reader<Layer>();
}

}  // namespace

int main() {
  using Same = Window<Side<5, 3, 1, 1, 1, 1>, Side<4, 3, 1, 1, 1, 1>, 4, 1, 1, 5, false, 2, 3>;
  using OneSided = Window<Side<7, 3, 2, 1, 2, 0>, Side<5, 2, 1, 2, 0, 3>, 6, 4, 2, 4, true, 3, 4>;
  using Large = Window<Side<2, 5, 1, 1, 4, 3>, Side<3, 4, 2, 1, 3, 2>, 3, 4, 1, 8, true, 1, 2>;
  using Narrow = Window<Side<9, 2, 1, 2, 1, 1>, Side<1, 1, 1, 1, 0, 0>, 11, 8, 4, 6, true, 2, 2>;
  using Single = Window<Side<1, 3, 1, 1, 1, 1>, Side<1, 1, 1, 1, 0, 0>, 1, 1, 1, 1, false, 4, 5>;
  check_layer<Same>();
  check_layer<OneSided>();
  check_layer<Large>();
  check_layer<Narrow>();
  check_layer<Single>();
  CHECK(3, bitfpga::positive_modulo(-1, 4));
  CHECK(0, bitfpga::positive_modulo(-8, 4));
  CHECK(1, bitfpga::ring_add<5>(4, 2));
  CHECK(0, bitfpga::ring_add<5>(4, 1));
  CHECK(4, bitfpga::ring_add<5>(4, 0));
  return REPORT();
}
