// Processes that only move values: fork, concatenation of channels, and any other rearrangement.
#pragma once
#include "bitfpga/types.hpp"

namespace bitfpga {

template <class Beat>
inline void write_all(const Beat&) {}

template <class Beat, class Out, class... Rest>
inline void write_all(const Beat& beat, Out& out, Rest&... rest) {
  out.write(beat);
  write_all(beat, rest...);
}

// Copies one FIFO into several: a FIFO has one reader. Without outputs the tensor is dropped.
template <class Types, class Tensor, unsigned kSamples, class In, class... Outs>
BITFPGA_PROCESS void fork(In& in, unsigned n_blocks, Outs&... outs) {
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
  beats:
    for (unsigned b = 0; b < Tensor::kBeats; ++b) {
#pragma HLS PIPELINE II = 1
      const Beat<Types, Tensor, kSamples> beat = in.read();
      write_all(beat, outs...);
    }
  }
}

template <class OutBeat, class Out>
inline void copy_channels(Tensors<>, Out&) {}

template <class OutBeat, class Tensor, class... Others, class Out, class In, class... Ins>
inline void copy_channels(Tensors<Tensor, Others...>, Out& out, In& in, Ins&... ins) {
channels:
  for (unsigned c = 0; c < Tensor::kChannels; ++c) {
#pragma HLS PIPELINE II = 1
    OutBeat beat;
    get_part(in.read(), 0, beat);
    out.write(beat);
  }
  copy_channels<OutBeat>(Tensors<Others...>(), out, ins...);
}

// The channels of each input, one input after the other.
template <class Types, class Layer, unsigned kSamples, class Out, class... Ins>
BITFPGA_PROCESS void concat_channels(Out& out, unsigned n_blocks, Ins&... ins) {
  using Tensor = typename Layer::Output;
  const unsigned kBlocks = Tensor::kBeats / Tensor::kChannels;
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
  pixels:
    for (unsigned block = 0; block < kBlocks; ++block) {
      copy_channels<Beat<Types, Tensor, kSamples>>(typename Layer::Inputs(), out, ins...);
    }
  }
}

template <unsigned kFirst, class Row, unsigned kCopies, unsigned kRows>
inline void store_inputs(Tensors<>, Row (&)[kCopies][kRows]) {}

// Every lane of every beat becomes a row, from row kFirst on.
template <unsigned kFirst, class Tensor, class... Others, class Row, unsigned kCopies,
          unsigned kRows, class In, class... Ins>
inline void store_inputs(Tensors<Tensor, Others...>, Row (&rows)[kCopies][kRows], In& in,
                         Ins&... ins) {
  enum : unsigned { kEnd = kFirst + Tensor::kBeats * Tensor::kBeatPixels };
  static_assert(kEnd < kRows, "the memory holds all inputs and a zero row");
beats:
  for (unsigned first = kFirst; first < kEnd; first += Tensor::kBeatPixels) {
#pragma HLS PIPELINE II = 1
    const auto beat = in.read();
  lanes:
    for (unsigned r = 0; r < Tensor::kBeatPixels; ++r) {
#pragma HLS UNROLL
      Row row;
      get_part(beat, r, row);
    copies:
      for (unsigned c = 0; c < kCopies; ++c) {
#pragma HLS UNROLL
        rows[c][first + r] = row;
      }
    }
  }
  store_inputs<kEnd>(Tensors<Others...>(), rows, ins...);
}

template <class Layer, class Row, unsigned kCopies, unsigned kRows, class... Ins>
BITFPGA_PROCESS void store_rows(Row (&rows)[kCopies][kRows], Ins&... ins) {
  store_inputs<0>(typename Layer::Inputs(), rows, ins...);
copies:
  for (unsigned c = 0; c < kCopies; ++c) {
#pragma HLS UNROLL
    clear(rows[c][kRows - 1]);
  }
}

template <class OutBeat, class Row, unsigned kCopies, unsigned kRows, unsigned kSources, class Out>
BITFPGA_PROCESS void pick_rows(const Row (&rows)[kCopies][kRows],
                               const unsigned (&source)[kSources], Out& out) {
beats:
  for (unsigned first = 0; first < kSources; first += kCopies) {
#pragma HLS PIPELINE II = 1
    OutBeat beat;
  lanes:
    for (unsigned r = 0; r < kCopies; ++r) {
#pragma HLS UNROLL
      set_part(beat, r, rows[r][source[first + r]]);
    }
    out.write(beat);
  }
}

// Element beat * kBeatPixels + lane of the output is row source[..] of the inputs, which count
// input after input, beat after beat, lane after lane; the row after the last reads zero.
template <class Types, class Layer, unsigned kSamples, unsigned kSources, class Out, class... Ins>
void gather(const unsigned (&source)[kSources], Out& out, unsigned n_blocks, Ins&... ins) {
  using Tensor = typename Layer::Output;
  using Row = typename Types::template ColumnsOf<typename Types::template Lane<Tensor>, kSamples>;
  static_assert(kSources == Tensor::kBeats * Tensor::kBeatPixels, "one source per output lane");
blocks:
  for (unsigned i = 0; i < n_blocks; ++i) {
#pragma HLS DATAFLOW
    Row rows[Tensor::kBeatPixels][Layer::kSourceRows + 1];
#pragma HLS ARRAY_PARTITION variable = rows dim = 1 complete
    store_rows<Layer>(rows, ins...);
    pick_rows<Beat<Types, Tensor, kSamples>>(rows, source, out);
  }
}

}  // namespace bitfpga
