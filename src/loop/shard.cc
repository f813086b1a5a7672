#include "loop/shard.h"

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/signal.h"

namespace parley {
namespace {

thread_local Shard* current_shard = nullptr;

constexpr int events_a_turn = 256;

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

}  // namespace

void Watch::start(Shard& shard, int fd) {
  stop();
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = this}};
  checked(epoll_ctl(shard.epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  shard_ = &shard;
  fd_ = fd;
  hung_up_ = false;
}

void Watch::stop() {
  if (shard_ == nullptr) return;
  epoll_ctl(shard_->epoll_, EPOLL_CTL_DEL, fd_, nullptr);
  for (Watch*& reported : shard_->reported_) {
    if (reported == this) reported = nullptr;
  }
  shard_ = nullptr;
}

TurnHook::~TurnHook() {
  if (shard_ == nullptr) return;
  for (TurnHook*& hook : shard_->hooks_) {
    if (hook == this) hook = nullptr;
  }
}

Shard::Shard(int index)
    : index_(index),
      wake_watch_([](void* self, bool, bool) { static_cast<Shard*>(self)->run_posted(); }, this),
      now_(Clock::now()),
      timers_(now_) {
  epoll_ = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  wake_ = checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
  wake_watch_.start(*this, wake_);
  current_shard = this;
}

Shard::~Shard() {
  wake_watch_.stop();
  close(wake_);
  close(epoll_);
  if (current_shard == this) current_shard = nullptr;
}

Shard& Shard::current() {
  if (current_shard == nullptr) throw std::logic_error("no shard runs on this thread");
  return *current_shard;
}

void Shard::run() {
  run_until([this] { return stopping_.load(std::memory_order_relaxed); });
}

void Shard::run_until(const std::function<bool()>& done) {
  current_shard = this;
  drain();
  while (!done()) turn(true);
}

void Shard::stop() {
  post([this] { stopping_ = true; });
}

void Shard::post(std::function<void()> work) {
  {
    const std::lock_guard lock(posted_lock_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake_, &one, sizeof one);  // full means that it is awake already
}

void Shard::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(posted_lock_);
    work.swap(posted_);
  }
  for (auto& each : work) each();
}

void Shard::at_turn_end(TurnHook& hook) {
  if (hook.shard_ != nullptr) return;
  hook.shard_ = this;
  hooks_.push_back(&hook);
}

void Shard::turn(bool may_wait) {
  std::array<epoll_event, events_a_turn> events;
  const int count = epoll_wait(epoll_, events.data(), events_a_turn, may_wait ? wait_time() : 0);
  if (!fake_time_) now_ = Clock::now();
  reported_.clear();
  for (int i = 0; i < count; ++i)
    reported_.push_back(static_cast<Watch*>(events[static_cast<std::size_t>(i)].data.ptr));
  for (std::size_t i = 0; i < reported_.size(); ++i) {
    Watch* watch = reported_[i];
    if (watch == nullptr) continue;
    const std::uint32_t bits = events[i].events;
    const bool broken = (bits & (EPOLLHUP | EPOLLERR)) != 0;
    if ((bits & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0) watch->hung_up_ = true;
    watch->ready_(watch->context_, broken || (bits & (EPOLLIN | EPOLLRDHUP)) != 0, broken || (bits & EPOLLOUT) != 0);
  }
  reported_.clear();
  if (!fake_time_) timers_.advance(now_);
  drain();
}

void Shard::drain() {
  // Coroutines and hooks feed each other: a hook that frees a window may resume a writer, whose bytes the next hook
  // sends.
  while (!ready_.empty() || !hooks_.empty()) {
    for (std::size_t i = 0; i < ready_.size(); ++i) ready_[i].resume();  // may grow while it runs
    ready_.clear();
    // By index: a hook may add others, and one that is destroyed meanwhile strikes itself out of the list.
    for (std::size_t i = 0; i < hooks_.size(); ++i) {
      TurnHook* hook = hooks_[i];
      if (hook == nullptr) continue;
      hooks_[i] = nullptr;
      hook->shard_ = nullptr;
      hook->run_(hook->context_);
    }
    hooks_.clear();
  }
}

int Shard::wait_time() const {
  if (!ready_.empty() || !hooks_.empty()) return 0;
  if (fake_time_) return -1;
  const std::optional<Instant> next = timers_.next();
  if (!next) return -1;
  const Duration left = *next - now_;
  if (left <= Duration::zero()) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

void Shard::use_fake_time() { fake_time_ = true; }

void Shard::advance(Duration by) {
  now_ += by;
  timers_.advance(now_);
  drain();
}

Task<void> Shard::sleep(Duration how_long) {
  Signal woken;
  bool due = false;
  struct Wake {
    Signal* signal;
    bool* due;
  } wake{&woken, &due};
  Timer timer(
      [](void* context) {
        auto* w = static_cast<Wake*>(context);
        *w->due = true;
        w->signal->notify();
      },
      &wake);
  timer.set(timers_, Deadline::after(now_, how_long));
  while (!due) co_await woken.wait();
}

}  // namespace parley
