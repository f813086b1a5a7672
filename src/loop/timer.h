// Timer: one pending deadline of a shard, embedded in whatever it guards (a call, a connection). Setting and clearing
// are O(1): timers hang in a wheel of 4 ms slots, which one sweep a turn of the loop empties. It fires at or up to one
// slot after its time. Owned by its holder; destroying it clears it. Used on its shard only.
#pragma once

#include <cstdint>

#include "base/deadline.h"

namespace parley {

class TimerWheel;

class Timer {
 public:
  // `fire(context)` runs on the loop, never from within `set`.
  Timer(void (*fire)(void*), void* context) : fire_(fire), context_(context) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { clear(); }

  // Replaces an earlier setting. A deadline of never clears.
  void set(TimerWheel& wheel, Deadline deadline);
  void clear();
  bool is_set() const { return wheel_ != nullptr; }

 private:
  friend class TimerWheel;
  void (*fire_)(void*);
  void* context_;
  TimerWheel* wheel_ = nullptr;
  Instant when_{};
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points at this timer
  std::uint32_t slot_ = 0;
};

}  // namespace parley
