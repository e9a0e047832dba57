// Hosts of a top function that is right, and of the same one with each fault it could have.
#include "bitfpga/host_calls.hpp"

#include "check.hpp"

namespace {

enum Fault {
  kNone,
  kWrongLowId,
  kWrongHighId,
  kWrongVersion,
  kWrongStatus,
  kTakesZero,
  kTakesTooMany,
  kTakesAnything,
  kWritesWhenRefusing,
  kOnlyInStreams,
  kMissesEarlyLast = kOnlyInStreams,
  kMissesMissingLast,
  kReadsTooFew,
  kSendsTooFew,
  kSendsTooMany,
  kLastEverySample,
  kNoLast,
  kNoKeep,
  kNoStrb,
  kRemembersFault,
  kAnswersGarbageAfterEarlyLast,
  kFaults
};
int fault = kNone;

// y[i] = x[2i] - x[2i + 1], two outputs of four inputs.
struct Sizes {
  using Input = int8_t;
  using Output = int16_t;
  enum : uint32_t {
    kInputSize = 4,
    kOutputSize = 2,
    kMaxSamples = 5,
    kIdLow = 0x89abcdef,
    kIdHigh = 0x01234567
  };
};

bool takes(unsigned n_samples, bitfpga::Registers& registers) {
  registers.id_low = fault == kWrongLowId ? Sizes::kIdHigh : Sizes::kIdLow;
  registers.id_high = fault == kWrongHighId ? Sizes::kIdLow : Sizes::kIdHigh;
  registers.interface_version = fault == kWrongVersion ? 2 : 1;
  bool good = bitfpga::is_good_count(n_samples, Sizes::kMaxSamples);
  good |= fault == kTakesZero && n_samples == 0;
  good |= fault == kTakesTooMany && n_samples == Sizes::kMaxSamples + 1;
  good |= fault == kTakesAnything && n_samples == 0xffffffff;
  registers.status = good ? bitfpga::kGood : bitfpga::kBadCount;
  if (fault == kWrongStatus) registers.status ^= 8;
  return bitfpga::is_good_count(n_samples, Sizes::kMaxSamples);
}

struct MemoryTop : Sizes {
  static void call(const int8_t* x, int16_t* y, const uint64_t* taps, unsigned n_samples,
                   bitfpga::Registers& registers) {
    CHECK(6, taps[0]);
    if (!takes(n_samples, registers)) {
      if (fault == kWritesWhenRefusing) y[1] = 1;
      return;
    }
    for (unsigned i = 0; i < n_samples * kOutputSize; ++i) {
      y[i] = static_cast<int16_t>(x[2 * i] - x[2 * i + 1]);
    }
  }
};

struct StreamTop : Sizes {
  static void call(bitfpga::AxiStream<int8_t>& x, bitfpga::AxiStream<int16_t>& y, const uint64_t*,
                   unsigned n_samples, bitfpga::Registers& registers) {
    if (!takes(n_samples, registers)) {
      if (fault == kWritesWhenRefusing) y.write(bitfpga::axi_word(int16_t{1}, true));
      return;
    }
    static bool remembers;
    bitfpga::Stream<int8_t, 8> values;
    uint32_t found;
    bitfpga::receive_words<int8_t, kInputSize>(x, n_samples, values, found);
    if (fault == kMissesEarlyLast) found &= ~uint32_t{bitfpga::kEarlyLast};
    if (fault == kMissesMissingLast) found &= ~uint32_t{bitfpga::kMissingLast};
    registers.status |= found | (fault == kRemembersFault && remembers ? 2 : 0);
    remembers = found != 0;
    if (fault == kReadsTooFew) x.write(bitfpga::axi_word(int8_t{0}, true));
    bool garbage = fault == kAnswersGarbageAfterEarlyLast && found == bitfpga::kEarlyLast;
    const unsigned n_outputs = n_samples * kOutputSize;
    for (unsigned i = 0; i < n_outputs - (fault == kSendsTooFew); ++i) {
      const int a = values.read(), b = values.read();
      const bool last = (fault == kLastEverySample ? i % 2 == 1 : i + 1 == n_outputs);
      auto word =
          bitfpga::axi_word(static_cast<int16_t>(a - b + garbage), last && fault != kNoLast);
      if (fault == kNoKeep) word.keep = 1;
      if (fault == kNoStrb) word.strb = 1;
      y.write(word);
    }
    if (fault == kSendsTooMany) y.write(bitfpga::axi_word(int16_t{0}, false));
  }
};

const int8_t kX[7 * 4] = {1,  2, 3, 4,  -128, 127, 9, 0, 5, 5, 5, 6,  7,   -8,
                          -9, 1, 2, -3, 4,    -5,  6, 7, 8, 9, 1, 11, 121, 13};

template <class Host>
bool passes(unsigned n_at_once) {
  const uint64_t taps[1] = {6};
  int16_t y[7 * 2] = {};
  Host host(taps);
  if (!bitfpga::check_and_run(host, kX, y, 7, n_at_once)) return false;
  for (unsigned i = 0; i < 14; ++i) CHECK_AT(i, kX[2 * i] - kX[2 * i + 1], y[i]);
  return true;
}

void check_without_samples() {
  const uint64_t taps[1] = {6};
  int16_t y[1] = {};
  bitfpga::MemoryHost<MemoryTop> memory(taps);
  bitfpga::StreamHost<StreamTop> streams(taps);
  CHECK(true, bitfpga::check_and_run(memory, kX, y, 0, 3));
  CHECK(true, bitfpga::check_and_run(streams, kX, y, 0, 3));
}

}  // namespace

int main() {
  check_without_samples();
  const unsigned counts[] = {1, 3, 5, 100};
  for (unsigned n_at_once : counts) {
    CHECK_AT(n_at_once, true, passes<bitfpga::MemoryHost<MemoryTop>>(n_at_once));
    CHECK_AT(n_at_once, true, passes<bitfpga::StreamHost<StreamTop>>(n_at_once));
  }
  for (fault = kWrongLowId; fault < kFaults; ++fault) {
    const bool in_memory = fault < kOnlyInStreams;
    CHECK_AT(fault, !in_memory, passes<bitfpga::MemoryHost<MemoryTop>>(3));
    CHECK_AT(fault, false, passes<bitfpga::StreamHost<StreamTop>>(3));
  }
  return REPORT();
}
