// Threads that take turns: one runs at a time and passes the turn on when it must wait. A run is
// repeatable, and a deadlock is a round in which no FIFO moved. Only testbenches include this.
#pragma once
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

namespace bitfpga {

// One thread: a process of the network, or a part of one that works at the same time.
struct TurnTaker {
  const TurnTaker* owner;  // the process it is part of, if any
  const char* name;
  const char* fifo;     // what it waited for last,
  const char* state;    // and whether that was full or empty
  unsigned long moves;  // of all FIFOs when it last waited
  unsigned n_waits;     // since then
  bool ready, done;
  pthread_t thread;
  pthread_cond_t turn;
  TurnTaker* next;  // a ring of those that are not done
};

// The one ring of a program. The thread whose turn it is holds the mutex.
struct Turns {
  pthread_mutex_t mutex;
  TurnTaker* running;
  unsigned long moves;
};

inline Turns& turns() {
  static Turns one = {PTHREAD_MUTEX_INITIALIZER, nullptr, 0};
  return one;
}

// Waits in vain that show that a thread, whatever it polls, cannot move.
enum : unsigned { kStuckWaits = 4 };

[[noreturn]] inline void report_deadlock() {
  const TurnTaker* first = turns().running;
  for (const TurnTaker* taker = first;;) {
    if (taker->fifo != nullptr) {
      const bool is_part = taker->owner != nullptr;
      fprintf(stderr, "  %s%s%s waits: %s is %s\n", is_part ? taker->owner->name : "",
              is_part ? "." : "", taker->name, taker->fifo, taker->state);
    }
    taker = taker->next;
    if (taker == first) break;
  }
  fprintf(stderr, "error: deadlock: every process waits\n");
  exit(3);
}

inline void give_turn(TurnTaker* next) {
  turns().running = next;
  pthread_cond_signal(&next->turn);
}

inline void wait_for_turn(TurnTaker* self) {
  while (turns().running != self) pthread_cond_wait(&self->turn, &turns().mutex);
}

inline bool is_stuck(const TurnTaker* taker) {
  return taker->moves == turns().moves && taker->n_waits >= kStuckWaits;
}

// Lets the others run, if there are any; fifo is nullptr for who waits for others to end.
inline void pass_turn(const char* fifo, const char* state) {
  TurnTaker* self = turns().running;
  if (self == nullptr) return;
  self->fifo = fifo;
  self->state = state;
  self->n_waits = self->moves == turns().moves ? self->n_waits + 1 : 1;
  self->moves = turns().moves;
  bool all_stuck = is_stuck(self);
  for (TurnTaker* other = self->next; other != self; other = other->next) {
    all_stuck = all_stuck && is_stuck(other);
  }
  if (all_stuck) report_deadlock();
  if (self->next == self) return;
  give_turn(self->next);
  wait_for_turn(self);
}

// Nobody else runs who could fill or empty the FIFO that is waited for.
inline void check_company() {
  if (turns().running != nullptr) return;
  fprintf(stderr, "error: a FIFO is waited for where no processes run\n");
  exit(3);
}

// Beats move through at most kDepth places; a thread that must wait passes its turn on.
template <class Beat, unsigned kDepth>
class BoundedFifo {
 public:
  BoundedFifo() : name_("a FIFO"), first_(0), size_(0), most_(0) {}
  BoundedFifo(const BoundedFifo&) = delete;
  BoundedFifo& operator=(const BoundedFifo&) = delete;

  void name(const char* text) { name_ = text; }
  // The most beats it ever held.
  unsigned most() const { return most_; }

  bool empty() const {
    if (size_ == 0) pass_turn(name_, "empty");
    return size_ == 0;
  }
  bool full() const {
    if (size_ == kDepth) pass_turn(name_, "full");
    return size_ == kDepth;
  }
  Beat read() {
    while (empty()) check_company();
    const Beat beat = beats_[first_];
    first_ = first_ + 1 == kDepth ? 0 : first_ + 1;
    --size_;
    ++turns().moves;
    return beat;
  }
  void write(const Beat& beat) {
    while (full()) check_company();
    beats_[(first_ + size_) % kDepth] = beat;
    if (++size_ > most_) most_ = size_;
    ++turns().moves;
  }

 private:
  static_assert(kDepth > 0, "a FIFO holds something");
  Beat beats_[kDepth];
  const char* name_;
  unsigned first_, size_, most_;
};

// Threads that run side by side until all have ended. The first `Processes` of a program makes the
// thread that owns it a member of the ring; a process may own further ones.
class Processes {
 public:
  Processes() : is_owner_(turns().running == nullptr), n_(0), takers_(nullptr) {
    if (!is_owner_) return;
    pthread_mutex_lock(&turns().mutex);
    TurnTaker* self = make(nullptr, "main");
    self->next = self;
    turns().running = self;
  }
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;
  ~Processes() {
    run();
    for (unsigned i = 0; i < n_; ++i) free(takers_[i]);
    free(takers_);
    if (!is_owner_) return;
    free(turns().running);
    turns().running = nullptr;
    pthread_mutex_unlock(&turns().mutex);
  }

  // Starts a thread that will call body() in its turns.
  template <class Body>
  void add(const char* name, const Body& body) {
    TurnTaker* self = turns().running;
    TurnTaker* taker = make(is_owner_ ? nullptr : self, name);
    takers_ = static_cast<TurnTaker**>(realloc(takers_, (n_ + 1) * sizeof(TurnTaker*)));
    if (takers_ == nullptr) exit(2);
    takers_[n_++] = taker;
    taker->next = self->next;
    self->next = taker;
    Start<Body> start = {taker, &body};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, static_cast<size_t>(1) << 28);
    if (pthread_create(&taker->thread, &attributes, run_thread<Body>, &start) != 0) {
      fprintf(stderr, "error: no thread\n");
      exit(2);
    }
    pthread_attr_destroy(&attributes);
    while (!taker->ready) pthread_cond_wait(&self->turn, &turns().mutex);
  }

  // Lets them run to their ends.
  void run() {
    for (unsigned i = 0; i < n_; ++i) {
      if (takers_[i] == nullptr) continue;
      while (!takers_[i]->done) pass_turn(nullptr, nullptr);
      pthread_join(takers_[i]->thread, nullptr);
      pthread_cond_destroy(&takers_[i]->turn);
      free(takers_[i]);
      takers_[i] = nullptr;
    }
  }

 private:
  template <class Body>
  struct Start {
    TurnTaker* taker;
    const Body* body;
  };

  static TurnTaker* make(const TurnTaker* owner, const char* name) {
    TurnTaker* taker = static_cast<TurnTaker*>(calloc(1, sizeof(TurnTaker)));
    if (taker == nullptr) exit(2);
    taker->owner = owner;
    taker->name = name;
    pthread_cond_init(&taker->turn, nullptr);
    return taker;
  }

  template <class Body>
  static void* run_thread(void* argument) {
    const Start<Body>* start = static_cast<const Start<Body>*>(argument);
    pthread_mutex_lock(&turns().mutex);
    TurnTaker* self = start->taker;
    const Body body = *start->body;
    self->ready = true;
    pthread_cond_signal(&turns().running->turn);
    wait_for_turn(self);
    body();
    leave(self);
    pthread_mutex_unlock(&turns().mutex);
    return nullptr;
  }

  static void leave(TurnTaker* self) {
    self->done = true;
    ++turns().moves;
    TurnTaker* before = self->next;
    while (before->next != self) before = before->next;
    before->next = self->next;
    give_turn(self->next);
  }

  bool is_owner_;
  unsigned n_;
  TurnTaker** takers_;
};

}  // namespace bitfpga
