#include "bitfpga/stream.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include "check.hpp"

struct alignas(64) Beat {
  int value;
};

// Writes and reads in turn, more and more beats at once.
template <unsigned kRoom>
void check_order() {
  bitfpga::Stream<Beat, kRoom> stream;
  int written = 0, read = 0;
  for (int burst = 1; burst < 40; burst += 3) {
    CHECK(true, stream.empty());
    for (int i = 0; i < burst; ++i) stream.write(Beat{written++});
    CHECK(burst, stream.size());
    CHECK(false, stream.full());
    CHECK(read + burst - 1, stream.peek(static_cast<size_t>(burst) - 1).value);
    for (int i = 0; i < burst; ++i) {
      CHECK(false, stream.empty());
      CHECK(read, stream.read().value);
      ++read;
      if (i == burst / 2) {
        stream.write(Beat{written++});
        stream.place().value = written++;
      }
    }
    CHECK(2, stream.size());
    CHECK(read++, stream.read().value);
    CHECK(read++, stream.read().value);
  }
}

int main() {
  check_order<1>();
  check_order<8>();
  check_order<100>();
  fflush(stdout);
  if (fork() == 0) {
    bitfpga::Stream<Beat, 1> empty;
    empty.read();
    _exit(0);
  }
  int status = 0;
  wait(&status);
  CHECK(3, WEXITSTATUS(status));
  return REPORT();
}
