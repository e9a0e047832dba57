// The rows of an input map that are still needed, and the windows that are read from them.
#pragma once
#include "bitfpga/types.hpp"

namespace bitfpga {

// Beats, counted from the image's start: those that must be there before a tile is read, and those
// that may be there while it is read (the next image's may follow).
struct TileLimits {
  unsigned need;
  unsigned limit;
};

// A place in a map of kWidth pixels a row, whose rows lie in a ring of kRing.
struct RingPlace {
  unsigned x;
  unsigned slot;
};

// value + step in a ring, both below kRing.
template <unsigned kRing>
inline unsigned ring_add(unsigned value, unsigned step) {
  const unsigned sum = value + step;
  return sum >= kRing ? sum - kRing : sum;
}

constexpr unsigned positive_modulo(long long value, unsigned divisor) {
  return static_cast<unsigned>((value % divisor + divisor) % divisor);
}

// Where the beats of a map are written: kBeatPixels pixels of a channel at once.
template <class Layer>
class RingWriter {
  using Tensor = typename Layer::Input;
  enum : unsigned {
    kLanes = Tensor::kBeatPixels,
    kRing = Layer::kBufferRows,
    kWidth = Layer::kWidth,
    kBlocks = (Tensor::kPixels + kLanes - 1) / kLanes,
    kLastLanes = Tensor::kPixels - (kBlocks - 1) * kLanes
  };

 public:
  void start() {
    top_ = 0;
    start_image();
  }

  unsigned channel() const { return channel_; }
  const RingPlace& place(unsigned lane) const { return places_[lane]; }
  bool is_pixel(unsigned lane) const { return block_ + 1 < kBlocks || lane < kLastLanes; }

  // On to the next beat, and to the next image after the last.
  void step() {
    if (++channel_ < Tensor::kChannels) return;
    channel_ = 0;
    if (++block_ == kBlocks) {
      top_ = ring_add<kRing>(top_, Layer::kHeight % kRing);
      start_image();
      return;
    }
  lanes:
    for (unsigned r = 0; r < kLanes; ++r) {
#pragma HLS UNROLL
      RingPlace& place = places_[r];
      place.x += kLanes % kWidth;
      const bool wraps = place.x >= kWidth;
      if (wraps) place.x -= kWidth;
      place.slot = ring_add<kRing>(place.slot,
                                   wraps ? (kLanes / kWidth + 1) % kRing : kLanes / kWidth % kRing);
    }
  }

 private:
  void start_image() {
    channel_ = block_ = 0;
  lanes:
    for (unsigned r = 0; r < kLanes; ++r) {
#pragma HLS UNROLL
      places_[r].x = r % kWidth;
      places_[r].slot = ring_add<kRing>(top_, r / kWidth % kRing);
    }
  }

  RingPlace places_[kLanes];
  unsigned top_, channel_, block_;
};

// Which input pixel each lane of a tile reads: window after window, tile after tile.
template <class Layer>
class WindowReader {
  enum : unsigned {
    kLanes = Layer::kTilePixels,
    kRing = Layer::kBufferRows,
    kOutWidth = Layer::kOutWidth,
    kLineStep = Layer::kStrideY % kRing,
    kRowsPerTile = kLanes / kOutWidth
  };

 public:
  void start() {
    top_ = 0;
    start_image();
  }

  unsigned channel() const { return channel_; }

  // Whether the lane's pixel lies in the map; `place` is where its row is in the ring.
  bool find(unsigned lane, RingPlace& place) const {
    const int x = lanes_[lane].x + kernel_x_, y = lanes_[lane].y + kernel_y_;
    place.x = static_cast<unsigned>(x);
    place.slot = ring_add<kRing>(lanes_[lane].slot, kernel_slot_);
    return place.x < Layer::kWidth && static_cast<unsigned>(y) < Layer::kHeight;
  }

  // On to the next row of the window: kernel column, kernel row, channel.
  void step() {
    kernel_x_ += static_cast<int>(Layer::kDilationX);
    if (++column_ < Layer::kKernelWidth) return;
    column_ = 0;
    kernel_x_ = 0;
    kernel_y_ += static_cast<int>(Layer::kDilationY);
    kernel_slot_ = ring_add<kRing>(kernel_slot_, Layer::kDilationY % kRing);
    if (++row_ < Layer::kKernelHeight) return;
    start_channel();
    if (++channel_ == Layer::Input::kChannels) channel_ = 0;
  }

  void next_tile() {
  lanes:
    for (unsigned v = 0; v < kLanes; ++v) {
#pragma HLS UNROLL
      Lane& lane = lanes_[v];
      lane.out_x += kLanes % kOutWidth;
      lane.x += static_cast<int>(kLanes % kOutWidth * Layer::kStrideX);
      const bool wraps = lane.out_x >= kOutWidth;
      if (wraps) {
        lane.out_x -= kOutWidth;
        lane.x -= static_cast<int>(kOutWidth * Layer::kStrideX);
      }
      lane.y += static_cast<int>((wraps ? kRowsPerTile + 1 : kRowsPerTile) * Layer::kStrideY);
      lane.slot = ring_add<kRing>(lane.slot, wraps ? (kRowsPerTile + 1) * kLineStep % kRing
                                                   : kRowsPerTile * kLineStep % kRing);
    }
  }

  void next_image() {
    top_ = ring_add<kRing>(top_, Layer::kHeight % kRing);
    start_image();
  }

 private:
  struct Lane {
    unsigned out_x;
    int x, y;
    unsigned slot;
  };

  void start_channel() {
    column_ = row_ = kernel_slot_ = 0;
    kernel_x_ = kernel_y_ = 0;
  }

  void start_image() {
    channel_ = 0;
    start_channel();
  lanes:
    for (unsigned v = 0; v < kLanes; ++v) {
#pragma HLS UNROLL
      Lane& lane = lanes_[v];
      lane.out_x = v % kOutWidth;
      lane.x = static_cast<int>(lane.out_x * Layer::kStrideX) - static_cast<int>(Layer::kPadLeft);
      lane.y = static_cast<int>(v / kOutWidth * Layer::kStrideY) - static_cast<int>(Layer::kPadTop);
      lane.slot = ring_add<kRing>(top_, positive_modulo(lane.y, kRing));
    }
  }

  Lane lanes_[kLanes];
  unsigned top_, channel_, column_, row_, kernel_slot_;
  int kernel_x_, kernel_y_;
};

}  // namespace bitfpga
