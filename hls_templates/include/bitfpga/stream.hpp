// The FIFO between two processes: hls::stream in synthesis; in a simulation, which runs the
// processes one after the other, a queue that holds whatever is written before it is read.
#pragma once
#ifdef __SYNTHESIS__
#include <hls_stream.h>
#else
#include <stdio.h>
#include <stdlib.h>
#endif

namespace bitfpga {

#ifdef __SYNTHESIS__

template <class Beat, unsigned kRoom>
using Stream = hls::stream<Beat>;

#else

// Has room for kRoom beats at once and takes more when it must. An empty one cannot be read: the
// program ends with status 3, as a deadlock does.
template <class Beat, unsigned kRoom>
class Stream {
 public:
  Stream() : beats_(allocate(kRoom)), room_(kRoom), first_(0), end_(0) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { free(beats_); }

  bool empty() const { return first_ == end_; }
  bool full() const { return false; }
  size_t size() const { return end_ - first_; }
  // Beat `index` of those that wait, without taking it.
  const Beat& peek(size_t index) const { return beats_[first_ + index]; }

  // The beat may be used until the next write.
  const Beat& read() {
    if (empty()) {
      fprintf(stderr, "error: a process reads a FIFO that stays empty\n");
      exit(3);
    }
    return beats_[first_++];
  }

  void write(const Beat& beat) { place() = beat; }

  // The place of one more beat, to be filled by the caller.
  Beat& place() {
    if (empty()) first_ = end_ = 0;
    if (end_ == room_) grow();
    return beats_[end_++];
  }

 private:
  static Beat* allocate(size_t count) {
    void* memory = nullptr;
    const size_t alignment = alignof(Beat) < sizeof(void*) ? sizeof(void*) : alignof(Beat);
    if (posix_memalign(&memory, alignment, count * sizeof(Beat)) != 0) {
      fprintf(stderr, "error: out of memory\n");
      exit(2);
    }
    return static_cast<Beat*>(memory);
  }

  void grow() {
    Beat* larger = allocate(2 * room_);
    for (size_t i = 0; i < room_; ++i) larger[i] = beats_[i];
    free(beats_);
    beats_ = larger;
    room_ = 2 * room_;
  }

  Beat* beats_;
  size_t room_;
  size_t first_;
  size_t end_;
};

#endif

}  // namespace bitfpga
