// Shard: one thread, one epoll loop, and everything that lives on it: its listeners, connections, calls, timers and
// counters. Nothing on a shard is touched from another thread; `post` is the only way across.
//
// A turn of the loop: wait for readiness, run the readiness callbacks, run resumed coroutines until none is left, run
// the end-of-turn hooks (connections write what the whole turn produced with one system call), fire timers.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "base/deadline.h"
#include "loop/task.h"
#include "loop/timer_wheel.h"

namespace parley {

// Readiness of one file descriptor. Registered once for both directions, edge-triggered: after a callback, read and
// write until they would block. Owned by the object that embeds it; destroying it unregisters (but does not close the
// descriptor).
class Watch {
 public:
  // `ready(context, readable, writable)`; a hang-up or an error reports both, so that a read or write meets it.
  using Ready = void (*)(void* context, bool readable, bool writable);
  Watch(Ready ready, void* context) : ready_(ready), context_(context) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { stop(); }

  void start(class Shard& shard, int fd);
  void stop();
  // The peer has closed its side, or the connection broke: seen in some event so far.
  bool hung_up() const { return hung_up_; }

 private:
  friend class Shard;
  Ready ready_;
  void* context_;
  Shard* shard_ = nullptr;
  int fd_ = -1;
  bool hung_up_ = false;
};

// Something with work to do at the end of a turn: at most once a turn, in the order of asking.
class TurnHook {
 public:
  TurnHook(void (*run)(void*), void* context) : run_(run), context_(context) {}
  TurnHook(const TurnHook&) = delete;
  TurnHook& operator=(const TurnHook&) = delete;
  ~TurnHook();

 private:
  friend class Shard;
  void (*run_)(void*);
  void* context_;
  Shard* shard_ = nullptr;  // set while it is queued
};

class Shard {
 public:
  explicit Shard(int index = 0);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  // The shard whose loop runs on this thread (or that was constructed last on it, before any ran).
  static Shard& current();

  int index() const { return index_; }

  // Runs until `stop`. The calling thread is the shard's thread.
  void run();
  // Runs turns until `done()` is true; for tests and for commands. Waits for readiness in between.
  void run_until(const std::function<bool()>& done);
  // Any thread. The loop ends after its turn.
  void stop();
  // Any thread: `work` runs on the shard in a later turn. Dropped if the shard is destroyed first.
  void post(std::function<void()> work);

  // Resumes a suspended coroutine later in this turn.
  void resume_later(std::coroutine_handle<> who) { ready_.push_back(who); }
  void at_turn_end(TurnHook& hook);

  // The time of this turn: read once a turn, so that comparing it costs nothing.
  Instant now() const { return now_; }
  // The time of this moment, for what must not be told the turn's: whether a deadline of nanoseconds has passed.
  Instant read_clock() const { return fake_time_ ? now_ : Clock::now(); }
  TimerWheel& timers() { return timers_; }
  // Tests: time stands still and moves only here; timers that fall due fire, coroutines run.
  void use_fake_time();
  void advance(Duration by);

  // Suspends the awaiting coroutine for at least that long.
  Task<void> sleep(Duration how_long);

 private:
  friend class Watch;
  friend class TurnHook;
  void turn(bool may_wait);
  void drain();
  int wait_time() const;
  void run_posted();

  int index_;
  int epoll_ = -1;
  int wake_ = -1;
  Watch wake_watch_;
  bool fake_time_ = false;
  Instant now_;
  TimerWheel timers_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<TurnHook*> hooks_;
  std::vector<Watch*>
      reported_;  // this turn's watches; one that stops is struck out here, so none is called after it ended
  std::atomic<bool> stopping_{false};
  std::mutex posted_lock_;
  std::vector<std::function<void()>> posted_;
};

// Runs `task` to its end on `shard`, by this thread, and returns what it returns. For tests and commands; never from
// within a loop.
template <class T>
T run_blocking(Shard& shard, Task<T> task);

}  // namespace parley

#include "loop/run_blocking.h"
