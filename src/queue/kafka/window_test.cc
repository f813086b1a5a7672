#include "queue/kafka/window.h"

#include <limits>

#include <gtest/gtest.h>

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

constexpr WallTime wall0 = WallTime(std::chrono::milliseconds(1'700'000'000'000));

// A partition and the time.
class WindowTest : public testing::Test {
 protected:
  void begin(const Progress& from = {}, bool keyed = true, Window::Limits limits = {}) {
    window_ = std::make_unique<Window>(from, keyed, limits);
  }
  void add(std::int64_t offset, std::string key = "", std::optional<WallTime> due = {}) {
    Record record;
    record.offset = offset;
    record.key = std::move(key);
    record.value = Bytes::literal("payload");
    if (due) record.headers.push_back({"parley-due", std::to_string(due->time_since_epoch().count())});
    window_->add(std::move(record), now());
  }
  // Leases all that can be leased now.
  std::vector<std::int64_t> take_all() {
    std::vector<std::int64_t> out;
    while (const auto offset = window_->first_ready()) {
      window_->lease(*offset, ++last_lease_, steady_ + 30s);
      out.push_back(*offset);
    }
    return out;
  }
  void pass(Duration by) {
    steady_ += by;
    wall_ += std::chrono::floor<std::chrono::milliseconds>(by);
    window_->tick(steady_);
  }
  Window::Now now() const { return {steady_, wall_}; }
  Window& window() { return *window_; }
  // Another consumer begins with what was committed.
  void restart(bool keyed = true) {
    const Progress progress = window_->progress();
    begin(decode_progress(progress.watermark, encode_progress(progress)), keyed);
  }
  using Offsets = std::vector<std::int64_t>;

  Instant steady_{};
  WallTime wall_ = wall0;
  std::unique_ptr<Window> window_;
  std::uint64_t last_lease_ = 0;
};

TEST_F(WindowTest, AnAttemptThatEndedWithoutAWordIsToldFromOthers) {
  begin({});
  for (std::int64_t o = 0; o < 4; ++o) add(o);
  take_all();
  EXPECT_FALSE(window().find(0)->is_cut_off);
  window().retry(1, 10s, now());
  window().release(2);
  window().settle(3);
  restart();  // killed
  for (std::int64_t o = 0; o < 4; ++o) add(o);
  EXPECT_TRUE(window().find(0)->is_cut_off);
  EXPECT_EQ(window().find(0)->attempts, 1);
  EXPECT_FALSE(window().find(1)->is_cut_off) << "it has failed, and waits for its time";
  EXPECT_FALSE(window().find(2)->is_cut_off);
  EXPECT_EQ(take_all(), (Offsets{0, 2}));
  EXPECT_FALSE(window().find(0)->is_cut_off);
  pass(31s);
  EXPECT_TRUE(window().find(0)->is_cut_off) << "its lease ran out";
  EXPECT_FALSE(window().find(1)->is_cut_off);
}

TEST_F(WindowTest, TheWatermarkIsTheFirstThatIsNotSettled) {
  begin({.watermark = 10, .settled = {}, .open = {}});
  for (std::int64_t o = 10; o < 15; ++o) add(o);
  EXPECT_EQ(take_all(), (Offsets{10, 11, 12, 13, 14}));
  window().settle(11);
  window().settle(13);
  EXPECT_EQ(window().watermark(), 10);
  EXPECT_EQ(window().progress().settled, (std::vector<OffsetRange>{{11, 12}, {13, 14}}));
  window().settle(10);
  EXPECT_EQ(window().watermark(), 12);
  window().settle(12);
  window().settle(14);
  EXPECT_EQ(window().watermark(), 15);
  EXPECT_EQ(window().progress(), (Progress{.watermark = 15, .settled = {}, .open = {}}));
}

TEST_F(WindowTest, OffsetsThatAreNotThereCountAsSettled) {
  begin();
  add(3);
  add(7);
  EXPECT_EQ(window().watermark(), 3);
  window().settle(3);
  EXPECT_EQ(window().watermark(), 7);
}

TEST_F(WindowTest, OfAKeyOneAtATimeAndInOrder) {
  begin();
  add(0, "a");
  add(1, "a");
  add(2, "b");
  add(3, "");
  add(4, "");
  EXPECT_EQ(take_all(), (Offsets{0, 2, 3, 4}));
  window().retry(0, 1s, now());
  EXPECT_EQ(take_all(), Offsets{}) << "its followers wait";
  pass(1s);
  EXPECT_EQ(take_all(), Offsets{0});
  window().settle(0);
  EXPECT_EQ(take_all(), Offsets{1});
}

TEST_F(WindowTest, WithoutKeysNobodyWaits) {
  begin({}, false);
  add(0, "a");
  add(1, "a");
  EXPECT_EQ(take_all(), (Offsets{0, 1}));
}

TEST_F(WindowTest, ALeaseEndsAndTheMessageIsReadyAgain) {
  begin();
  add(0);
  take_all();
  window().extend(0, steady_ + 60s);
  pass(59s);
  EXPECT_EQ(take_all(), Offsets{});
  steady_ += 1s;
  EXPECT_EQ(window().tick(steady_), std::vector<std::uint64_t>{1});
  EXPECT_EQ(take_all(), Offsets{0});
  EXPECT_EQ(window().find(0)->attempts, 2);
  window().release(0);
  EXPECT_EQ(window().find(0)->attempts, 1);
}

TEST_F(WindowTest, AnotherConsumerKnowsAttemptsDelaysAndWhatIsSettled) {
  begin();
  for (std::int64_t o = 0; o < 5; ++o) add(o);
  take_all();
  window().settle(1);
  window().retry(2, 10s, now());
  window().settle(4);
  window().release(3);
  restart();
  EXPECT_EQ(window().watermark(), 0);
  // What was committed is not forgotten by a commit before it was read again.
  EXPECT_EQ(window().progress().settled, (std::vector<OffsetRange>{{1, 2}, {4, 5}}));
  restart();
  for (std::int64_t o = 0; o < 6; ++o) add(o);
  EXPECT_EQ(take_all(), (Offsets{0, 3, 5}));
  EXPECT_EQ(window().find(0)->attempts, 2);
  EXPECT_EQ(window().find(3)->attempts, 1);
  EXPECT_EQ(window().count(Window::State::delayed), 1U);
  pass(10s);
  EXPECT_EQ(take_all(), Offsets{2});
  EXPECT_EQ(window().find(2)->attempts, 2);
}

TEST_F(WindowTest, AClockThatJumpedBackDelaysNothingForEver) {
  begin();
  add(0);
  take_all();
  window().retry(0, 10s, now());
  const Progress progress = window().progress();
  wall_ -= std::chrono::hours(24 * 365);
  begin(progress, true, {.longest_delay = 1h});
  add(0);
  EXPECT_EQ(take_all(), Offsets{});
  pass(1h);
  EXPECT_EQ(take_all(), Offsets{0});
}

TEST_F(WindowTest, AScheduledOneJoinsItsKeyWhenItIsDue) {
  begin();
  add(0, "a", wall0 + 10s);
  add(1, "a");
  EXPECT_EQ(take_all(), Offsets{1});
  pass(10s);
  EXPECT_EQ(take_all(), Offsets{}) << "the key is taken";
  window().settle(1);
  EXPECT_EQ(take_all(), Offsets{0});
}

TEST_F(WindowTest, ItHasBounds) {
  struct Case {
    const char* name;
    Window::Limits limits;
    bool full;
  };
  const Case cases[] = {
      {"room for all", {}, false},
      {"offsets", {.offsets = 8}, true},
      {"messages", {.open = 8}, true},
      {"bytes", {.bytes = 56}, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    begin({}, true, c.limits);
    for (std::int64_t o = 0; o < 8; ++o) add(o);
    EXPECT_EQ(window().is_full(), c.full);
    for (std::int64_t o = 0; o < 5; ++o) window().settle(o);
    EXPECT_TRUE(window().has_room());
  }
}

TEST_F(WindowTest, WhatWasTriedIsBoundedByWhatACommitHolds) {
  begin({}, true, {.attempted = 2});
  for (std::int64_t o = 0; o < 4; ++o) add(o);
  EXPECT_EQ(take_all(), (Offsets{0, 1}));
  window().retry(0, 1s, now());
  EXPECT_EQ(take_all(), Offsets{});
  pass(1s);
  EXPECT_EQ(take_all(), Offsets{0}) << "one that was tried needs no new place";
  window().settle(1);
  EXPECT_EQ(take_all(), Offsets{2});
}

TEST_F(WindowTest, PurgeSettlesAShelfAndWhatIsNotReadYet) {
  begin();
  for (std::int64_t o = 0; o < 6; ++o) add(o);
  window().lease(0, 1, steady_ + 30s);
  window().lease(1, 2, steady_ + 30s);
  window().retry(1, 1h, now());
  EXPECT_EQ(window().purge(Window::State::waiting), 4U);
  EXPECT_EQ(window().skip_to(1000), 994U);
  EXPECT_EQ(window().count(Window::State::leased), 1U);
  restart();
  EXPECT_TRUE(window().progress().is_settled(999));
  EXPECT_FALSE(window().progress().is_settled(1));
  for (std::int64_t o = 0; o < 6; ++o) add(o);
  EXPECT_EQ(take_all(), Offsets{0});
  window().settle(0);
  EXPECT_EQ(window().purge(Window::State::delayed), 1U);
  EXPECT_EQ(window().watermark(), 1000);
}

// Ours are never due that late (broker.cc); a partition that waited for another's would stand still.
TEST_F(WindowTest, AnothersDueTimeHoldsUpThePartitionForAQuarterOfAnHourAtMost) {
  begin({}, true, {.offsets = 8});
  for (std::int64_t o = 0; o < 8; ++o) add(o, "", o == 0 ? std::optional(wall0 + 24h * 365) : std::nullopt);
  EXPECT_EQ(take_all(), (Offsets{1, 2, 3, 4, 5, 6, 7}));
  for (std::int64_t o = 1; o < 8; ++o) window().settle(o);
  EXPECT_TRUE(window().is_full());
  pass(15min);
  EXPECT_EQ(take_all(), Offsets{0});
  window().settle(0);
  EXPECT_TRUE(window().has_room());
}

TEST_F(WindowTest, WhatIsDueInCenturiesIsNotDueNow) {
  begin();
  add(0, "", WallTime(std::chrono::sys_days(std::chrono::year(2400) / 12 / 31)));
  add(1, "", WallTime(WallTime::duration(std::numeric_limits<std::int64_t>::max())));
  pass(1s);
  EXPECT_EQ(take_all(), Offsets());
}

}  // namespace
}  // namespace parley::queue::kafka
