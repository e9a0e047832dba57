// Files, arguments and comparison for testbenches. Plain C underneath, so that any C++ compiler
// builds it fast and without a C++ run-time library.
#pragma once
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace bitfpga {

inline int fail(const char* message) {
  fprintf(stderr, "error: %s\n", message);
  return 2;
}

// `x y [taps] [--trace file]`; without x and y the defaults for checking golden vectors.
struct Arguments {
  const char* x;
  const char* y = nullptr;
  const char* taps;
  const char* trace = nullptr;

  Arguments(int argc, char** argv, const char* default_x, const char* default_taps)
      : x(default_x), taps(default_taps) {
    if (argc > 2) {
      x = argv[1];
      y = argv[2];
    }
    if (argc > 3) taps = argv[3];
    if (argc > 5 && strcmp(argv[4], "--trace") == 0) trace = argv[5];
    if (x == nullptr) exit(fail("usage: x.bin y.bin [taps.bin] [--trace layers.bin]"));
  }
};

// Memory for testbenches, zero at the start.
template <class Value>
class Buffer {
 public:
  explicit Buffer(size_t count)
      : values_(static_cast<Value*>(calloc(count + 1, sizeof(Value)))), count_(count) {
    if (values_ == nullptr) exit(fail("out of memory"));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { free(values_); }

  Value* data() { return values_; }
  const Value* data() const { return values_; }
  size_t count() const { return count_; }

  int write(const char* path) const {
    FILE* file = fopen(path, "wb");
    if (file == nullptr) return fail("the output file cannot be written");
    const size_t written = fwrite(values_, sizeof(Value), count_, file);
    return fclose(file) == 0 && written == count_ ? 0 : fail("the output file is incomplete");
  }

  // 0 when equal; else prints the first difference and returns 1.
  template <class Golden>
  int compare(const Golden& golden, unsigned sample_size) const {
    if (golden.count() != count_) return fail("the golden vectors have another length");
    for (size_t i = 0; i < count_; ++i) {
      if (values_[i] != golden.data()[i]) {
        fprintf(stderr, "mismatch: sample %zu, index %zu, expected %lld, got %lld\n",
                i / sample_size, i % sample_size, static_cast<long long>(golden.data()[i]),
                static_cast<long long>(values_[i]));
        return 1;
      }
    }
    printf("%zu values equal\n", count_);
    return 0;
  }

 private:
  Value* values_;
  size_t count_;
};

// The whole of a file; a file that need not exist has n_needed = 0.
template <class Value>
class File {
 public:
  explicit File(const char* path, size_t n_needed = 1)
      : buffer_(size_of(path, n_needed) / sizeof(Value)) {
    if (buffer_.count() == 0) return;
    FILE* file = fopen(path, "rb");
    const size_t read = fread(buffer_.data(), sizeof(Value), buffer_.count(), file);
    fclose(file);
    if (read != buffer_.count()) exit(fail("an input file cannot be read"));
  }
  const Value* data() const { return buffer_.data(); }
  size_t count() const { return buffer_.count(); }

 private:
  static size_t size_of(const char* path, size_t n_needed) {
    if (n_needed == 0) return 0;
    FILE* file = path == nullptr ? nullptr : fopen(path, "rb");
    if (file == nullptr) exit(fail("an input file is missing"));
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    fclose(file);
    return size < 0 ? 0 : static_cast<size_t>(size);
  }
  Buffer<Value> buffer_;
};

// Layer outputs of each block as int64, block after block, layer after layer.
class Trace {
 public:
  explicit Trace(const char* path) : file_(path == nullptr ? nullptr : fopen(path, "wb")) {
    failed_ = path != nullptr && file_ == nullptr;
  }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace() {
    if (file_ != nullptr) fclose(file_);
  }
  bool wanted() const { return file_ != nullptr; }
  bool failed() const { return failed_; }

  // Which layer the tensor that follows belongs to.
  void number(long long layer) { failed_ |= fwrite(&layer, sizeof(layer), 1, file_) != 1; }

  // The tensor that waits in a FIFO, which keeps it: n_samples samples in row-major order.
  template <class Tensor, unsigned kSamples, class Fifo>
  void write(const Fifo& fifo, unsigned n_samples) {
    const unsigned kElements = unsigned{Tensor::kChannels} * Tensor::kPixels;
    Buffer<long long> values(kElements);
    for (unsigned b = 0; b < n_samples; ++b) {
      for (unsigned i = 0; i < kElements; ++i) {
        const unsigned c = i % Tensor::kChannels, p = i / Tensor::kChannels;
        const unsigned beat = p / Tensor::kBeatPixels * Tensor::kChannels + c;
        values.data()[c * Tensor::kChannelStride + p * Tensor::kPixelStride] =
            static_cast<long long>(fifo.peek(beat)[p % Tensor::kBeatPixels * kSamples + b]);
      }
      failed_ |= fwrite(values.data(), sizeof(long long), kElements, file_) != kElements;
    }
  }

 private:
  FILE* file_;
  bool failed_;
};

struct StackedRun {
  int (*run)(int, char**);
  int argc;
  char** argv;
  int result;
};

inline void* start_stacked_run(void* job) {
  StackedRun* stacked = static_cast<StackedRun*>(job);
  stacked->result = stacked->run(stacked->argc, stacked->argv);
  return nullptr;
}

// Activation memories are local arrays, as hardware wants them; many columns need a large stack.
inline int run_with_large_stack(int (*run)(int, char**), int argc, char** argv) {
  StackedRun job = {run, argc, argv, 2};
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, static_cast<size_t>(1) << 30);
  if (pthread_create(&thread, &attributes, start_stacked_run, &job) != 0) return fail("no thread");
  pthread_join(thread, nullptr);
  return job.result;
}

}  // namespace bitfpga
