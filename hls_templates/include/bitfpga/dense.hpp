// A dense layer on a PE array: walk the taps, requantise, write the next layer's memory.
#pragma once
#include "bitfpga/pe.hpp"
#include "bitfpga/shift_add.hpp"
#include "bitfpga/types.hpp"

namespace bitfpga {

// Writes one row into every copy of a memory: each reader of the next layer has its own port.
template <class Row, unsigned kCopies, unsigned kRows>
inline void write_row(Row (&memory)[kCopies][kRows], unsigned row, const Row& value) {
copies:
  for (unsigned c = 0; c < kCopies; ++c) {
#pragma HLS UNROLL
    memory[c][row] = value;
  }
}

// Clears the row that padding words and shifts over empty planes read.
template <class Row, unsigned kCopies, unsigned kRows>
inline void write_zero_row(Row (&memory)[kCopies][kRows]) {
  Row zero;
  clear(zero);
  write_row(memory, kRows - 1, zero);
}

// A fully pruned output has no taps: its value is its bias, known when the project is made.
struct PrunedOutput {
  unsigned output;
  int value;
};

// Where the sum of an output is when its PEs have walked their taps.
struct FinishedOutput {
  unsigned pe;
  unsigned slot;
  unsigned output;
};

// Results of all PEs to activations, one output a cycle; scale is in the order of `finished`.
template <class Types, class Config, class Accumulator, unsigned kPes, unsigned kSlots,
          unsigned kFinished, unsigned kTerms, unsigned kPruned, class Row, unsigned kCopies,
          unsigned kRows>
void requantise_results(const Accumulator (&results)[kPes][kSlots],
                        const FinishedOutput (&finished)[kFinished],
                        const ChannelScale<kTerms> (&scale)[kFinished],
                        const PrunedOutput (&pruned)[kPruned], unsigned first_output,
                        Row (&output)[kCopies][kRows]) {
finished_outputs:
  for (unsigned i = 0; i < Config::kFinishedOutputs; ++i) {
#pragma HLS PIPELINE II = 1
    Row row;
    requantise<Types, Config>(results[finished[i].pe][finished[i].slot], scale[i], row);
    write_row(output, first_output + finished[i].output, row);
  }
pruned_outputs:
  for (unsigned i = 0; i < Config::kPrunedOutputs; ++i) {
#pragma HLS PIPELINE II = 1
    Row row;
  pruned_columns:
    for (unsigned v = 0; v < Row::kSize; ++v) {
#pragma HLS UNROLL
      row[v] = static_cast<typename Row::Lane>(pruned[i].value);
    }
    write_row(output, first_output + pruned[i].output, row);
  }
}

// Dense layer with its taps on chip. kRows rows of kInputs values each (1 for a plain vector).
template <class Types, class Config, class InRow, unsigned kInCopies, unsigned kInRows, class Word,
          unsigned kPes, unsigned kWords, unsigned kFinished, unsigned kTerms, unsigned kPruned,
          class OutRow, unsigned kOutCopies, unsigned kOutRows>
void dense(const InRow (&x)[kInCopies][kInRows], const Word (&words)[kPes][kWords],
           const unsigned (&n_words)[kPes], const FinishedOutput (&finished)[kFinished],
           const ChannelScale<kTerms> (&scale)[kFinished], const PrunedOutput (&pruned)[kPruned],
           OutRow (&output)[kOutCopies][kOutRows]) {
  static_assert(kInRows == Config::kRows * Config::kInputs + 1, "one row per input and a zero row");
  static_assert(kOutRows >= Config::kRows * Config::kOutputs, "the output memory is too small");
#pragma HLS ARRAY_PARTITION variable = words dim = 1 complete
  using Accumulator = AccumulatorColumns<Types, Config, InRow::kSize>;
rows:
  for (unsigned r = 0; r < Config::kRows; ++r) {
#pragma HLS DATAFLOW
    Accumulator results[kPes][Config::kSlots];
#pragma HLS ARRAY_PARTITION variable = results dim = 1 complete
  pes:
    for (unsigned p = 0; p < kPes; ++p) {
#pragma HLS UNROLL
      walk_taps<Config::kInputs, kInRows - 1>(x[p % kInCopies], r * Config::kInputs, words[p],
                                              n_words[p], results[p]);
    }
    requantise_results<Types, Config>(results, finished, scale, pruned, r * Config::kOutputs,
                                      output);
  }
  write_zero_row(output);
}

// Dense layer whose taps are read from memory for every block of samples.
template <class Types, class Config, class InRow, unsigned kInCopies, unsigned kInRows, class Word,
          unsigned kFinished, unsigned kTerms, unsigned kPruned, class OutRow, unsigned kOutCopies,
          unsigned kOutRows>
void dense_from_memory(const InRow (&x)[kInCopies][kInRows], const Word* words,
                       const FinishedOutput (&finished)[kFinished],
                       const ChannelScale<kTerms> (&scale)[kFinished],
                       const PrunedOutput (&pruned)[kPruned],
                       OutRow (&output)[kOutCopies][kOutRows]) {
  static_assert(kInRows == Config::kRows * Config::kInputs + 1, "one row per input and a zero row");
  static_assert(kOutRows >= Config::kRows * Config::kOutputs, "the output memory is too small");
  using Accumulator = AccumulatorColumns<Types, Config, InRow::kSize>;
rows:
  for (unsigned r = 0; r < Config::kRows; ++r) {
#pragma HLS DATAFLOW
    Accumulator results[Config::kPes][Config::kSlots];
#pragma HLS ARRAY_PARTITION variable = results dim = 1 complete
    walk_memory<Config::kInputs, kInRows - 1>(x, r * Config::kInputs, words, Config::kWords,
                                              results);
    requantise_results<Types, Config>(results, finished, scale, pruned, r * Config::kOutputs,
                                      output);
  }
  write_zero_row(output);
}

}  // namespace bitfpga
