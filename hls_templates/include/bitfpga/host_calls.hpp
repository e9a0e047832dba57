// The host's side of a top function in a testbench: calls it as a driver does, and checks all that
// it answers. `Top` has Input, Output, kInputSize, kOutputSize, kMaxSamples, kIdLow, kIdHigh, and
// call(x, y, taps, n_samples, registers), where x and y are memory or AXI streams.
#pragma once
#include "bitfpga/axi_words.hpp"
#include "bitfpga/testbench_io.hpp"

namespace bitfpga {

struct Registers {
  uint32_t id_low = 0;
  uint32_t id_high = 0;
  uint32_t interface_version = 0;
  uint32_t status = 0xffffffff;
};

// Whether `got` is as expected; says so if not.
inline bool is_expected(const char* what, uint32_t expected, uint32_t got) {
  if (got == expected) return true;
  fprintf(stderr, "mismatch: %s: expected %08x, got %08x\n", what, expected, got);
  return false;
}

template <class Top>
bool are_expected(const Registers& registers, uint32_t status) {
  const bool id = is_expected("id_low", Top::kIdLow, registers.id_low) &&
                  is_expected("id_high", Top::kIdHigh, registers.id_high);
  return id && is_expected("interface_version", kInterfaceVersion, registers.interface_version) &&
         is_expected("status", status, registers.status);
}

template <class Value>
bool are_equal(const char* what, const Value* expected, const Value* got, size_t count) {
  if (memcmp(expected, got, count * sizeof(Value)) == 0) return true;
  fprintf(stderr, "mismatch: %s\n", what);
  return false;
}

// Samples in memory.
template <class Top>
class MemoryHost {
 public:
  using Input = typename Top::Input;
  using Output = typename Top::Output;
  explicit MemoryHost(const uint64_t* taps) : taps_(taps) {}

  bool run(const Input* x, Output* y, unsigned n_samples, uint32_t status = kGood) {
    Registers registers;
    Top::call(x, y, taps_, n_samples, registers);
    return are_expected<Top>(registers, status);
  }
  // x and y have the length of a whole call where Vitis simulates the core itself.
  bool refuse(const Input* x, Output* y, unsigned n_samples) {
    return run(x, y, n_samples, kBadCount);
  }
  bool check_last(const Input*) { return true; }

 private:
  const uint64_t* taps_;
};

// Samples in the words of AXI streams.
template <class Top>
class StreamHost {
 public:
  using Input = typename Top::Input;
  using Output = typename Top::Output;
  explicit StreamHost(const uint64_t* taps) : taps_(taps) {}

  bool run(const Input* x, Output* y, unsigned n_samples) {
    const size_t count = size_t{n_samples} * Top::kInputSize;
    return pass(x, count, count, y, n_samples, kGood);
  }
  bool refuse(const Input*, Output* y, unsigned n_samples) {
    return pass(nullptr, 0, 0, y, n_samples, kBadCount);
  }
  // A TLAST that comes too early or not at all is reported, what is missing is zero, and the next
  // call is right again. x: one sample.
  bool check_last(const Input* x) {
    const unsigned n = Top::kMaxSamples < 2 ? 1 : 2;
    const size_t count = size_t{n} * Top::kInputSize, part = count / 2;
    Buffer<Input> inputs(count);
    for (size_t i = 0; i < part; ++i) inputs.data()[i] = x[i];
    const size_t n_outputs = size_t{n} * Top::kOutputSize;
    Buffer<Output> good(n_outputs), early(n_outputs), missing(n_outputs), after(n_outputs);
    return run(inputs.data(), good.data(), n) &&
           pass(inputs.data(), part, part, early.data(), n, kEarlyLast) &&
           are_equal("outputs after an early TLAST", good.data(), early.data(), n_outputs) &&
           pass(inputs.data(), count, count + 1, missing.data(), n, kMissingLast) &&
           are_equal("outputs without TLAST", good.data(), missing.data(), n_outputs) &&
           run(inputs.data(), after.data(), n) &&
           are_equal("outputs of the call after", good.data(), after.data(), n_outputs);
  }

 private:
  // One call on n_words words, TLAST with number `last_word` (from 1).
  bool pass(const Input* x, size_t n_words, size_t last_word, Output* y, unsigned n_samples,
            uint32_t status) {
    for (size_t i = 0; i < n_words; ++i) x_.write(axi_word(x[i], i + 1 == last_word));
    Registers registers;
    Top::call(x_, y_, taps_, n_samples, registers);
    const size_t count = status == kBadCount ? 0 : size_t{n_samples} * Top::kOutputSize;
    return are_expected<Top>(registers, status) && take(y, count) &&
           is_expected("words left in the input", 0, !x_.empty()) &&
           is_expected("words left in the output", 0, !y_.empty());
  }
  // The words of an answer: all bytes valid, TLAST with the last one only.
  bool take(Output* y, size_t count) {
    bool good = true;
    for (size_t i = 0; i < count && good; ++i) {
      if (y_.empty()) return is_expected("words of the output", count, i);
      const AxiWord<Output> word = y_.read();
      const AxiWord<Output> expected = axi_word(static_cast<Output>(word.data), i + 1 == count);
      y[i] = static_cast<Output>(word.data);
      good = word.last == expected.last && word.keep == expected.keep && word.strb == expected.strb;
      if (!good) fprintf(stderr, "mismatch: TLAST, TKEEP or TSTRB of output word %zu\n", i);
    }
    return good;
  }

  const uint64_t* taps_;
  AxiStream<Input> x_;
  AxiStream<Output> y_;
};

// Whether counts that are not allowed are refused and leave the n_values zeros of y as they are.
template <class Top, class Host>
bool check_refusals(Host& host, const typename Top::Input* x, typename Top::Output* y,
                    size_t n_values) {
  if (!host.refuse(x, y, 0) || !host.refuse(x, y, Top::kMaxSamples + 1)) return false;
  if (!host.refuse(x, y, 0xffffffff)) return false;
  for (size_t i = 0; i < n_values; ++i) {
    if (!is_expected("an output of a refused call", 0, static_cast<uint32_t>(y[i]))) return false;
  }
  return true;
}

// All samples, in calls of at most n_at_once; whether each is answered as it should be.
template <class Top, class Host>
bool run_samples(Host& host, const typename Top::Input* x, typename Top::Output* y,
                 size_t n_samples, unsigned n_at_once) {
  const unsigned most = n_at_once < Top::kMaxSamples ? n_at_once : unsigned{Top::kMaxSamples};
  for (size_t first = 0; first < n_samples; first += most) {
    const size_t left = n_samples - first;
    const unsigned n = left < most ? static_cast<unsigned>(left) : most;
    if (!host.run(x + first * Top::kInputSize, y + first * Top::kOutputSize, n)) return false;
  }
  return true;
}

// Everything a testbench does with samples; y is zero before. Prints the id when all is well.
template <class Top, template <class> class Host>
bool check_and_run(Host<Top>& host, const typename Top::Input* x, typename Top::Output* y,
                   size_t n_samples, unsigned n_at_once) {
  const size_t n_looked_at = n_samples < n_at_once ? n_samples : n_at_once;
  if (!check_refusals<Top>(host, x, y, n_looked_at * Top::kOutputSize)) return false;
  if (n_samples > 0 && !host.check_last(x)) return false;
  if (!run_samples<Top>(host, x, y, n_samples, n_at_once)) return false;
  printf("id %08x%08x\n", unsigned{Top::kIdHigh}, unsigned{Top::kIdLow});
  return true;
}

}  // namespace bitfpga
