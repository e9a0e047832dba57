// Layers that treat each element by itself, on maps and vectors.
#pragma once
#include "bitfpga/elementwise.hpp"
#include "pool_cases.hpp"

template <class Out, unsigned kMode, class... In>
struct ElementLayer : MapLayer<TestTensor<1, false, 1, 1, 1>, Out, kMode> {
  using Inputs = bitfpga::Tensors<In...>;
};

template <class Types, class Layer, unsigned kSamples>
void check_scale_elements() {
  using Tensor = typename Layer::Input;
  static Maps<Tensor, kSamples> in[2];
  static Maps<typename Layer::Output, kSamples> out[2];
  static ScaleTable<Layer> table;
  table.fill();
  typename Types::template Fifo<Tensor, kSamples, kDeep> from;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> to;
  for (unsigned n = 0; n < 2; ++n) {
    in[n].fill(n);
    in[n].template send<Types>(from);
  }
  bitfpga::scale_elements<Types, Layer, kSamples>(from, table.scale, to, 2);
  for (unsigned n = 0; n < 2; ++n) {
    for (unsigned i = 0; i < kSamples * Tensor::kChannels * Tensor::kPixels; ++i) {
      const unsigned b = i % kSamples, c = i / kSamples % Tensor::kChannels;
      const unsigned p = i / kSamples / Tensor::kChannels;
      out[n].value[b][c][p] = table.apply(in[n].value[b][c][p], c, p);
    }
    out[n].template check<Types>(to);
  }
}

template <class In, class Out>
struct TableLayer {
  using Input = In;
  using Output = Out;
  enum : long long { kTableLow = lowest<In>() };
};

template <class Types, class Layer, unsigned kSamples>
void check_look_up() {
  using Tensor = typename Layer::Input;
  static Maps<Tensor, kSamples> in[2];
  static Maps<typename Layer::Output, kSamples> out[2];
  int table[1U << Tensor::kBits];
  for (int& value : table) {
    value = static_cast<int>(lowest<typename Layer::Output>()) +
            static_cast<int>(random_below(1U << Layer::Output::kBits));
  }
  typename Types::template Fifo<Tensor, kSamples, kDeep> from;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> to;
  for (unsigned n = 0; n < 2; ++n) {
    in[n].fill(n);
    in[n].template send<Types>(from);
  }
  bitfpga::look_up<Types, Layer, kSamples>(from, table, to, 2);
  for (unsigned n = 0; n < 2; ++n) {
    for (unsigned i = 0; i < kSamples * Tensor::kChannels * Tensor::kPixels; ++i) {
      const unsigned b = i % kSamples, c = i / kSamples % Tensor::kChannels;
      const unsigned p = i / kSamples / Tensor::kChannels;
      out[n].value[b][c][p] = table[in[n].value[b][c][p] - lowest<Tensor>()];
    }
    out[n].template check<Types>(to);
  }
}

// 3 inputs, the first given twice.
template <class Types, class Layer, class A, class B, unsigned kSamples>
void check_add_elements() {
  static Maps<A, kSamples> a[2];
  static Maps<B, kSamples> b[2];
  static Maps<typename Layer::Output, kSamples> out[2];
  static ScaleTable<Layer> table;
  table.fill();
  bitfpga::ShiftAdd<2> weights[3];
  long long factors[3];
  for (unsigned k = 0; k < 3; ++k) factors[k] = random_multiplier(weights[k]);
  typename Types::template Fifo<A, kSamples, kDeep> first, third;
  typename Types::template Fifo<B, kSamples, kDeep> second;
  typename Types::template Fifo<typename Layer::Output, kSamples, kDeep> to;
  for (unsigned n = 0; n < 2; ++n) {
    a[n].fill(n);
    b[n].fill(2 * n);
    a[n].template send<Types>(first);
    b[n].template send<Types>(second);
    a[n].template send<Types>(third);
  }
  bitfpga::add_elements<Types, Layer, kSamples>(weights, table.scale, to, 2, first, second, third);
  for (unsigned n = 0; n < 2; ++n) {
    for (unsigned i = 0; i < kSamples * A::kChannels * A::kPixels; ++i) {
      const unsigned s = i % kSamples, c = i / kSamples % A::kChannels;
      const unsigned p = i / kSamples / A::kChannels;
      const long long sum =
          (factors[0] + factors[2]) * a[n].value[s][c][p] + factors[1] * b[n].value[s][c][p];
      out[n].value[s][c][p] = table.apply(sum, c, p);
    }
    out[n].template check<Types>(to);
  }
}

template <class Types, unsigned kSamples>
void check_elements() {
  using A = TestTensor<9, true, 3, 7, 2>;
  using B = TestTensor<6, false, 3, 7, 2>;
  using Out = TestTensor<7, true, 3, 7, 2>;
  using Vector = TestTensor<16, false, 5, 1, 1>;
  using OutVector = TestTensor<7, true, 5, 1, 1>;
  check_scale_elements<Types, MapLayer<A, Out, 0>, kSamples>();
  check_scale_elements<Types, MapLayer<A, Out, 1>, kSamples>();
  check_scale_elements<Types, MapLayer<A, Out, 2>, kSamples>();
  check_scale_elements<Types, MapLayer<Vector, OutVector, 2>, kSamples>();
  check_look_up<Types, TableLayer<A, B>, kSamples>();
  check_look_up<Types, TableLayer<B, A>, kSamples>();
  check_add_elements<Types, ElementLayer<Out, 0, A, B, A>, A, B, kSamples>();
  check_add_elements<Types, ElementLayer<Out, 1, A, B, A>, A, B, kSamples>();
  check_add_elements<Types, ElementLayer<Out, 2, B, A, B>, B, A, kSamples>();
}
