// Elements to words and back, with TLAST where it belongs, too early, and nowhere.
#include "bitfpga/axi_words.hpp"

#include "check.hpp"

namespace {

enum : unsigned { kSize = 3, kSamples = 2, kElements = kSize * kSamples };

// Words of which the last_word-th, from 1, carries TLAST; n_words of them are there.
template <class Value>
void check_receive(unsigned n_words, unsigned last_word, uint32_t status) {
  bitfpga::AxiStream<Value> x;
  bitfpga::Stream<Value, 1> out;
  for (unsigned i = 0; i < n_words; ++i) {
    x.write(bitfpga::axi_word(static_cast<Value>(-1 - static_cast<int>(i)), i + 1 == last_word));
  }
  uint32_t faults = 77;
  bitfpga::receive_words<Value, kSize>(x, kSamples, out, faults);
  CHECK_AT(last_word, status, faults);
  CHECK_AT(last_word, n_words > kElements ? n_words - kElements : 0, x.size());
  CHECK_AT(last_word, kElements, out.size());
  for (unsigned i = 0; i < kElements; ++i) {
    const int value = last_word == 0 || i < last_word ? -1 - static_cast<int>(i) : 0;
    CHECK_AT(i, static_cast<Value>(value), out.read());
  }
}

template <class Value>
void check_send() {
  bitfpga::Stream<Value, 1> in;
  bitfpga::AxiStream<Value> y;
  for (unsigned i = 0; i < kElements; ++i) in.write(static_cast<Value>(i - 3));
  bitfpga::send_words<Value, kSize>(in, kSamples, y);
  CHECK(true, in.empty());
  CHECK(kElements, y.size());
  for (unsigned i = 0; i < kElements; ++i) {
    const auto word = y.read();
    CHECK_AT(i, static_cast<Value>(i - 3), static_cast<Value>(word.data));
    CHECK_AT(i, i + 1 == kElements, word.last);
    CHECK_AT(i, sizeof(Value) == 1 ? 1 : 3, word.keep);
    CHECK_AT(i, sizeof(Value) == 1 ? 1 : 3, word.strb);
  }
}

template <class Value>
void check_words() {
  check_send<Value>();
  check_receive<Value>(kElements, kElements, bitfpga::kGood);
  for (unsigned n = 1; n < kElements; ++n) check_receive<Value>(n, n, bitfpga::kEarlyLast);
  check_receive<Value>(kElements, 0, bitfpga::kMissingLast);
  check_receive<Value>(kElements + 2, kElements + 2, bitfpga::kMissingLast);
}

}  // namespace

int main() {
  check_words<int8_t>();
  check_words<uint8_t>();
  check_words<int16_t>();
  check_words<uint16_t>();
  return REPORT();
}
