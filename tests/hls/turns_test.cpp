// Threads that take turns, FIFOs of limited depth, and the deadlocks that come of them.
#include "bitfpga/turns.hpp"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.hpp"

namespace {

// Numbers through two processes and three FIFOs.
template <unsigned kDepth>
void check_chain() {
  bitfpga::BoundedFifo<int, kDepth> first, second, third;
  int sum = 0;
  {
    bitfpga::Processes processes;
    processes.add("double", [&] {
      for (int i = 0; i < 20; ++i) second.write(2 * first.read());
    });
    processes.add("sum", [&] {
      for (int i = 0; i < 20; ++i) third.write(sum += second.read());
    });
    processes.add("read", [&] {
      for (int i = 0; i < 20; ++i) CHECK_AT(i, i * (i + 1), third.read());
    });
    for (int i = 0; i < 20; ++i) first.write(i);
  }
  CHECK(380, sum);
  CHECK(kDepth, first.most());
  CHECK(true, third.empty());
}

// Parts of a process, and a process that ends before the others begin.
void check_parts() {
  bitfpga::BoundedFifo<int, 2> fifo;
  bitfpga::Processes processes;
  processes.add("short", [] {});
  processes.add("outer", [&] {
    bitfpga::Processes parts;
    parts.add("write", [&] {
      for (int i = 0; i < 5; ++i) fifo.write(i);
    });
    parts.add("read", [&] {
      for (int i = 0; i < 5; ++i) CHECK_AT(i, i, fifo.read());
    });
  });
  processes.run();
  processes.run();
  CHECK(true, fifo.empty());
}

// Runs `body` in a program of its own; returns its status and what it printed.
template <class Body>
int run_apart(const Body& body, char (&text)[1000]) {
  fflush(stdout);
  int ends[2];
  if (pipe(ends) != 0) return -1;
  if (fork() == 0) {
    dup2(ends[1], 2);
    body();
    _exit(0);
  }
  close(ends[1]);
  size_t size = 0;
  for (ssize_t n = 1; n > 0;) {
    n = read(ends[0], text + size, sizeof(text) - 1 - size);
    if (n > 0) size += static_cast<size_t>(n);
  }
  text[size] = '\0';
  close(ends[0]);
  int status = 0;
  wait(&status);
  return WEXITSTATUS(status);
}

// `a` wants all of its first input before any of its second, which the writer gives in turn.
template <unsigned kDepth>
void write_in_turn() {
  bitfpga::BoundedFifo<int, kDepth> first, second;
  first.name("first");
  second.name("second");
  bitfpga::Processes processes;
  processes.add("writer", [&] {
    for (int i = 0; i < 4; ++i) {
      second.write(i);
      first.write(i);
    }
  });
  processes.add("a", [&] {
    for (int i = 0; i < 4; ++i) first.read();
    for (int i = 0; i < 4; ++i) second.read();
  });
}

}  // namespace

int main() {
  check_chain<1>();
  check_chain<7>();
  check_parts();
  char text[1000];
  CHECK(0, run_apart(write_in_turn<4>, text));
  CHECK(0, strlen(text));
  CHECK(3, run_apart(write_in_turn<3>, text));
  CHECK(1, strstr(text, "writer waits: second is full") != nullptr);
  CHECK(1, strstr(text, "a waits: first is empty") != nullptr);
  CHECK(3, run_apart([] { bitfpga::BoundedFifo<int, 1>().read(); }, text));
  return REPORT();
}
