// Signal: where a coroutine waits until another tells it to look again. It carries no state: a waiter tests its own
// condition in a loop (level, not edge), so nothing is lost between two waits.
//
//   while (!ready()) co_await changed.wait();
//
// Owned by whatever it guards, on one shard. `notify` never resumes a coroutine in place: waiters are queued on the
// shard and run after the current one suspends, so a caller's state cannot change under its feet. A waiting frame may
// be destroyed (its TaskGroup never does that, see there); the waiter then leaves the list by itself.
#pragma once

#include <coroutine>

namespace parley {

class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal() { notify(); }

  class Waiter {
   public:
    explicit Waiter(Signal& signal) : signal_(&signal) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { leave(); }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> who) noexcept;
    void await_resume() const noexcept {}

   private:
    friend class Signal;
    void leave() noexcept;
    Signal* signal_;  // null once notified
    std::coroutine_handle<> who_;
    Waiter* next_ = nullptr;
  };

  Waiter wait() { return Waiter(*this); }
  // Queues every waiter on the current shard.
  void notify();
  bool has_waiter() const { return first_ != nullptr; }

 private:
  Waiter* first_ = nullptr;
};

}  // namespace parley
