#include "loop/task_group.h"

#include <cstdlib>
#include <exception>

#include "base/log.h"

namespace parley {

// The outermost frame of a child: starts at once, ends by itself.
struct TaskGroup::Root {
  struct promise_type {
    static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { frame_pool::release(frame, bytes); }
    Root get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }  // `run` catches everything
  };
};

TaskGroup::Root TaskGroup::run(TaskGroup& group, Task<void> child) {
  try {
    Task<void> running = std::move(child);  // its frame ends before the group hears of it
    co_await std::move(running);
  } catch (const std::exception& e) {
    log::error("a task ended with an exception: {}", e.what());
  }
  group.ended();
}

TaskGroup::~TaskGroup() {
  if (live_ == 0) return;
  log::error("a task group was destroyed with {} live tasks", live_);
  std::abort();
}

void TaskGroup::spawn(Task<void> child) {
  ++live_;  // before the child runs: it may end at once
  run(*this, std::move(child));
}

Task<void> TaskGroup::join() {
  while (live_ > 0) co_await changed_.wait();
}

void TaskGroup::ended() {
  --live_;
  changed_.notify();
}

}  // namespace parley
