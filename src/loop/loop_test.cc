#include <thread>

#include <gtest/gtest.h>

#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task_group.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

Task<int> answer() { co_return 42; }
Task<int> nested(int depth) {
  if (depth == 0) co_return co_await answer();
  co_return co_await nested(depth - 1);
}

TEST(Task, AwaitsThroughManyLevelsWithoutStack) {
  Shard shard;
  EXPECT_EQ(run_blocking(shard, nested(100'000)), 42);
}

Task<int> throws() {
  throw std::runtime_error("bug");
  co_return 0;
}
Task<bool> catches() {
  try {
    co_await throws();
  } catch (const std::runtime_error&) {
    co_return true;
  }
  co_return false;
}
TEST(Task, AnExceptionReachesTheAwaiter) {
  Shard shard;
  EXPECT_TRUE(run_blocking(shard, catches()));
}

Task<void> wait_for(Signal* changed, const bool* ready, int* woken) {
  while (!*ready) co_await changed->wait();
  ++*woken;
}

TEST(Signal, WakesEveryWaiterAndLosesNoneThatIsNotReady) {
  Shard shard;
  Signal changed;
  bool first = false;
  bool second = false;
  int woken = 0;
  TaskGroup group;
  group.spawn(wait_for(&changed, &first, &woken));
  group.spawn(wait_for(&changed, &second, &woken));
  first = true;
  changed.notify();
  shard.run_until([&] { return woken == 1; });
  EXPECT_EQ(group.live(), 1U);
  second = true;
  changed.notify();
  shard.run_until([&] { return group.live() == 0; });
  EXPECT_EQ(woken, 2);
}

struct Fired {
  Shard* shard;
  std::vector<std::pair<int, Duration>>* log;
  Instant start;
  int name;
};
void record(void* context) {
  auto* f = static_cast<Fired*>(context);
  f->log->push_back({f->name, f->shard->now() - f->start});
}

TEST(Timer, FiresNeverEarlyAndWithinASlot) {
  Shard shard;
  shard.use_fake_time();
  const Duration times[] = {0ms, 1ms, 4ms, 5ms, 250ms, 16'384ms, 16'385ms, 40'000ms, 3'600'000ms};
  for (const Duration when : times) {
    std::vector<std::pair<int, Duration>> log;
    Fired fired{&shard, &log, shard.now(), 1};
    Timer timer(record, &fired);
    timer.set(shard.timers(), Deadline::after(shard.now(), when));
    while (log.empty() && shard.now() - fired.start < when + 20ms) shard.advance(when > 100s ? 1s : 1ms);
    ASSERT_EQ(log.size(), 1U) << when.count();
    EXPECT_GE(log[0].second, when);
    EXPECT_LE(log[0].second, when + (when > 100s ? 1s : 5ms) + 4ms);
    EXPECT_FALSE(timer.is_set());
  }
}

TEST(Timer, AClearedOrReplacedSettingDoesNotFire) {
  Shard shard;
  shard.use_fake_time();
  std::vector<std::pair<int, Duration>> log;
  Fired fired{&shard, &log, shard.now(), 1};
  Timer timer(record, &fired);
  timer.set(shard.timers(), Deadline::after(shard.now(), 10ms));
  timer.set(shard.timers(), Deadline::after(shard.now(), 100ms));
  shard.advance(50ms);
  EXPECT_TRUE(log.empty());
  timer.clear();
  shard.advance(1s);
  EXPECT_TRUE(log.empty());
  timer.set(shard.timers(), Deadline::never());
  EXPECT_FALSE(shard.timers().next().has_value());
}

TEST(Timer, NextNamesATimeNotLaterThanTheTimer) {
  Shard shard;
  shard.use_fake_time();
  std::vector<std::pair<int, Duration>> log;
  Fired fired{&shard, &log, shard.now(), 1};
  Timer timer(record, &fired);
  for (const Duration when : {3ms, 100ms, 5'000ms}) {
    timer.set(shard.timers(), Deadline::after(shard.now(), when));
    const auto next = shard.timers().next();
    ASSERT_TRUE(next.has_value());
    EXPECT_GE(*next - shard.now(), when - 4ms);
    EXPECT_LE(*next - shard.now(), when + 8ms);
  }
}

TEST(Shard, SleepTakesTheTimeAsked) {
  Shard shard;
  const Instant start = Clock::now();
  run_blocking(shard, shard.sleep(20ms));
  EXPECT_GE(Clock::now() - start, 20ms);
}

TEST(Shard, RunsWorkPostedByAnotherThreadAndStops) {
  Shard shard;
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) shard.post([&] { ++ran; });
    shard.stop();
  });
  shard.run();
  other.join();
  EXPECT_EQ(ran, 100);
}

struct Hooked {
  explicit Hooked(int* order) : order(order) {}
  int* order;
  int ran_as = 0;
  TurnHook hook{[](void* self) { static_cast<Hooked*>(self)->run(); }, this};
  void run() { ran_as = ++*order; }
};

TEST(Shard, RunsAHookOnceATurnAndNoneThatIsGone) {
  Shard shard;
  int order = 0;
  Hooked first(&order);
  auto gone = std::make_unique<Hooked>(&order);
  Hooked last(&order);
  shard.at_turn_end(first.hook);
  shard.at_turn_end(gone->hook);
  shard.at_turn_end(last.hook);
  shard.at_turn_end(first.hook);
  gone.reset();
  shard.advance(0ms);
  EXPECT_EQ(first.ran_as, 1);
  EXPECT_EQ(last.ran_as, 2);
}

}  // namespace
}  // namespace parley
