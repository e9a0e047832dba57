// Elements as words of an AXI stream, one a word, TLAST with the last of a call.
#pragma once
#include <stdint.h>

#include "bitfpga/elements.hpp"
#include "bitfpga/status.hpp"
#if defined(__SYNTHESIS__) || defined(BITFPGA_VITIS)
#include <ap_axi_sdata.h>
#include <hls_stream.h>
#endif

namespace bitfpga {

// The vendor's words wherever the vendor's tools compile (hls_config.cfg defines BITFPGA_VITIS for
// the test bench, which synthesis does not see); elsewhere words with the same members.
#if defined(__SYNTHESIS__) || defined(BITFPGA_VITIS)

template <class Value>
using AxiWord = ap_axiu<8 * sizeof(Value), 0, 0, 0>;
template <class Value>
using AxiStream = hls::stream<AxiWord<Value>>;

#else

template <class Value>
struct AxiWord {
  typename UnsignedOfSize<sizeof(Value)>::type data;
  uint8_t keep;  // a bit a byte of data
  uint8_t strb;
  bool last;
};
template <class Value>
using AxiStream = Stream<AxiWord<Value>, 1024>;

#endif

template <class Value>
AxiWord<Value> axi_word(Value value, bool last) {
  enum : unsigned { kAllBytes = (1U << sizeof(Value)) - 1 };
  AxiWord<Value> word;
  word.data = static_cast<typename UnsignedOfSize<sizeof(Value)>::type>(value);
  word.keep = kAllBytes;
  word.strb = kAllBytes;
  word.last = last;
  return word;
}

// The elements of n_samples samples of kSize. After a TLAST nothing more is read: what is missing
// is zero, so that the call comes to its end. `faults` are bits of the status.
template <class Value, unsigned kSize, class Out>
BITFPGA_PROCESS void receive_words(AxiStream<Value>& x, unsigned n_samples, Out& out,
                                   uint32_t& faults) {
  bool ended = false;
  uint32_t found = kGood;
samples:
  for (unsigned n = 0; n < n_samples; ++n) {
  elements:
    for (unsigned i = 0; i < kSize; ++i) {
#pragma HLS PIPELINE II = 1
      Value value = 0;
      if (!ended) {
        const AxiWord<Value> word = x.read();
        const bool is_final = n + 1 == n_samples && i + 1 == kSize;
        value = static_cast<Value>(word.data);
        ended = word.last != 0;
        if (ended && !is_final) found = kEarlyLast;
        if (!ended && is_final) found = kMissingLast;
      }
      out.write(value);
    }
  }
  faults = found;
}

// The reverse; TLAST goes with the last element of the last sample.
template <class Value, unsigned kSize, class In>
BITFPGA_PROCESS void send_words(In& in, unsigned n_samples, AxiStream<Value>& y) {
samples:
  for (unsigned n = 0; n < n_samples; ++n) {
  elements:
    for (unsigned i = 0; i < kSize; ++i) {
#pragma HLS PIPELINE II = 1
      y.write(axi_word(static_cast<Value>(in.read()), n + 1 == n_samples && i + 1 == kSize));
    }
  }
}

}  // namespace bitfpga
