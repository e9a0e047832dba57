// Checks for the header tests: each prints where, what was expected and what came instead.
#pragma once
#include <stdio.h>

static int failures = 0;

// Compares element `index` of something; the program goes on after a failure.
static void check_at(const char* what, int line, long index, long long expected, long long got) {
  if (expected == got) return;
  ++failures;
  printf("line %d: %s: index %ld, expected %lld, got %lld\n", line, what, index, expected, got);
}

#define CHECK_AT(index, expected, got)                                                 \
  check_at(#got, __LINE__, static_cast<long>(index), static_cast<long long>(expected), \
           static_cast<long long>(got))
#define CHECK(expected, got) CHECK_AT(0, expected, got)
#define REPORT() (printf("%d failures\n", failures), failures != 0)
