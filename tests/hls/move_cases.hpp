// Processes that move values, on tensors of several sizes.
#pragma once
#include "bitfpga/move.hpp"
#include "maps.hpp"

template <class Out, unsigned kRows, class... In>
struct MoveLayer {
  using Inputs = bitfpga::Tensors<In...>;
  using Output = Out;
  enum : unsigned { kSourceRows = kRows };
};

template <class Types, unsigned kSamples>
void check_fork() {
  using Tensor = TestTensor<5, true, 2, 5, 4>;
  static Maps<Tensor, kSamples> in[2];
  typename Types::template Fifo<Tensor, kSamples, kDeep> from, first, second;
  for (unsigned run = 0; run < 2; ++run) {
    for (auto& maps : in) {
      maps.fill(0);
      maps.template send<Types>(from);
    }
    if (run == 0) {
      bitfpga::fork<Types, Tensor, kSamples>(from, 2, first, second);
      for (auto& maps : in) {
        maps.template check<Types>(first);
        maps.template check<Types>(second);
      }
    } else {
      bitfpga::fork<Types, Tensor, kSamples>(from, 2);  // a tensor nobody reads
    }
    CHECK(true, from.empty());
    CHECK(true, first.empty());
  }
}

template <class Types, unsigned kSamples>
void check_concat() {
  using A = TestTensor<5, true, 2, 5, 2>;
  using B = TestTensor<4, false, 3, 5, 2>;
  using Out = TestTensor<6, true, 7, 5, 2>;
  static Maps<A, kSamples> a[2], last[2];
  static Maps<B, kSamples> b[2];
  static Maps<Out, kSamples> out[2];
  typename Types::template Fifo<A, kSamples, kDeep> first, third;
  typename Types::template Fifo<B, kSamples, kDeep> second;
  typename Types::template Fifo<Out, kSamples, kDeep> to;
  for (unsigned n = 0; n < 2; ++n) {
    a[n].fill(0);
    b[n].fill(0);
    last[n].fill(n + 1);
    a[n].template send<Types>(first);
    b[n].template send<Types>(second);
    last[n].template send<Types>(third);
  }
  bitfpga::concat_channels<Types, MoveLayer<Out, 0, A, B, A>, kSamples>(to, 2, first, second,
                                                                        third);
  for (unsigned n = 0; n < 2; ++n) {
    for (unsigned i = 0; i < kSamples * 5; ++i) {
      const unsigned s = i % kSamples, p = i / kSamples;
      for (unsigned c = 0; c < 7; ++c) {
        out[n].value[s][c][p] = c < 2   ? a[n].value[s][c][p]
                                : c < 5 ? b[n].value[s][c - 2][p]
                                        : last[n].value[s][c - 5][p];
      }
    }
    out[n].template check<Types>(to);
  }
}

// Row `row` of a tensor's beats: lane after lane, beat after beat; pads are no rows to ask for.
template <class Tensor, unsigned kSamples>
bool row_value(const Maps<Tensor, kSamples>& maps, unsigned row, unsigned sample,
               long long& value) {
  const unsigned beat = row / Tensor::kBeatPixels;
  const unsigned p = beat / Tensor::kChannels * Tensor::kBeatPixels + row % Tensor::kBeatPixels;
  if (p >= Tensor::kPixels) return false;
  value = maps.value[sample][beat % Tensor::kChannels][p];
  return true;
}

template <class Types, class A, class B, class Out, unsigned kSamples>
void check_gather() {
  enum : unsigned {
    kFirst = A::kBeats * A::kBeatPixels,
    kRows = kFirst + B::kBeats * B::kBeatPixels,
    kSources = Out::kBeats * Out::kBeatPixels
  };
  static Maps<A, kSamples> a[2];
  static Maps<B, kSamples> b[2];
  static Maps<Out, kSamples> out[2];
  unsigned source[kSources];
  typename Types::template Fifo<A, kSamples, kDeep> first;
  typename Types::template Fifo<B, kSamples, kDeep> second;
  typename Types::template Fifo<Out, kSamples, kDeep> to;
  for (unsigned n = 0; n < 2; ++n) {
    a[n].fill(n);
    b[n].fill(0);
    a[n].template send<Types>(first);
    b[n].template send<Types>(second);
  }
  for (unsigned e = 0; e < kSources; ++e) {
    long long value;
    bool known;
    do {
      source[e] = random_below(kRows + 1);
      known = source[e] < kFirst  ? row_value(a[0], source[e], 0, value)
              : source[e] < kRows ? row_value(b[0], source[e] - kFirst, 0, value)
                                  : true;
    } while (!known);
    const unsigned beat = e / Out::kBeatPixels, c = beat % Out::kChannels;
    const unsigned p = beat / Out::kChannels * Out::kBeatPixels + e % Out::kBeatPixels;
    for (unsigned i = 0; p < Out::kPixels && i < 2 * kSamples; ++i) {
      const unsigned n = i % 2, s = i / 2;
      value = 0;
      if (source[e] < kFirst) row_value(a[n], source[e], s, value);
      if (source[e] >= kFirst && source[e] < kRows) row_value(b[n], source[e] - kFirst, s, value);
      out[n].value[s][c][p] = value;
    }
  }
  bitfpga::gather<Types, MoveLayer<Out, kRows, A, B>, kSamples>(source, to, 2, first, second);
  for (const auto& maps : out) maps.template check<Types>(to);
  CHECK(true, first.empty());
  CHECK(true, to.empty());
}

template <class Types, unsigned kSamples>
void check_moves() {
  check_fork<Types, kSamples>();
  check_concat<Types, kSamples>();
  using Map = TestTensor<5, true, 2, 5, 4>;
  using Vector = TestTensor<4, false, 3, 1, 1>;
  check_gather<Types, Map, Vector, TestTensor<6, true, 3, 6, 4>, kSamples>();
  check_gather<Types, Vector, Map, TestTensor<6, true, 9, 1, 1>, kSamples>();
}
