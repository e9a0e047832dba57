// Samples from memory to beats and back.
#pragma once
#include "bitfpga/host_io.hpp"
#include "maps.hpp"

// The same samples by way of streams of elements, which hold them and nothing else.
template <class Types, class Tensor, unsigned kSamples, class Value>
void check_element_streams(const Value* x, unsigned n_samples, Maps<Tensor, kSamples> (&maps)[2]) {
  const unsigned n_elements = n_samples * Tensor::kChannels * Tensor::kPixels;
  typename Types::template Fifo<Tensor, kSamples, kDeep> fifo;
  bitfpga::Stream<Value, 5> in, out;
  for (unsigned i = 0; i < n_elements; ++i) in.write(x[i]);
  bitfpga::load<Types, Tensor, kSamples>(in, n_samples, fifo, 2);
  CHECK(true, in.empty());
  for (const auto& block : maps) block.template check<Types>(fifo);
  CHECK(true, fifo.empty());
  for (const auto& block : maps) block.template send<Types>(fifo);
  bitfpga::store<Types, Tensor, kSamples>(fifo, n_samples, out, 2);
  CHECK(n_elements, out.size());
  for (unsigned i = 0; i < n_elements; ++i) CHECK_AT(i, x[i], out.read());
  CHECK(true, fifo.empty());
}

// n_samples samples in two blocks; what memory holds beyond the last sample must not change.
template <class Types, class Tensor, unsigned kSamples, class Value>
void check_host_io(unsigned n_samples) {
  enum : unsigned { kElements = Tensor::kChannels * Tensor::kPixels };
  static Maps<Tensor, kSamples> maps[2];
  Value x[2 * kSamples * kElements], y[2 * kSamples * kElements];
  for (unsigned n = 0; n < 2; ++n) {
    maps[n].fill(0);
    for (unsigned i = 0; i < kSamples * kElements; ++i) {
      const unsigned b = i / kElements, c = i / Tensor::kPixels % Tensor::kChannels;
      const unsigned p = i % Tensor::kPixels, sample = n * kSamples + b;
      const unsigned at =
          sample * kElements + c * Tensor::kChannelStride + p * Tensor::kPixelStride;
      x[at] = static_cast<Value>(maps[n].value[b][c][p]);
      y[at] = static_cast<Value>(77);
      if (sample >= n_samples) maps[n].value[b][c][p] = 0;
    }
  }
  typename Types::template Fifo<Tensor, kSamples, kDeep> fifo;
  bitfpga::load<Types, Tensor, kSamples>(x, n_samples, fifo, 2);
  for (const auto& block : maps) block.template check<Types>(fifo);
  CHECK(true, fifo.empty());
  for (const auto& block : maps) block.template send<Types>(fifo);
  bitfpga::store<Types, Tensor, kSamples>(fifo, n_samples, y, 2);
  for (unsigned i = 0; i < 2 * kSamples * kElements; ++i) {
    CHECK_AT(i, i < n_samples * kElements ? x[i] : 77, y[i]);
  }
  CHECK(true, fifo.empty());
  check_element_streams<Types, Tensor, kSamples>(x, n_samples, maps);
}

template <class Types, unsigned kSamples>
void check_host_ios() {
  for (unsigned n = kSamples + 1; n <= 2 * kSamples; n += (kSamples + 1) / 2) {
    check_host_io<Types, TestTensor<8, true, 1, 7, 2>, kSamples, int8_t>(n);
    check_host_io<Types, TestTensor<16, false, 5, 1, 1>, kSamples, uint16_t>(n);
    check_host_io<Types, TestTensor<8, false, 3, 7, 4>, kSamples, uint8_t>(n);
    check_host_io<Types, TestTensor<9, true, 3, 6, 2, true>, kSamples, int16_t>(n);
    check_host_io<Types, TestTensor<3, true, 3, 7, 4, true>, kSamples, int8_t>(n);
    check_host_io<Types, TestTensor<3, true, 3, 5, 1, true>, kSamples, int8_t>(n);
    check_host_io<Types, TestTensor<1, false, 2, 5, 1>, kSamples, uint8_t>(n);
    check_host_io<Types, TestTensor<1, false, 1, 1, 1>, kSamples, uint8_t>(n);
    check_host_io<Types, TestTensor<8, true, 3, 4, 4>, kSamples, int8_t>(n);
    check_host_io<Types, TestTensor<8, true, 3, 5, 8>, kSamples, int8_t>(n);
    check_host_io<Types, TestTensor<8, true, 3, 5, 4>, kSamples, int8_t>(n);
    check_host_io<Types, TestTensor<8, true, 3, 5, 8, true>, kSamples, int8_t>(n);
    check_host_io<Types, TestTensor<8, true, 1, 3, 4>, kSamples, int8_t>(n);
  }
}
