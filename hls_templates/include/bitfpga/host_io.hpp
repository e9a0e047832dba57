// Between samples, one after the other in row-major order, and the beats of a FIFO. The samples lie
// in memory, or pass through a stream of elements.
#pragma once
#include "bitfpga/elements.hpp"
#include "bitfpga/types.hpp"

namespace bitfpga {

// One image of each sample, its elements in the order of the stream: [sample][lane][beat].
template <class Tensor, unsigned kSamples, class Value>
struct StagedImages {
  enum : unsigned { kElements = Tensor::kChannels * Tensor::kPixels };
  Value value[kSamples][Tensor::kBeatPixels][Tensor::kBeats];
};

// Walks the elements of a tensor in memory order and tells their lane and beat.
template <class Tensor>
class ElementPlace {
 public:
  unsigned lane = 0;
  unsigned beat = 0;

  void step() {
    if (Tensor::kChannelStride == 1 && Tensor::kChannels > 1) {
      step_channel();
    } else {
      step_pixel();
    }
  }

 private:
  void step_channel() {
    ++beat;
    if (++channel_ < Tensor::kChannels) return;
    channel_ = 0;
    if (++lane < Tensor::kBeatPixels) {
      beat -= Tensor::kChannels;
    } else {
      lane = 0;
    }
  }

  void step_pixel() {
    if (++pixel_ == Tensor::kPixels) {
      pixel_ = lane = 0;
      beat = ++channel_;
    } else if (++lane == Tensor::kBeatPixels) {
      lane = 0;
      beat += Tensor::kChannels;
    }
  }

  unsigned channel_ = 0;
  unsigned pixel_ = 0;
};

// Whether the stream of one sample has the elements in memory order, lanes past the end left out.
template <class Tensor, unsigned kSamples>
constexpr bool streams_in_order() {
  return kSamples == 1 && (Tensor::kChannels == 1 || Tensor::kPixels == 1 ||
                           (Tensor::kBeatPixels == 1 && Tensor::kChannelStride == 1) ||
                           (Tensor::kPixels <= Tensor::kBeatPixels && Tensor::kPixelStride == 1));
}

// The lane after `lane` for element `index` of such a stream; 0 after the last pixel of a beat.
template <class Tensor>
inline unsigned lane_after(unsigned lane, unsigned index) {
  const bool ends_beat = lane + 1 == Tensor::kBeatPixels || lane + 1 == Tensor::kPixels;
  return ends_beat || index + 1 == Tensor::kChannels * Tensor::kPixels ? 0 : lane + 1;
}

template <bool kYes>
struct InOrder {};

// Source is const Value*, or a reference to a stream.
template <class Tensor, unsigned kSamples, class Source, class Value>
BITFPGA_PROCESS void read_images(Source x, unsigned first, unsigned n_samples,
                                 StagedImages<Tensor, kSamples, Value>& images) {
  const unsigned kElements = images.kElements;
samples:
  for (unsigned b = 0; b < kSamples; ++b) {
    ElementPlace<Tensor> place;
    const unsigned long from = static_cast<unsigned long>(first + b) * kElements;
  elements:
    for (unsigned i = 0; i < kElements; ++i) {
#pragma HLS PIPELINE II = 1
      images.value[b][place.lane][place.beat] =
          first + b < n_samples ? element(x, from + i) : static_cast<Value>(0);
      place.step();
    }
  }
}

template <class Types, class Tensor, unsigned kSamples, class Value, class Out>
BITFPGA_PROCESS void send_images(const StagedImages<Tensor, kSamples, Value>& images, Out& out) {
  enum : unsigned {
    kLanes = Tensor::kBeatPixels,
    kLastLanes = Tensor::kPixels - (Tensor::kPixels - 1) / kLanes * kLanes
  };
beats:
  for (unsigned i = 0; i < Tensor::kBeats; ++i) {
#pragma HLS PIPELINE II = 1
    Beat<Types, Tensor, kSamples> beat;
    const bool last_block = i + Tensor::kChannels >= Tensor::kBeats;
  lanes:
    for (unsigned r = 0; r < kLanes; ++r) {
#pragma HLS UNROLL
      const bool is_pixel = !last_block || r < kLastLanes;
    samples:
      for (unsigned b = 0; b < kSamples; ++b) {
#pragma HLS UNROLL
        beat[r * kSamples + b] =
            is_pixel ? static_cast<typename decltype(beat)::Lane>(images.value[b][r][i])
                     : static_cast<typename decltype(beat)::Lane>(0);
      }
    }
    out.write(beat);
  }
}

template <class Types, class Tensor, unsigned kSamples, class Value, class Source, class Out>
void load_images(InOrder<false>, Source x, unsigned n_samples, Out& out, unsigned n_blocks) {
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
#pragma HLS DATAFLOW
    StagedImages<Tensor, kSamples, Value> images;
#pragma HLS ARRAY_PARTITION variable = images.value dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = images.value dim = 2 complete
    read_images<Tensor, kSamples, Source>(x, i * kSamples, n_samples, images);
    send_images<Types, Tensor, kSamples>(images, out);
  }
}

// Without a memory: each element goes to its lane as it comes.
template <class Types, class Tensor, unsigned kSamples, class Value, class Source, class Out>
BITFPGA_PROCESS void load_images(InOrder<true>, Source x, unsigned, Out& out, unsigned n_blocks) {
  const unsigned kElements = Tensor::kChannels * Tensor::kPixels;
  unsigned long index = 0;
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
    Beat<Types, Tensor, kSamples> beat;
    clear(beat);
    unsigned lane = 0;
  elements:
    for (unsigned e = 0; e < kElements; ++e) {
#pragma HLS PIPELINE II = 1
      beat[lane] = static_cast<typename decltype(beat)::Lane>(element(x, index++));
      lane = lane_after<Tensor>(lane, e);
      if (lane == 0) {
        out.write(beat);
        clear(beat);
      }
    }
  }
}

// Beats of n_blocks blocks of kSamples samples; samples from n_samples on are zero.
template <class Types, class Tensor, unsigned kSamples, class Value, class Out>
void load(const Value* x, unsigned n_samples, Out& out, unsigned n_blocks) {
  load_images<Types, Tensor, kSamples, Value, const Value*>(
      InOrder<streams_in_order<Tensor, kSamples>()>(), x, n_samples, out, n_blocks);
}

// From a stream of n_samples samples.
template <class Types, class Tensor, unsigned kSamples, class In, class Out>
auto load(In& x, unsigned n_samples, Out& out, unsigned n_blocks) ->
    typename ReadValue<decltype(x.read())>::nothing {
  using Value = typename ReadValue<decltype(x.read())>::type;
  load_images<Types, Tensor, kSamples, Value, In&>(InOrder<streams_in_order<Tensor, kSamples>()>(),
                                                   x, n_samples, out, n_blocks);
}

template <class Types, class Tensor, unsigned kSamples, class Value, class In>
BITFPGA_PROCESS void receive_images(In& in, StagedImages<Tensor, kSamples, Value>& images) {
beats:
  for (unsigned i = 0; i < Tensor::kBeats; ++i) {
#pragma HLS PIPELINE II = 1
    const Beat<Types, Tensor, kSamples> beat = in.read();
  lanes:
    for (unsigned r = 0; r < Tensor::kBeatPixels; ++r) {
#pragma HLS UNROLL
    samples:
      for (unsigned b = 0; b < kSamples; ++b) {
#pragma HLS UNROLL
        images.value[b][r][i] = static_cast<Value>(beat[r * kSamples + b]);
      }
    }
  }
}

template <class Tensor, unsigned kSamples, class Value, class Sink>
BITFPGA_PROCESS void write_images(const StagedImages<Tensor, kSamples, Value>& images,
                                  unsigned first, unsigned n_samples, Sink y) {
  const unsigned kElements = images.kElements;
samples:
  for (unsigned b = 0; b < kSamples; ++b) {
    if (first + b < n_samples) {
      ElementPlace<Tensor> place;
      const unsigned long to = static_cast<unsigned long>(first + b) * kElements;
    elements:
      for (unsigned i = 0; i < kElements; ++i) {
#pragma HLS PIPELINE II = 1
        set_element(y, to + i, images.value[b][place.lane][place.beat]);
        place.step();
      }
    }
  }
}

template <class Types, class Tensor, unsigned kSamples, class Value, class Sink, class In>
void store_images(InOrder<false>, In& in, unsigned n_samples, Sink y, unsigned n_blocks) {
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
#pragma HLS DATAFLOW
    StagedImages<Tensor, kSamples, Value> images;
#pragma HLS ARRAY_PARTITION variable = images.value dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = images.value dim = 2 complete
    receive_images<Types, Tensor, kSamples>(in, images);
    write_images<Tensor, kSamples, Value, Sink>(images, i * kSamples, n_samples, y);
  }
}

// Without a memory: each element leaves its lane in turn.
template <class Types, class Tensor, unsigned kSamples, class Value, class Sink, class In>
BITFPGA_PROCESS void store_images(InOrder<true>, In& in, unsigned, Sink y, unsigned n_blocks) {
  const unsigned kElements = Tensor::kChannels * Tensor::kPixels;
  unsigned long index = 0;
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
    Beat<Types, Tensor, kSamples> beat;
    unsigned lane = 0;
  elements:
    for (unsigned e = 0; e < kElements; ++e) {
#pragma HLS PIPELINE II = 1
      if (lane == 0) beat = in.read();
      set_element(y, index++, static_cast<Value>(beat[lane]));
      lane = lane_after<Tensor>(lane, e);
    }
  }
}

// The reverse of load: writes n_samples samples.
template <class Types, class Tensor, unsigned kSamples, class In, class Value>
void store(In& in, unsigned n_samples, Value* y, unsigned n_blocks) {
  store_images<Types, Tensor, kSamples, Value, Value*>(
      InOrder<streams_in_order<Tensor, kSamples>()>(), in, n_samples, y, n_blocks);
}

// To a stream.
template <class Types, class Tensor, unsigned kSamples, class In, class Out>
auto store(In& in, unsigned n_samples, Out& y, unsigned n_blocks) ->
    typename ReadValue<decltype(y.read())>::nothing {
  using Value = typename ReadValue<decltype(y.read())>::type;
  store_images<Types, Tensor, kSamples, Value, Out&>(
      InOrder<streams_in_order<Tensor, kSamples>()>(), in, n_samples, y, n_blocks);
}

}  // namespace bitfpga
