#include "queue/kafka/progress.h"

#include <gtest/gtest.h>

namespace parley::queue::kafka {
namespace {

using std::chrono::milliseconds;

WallTime at(std::int64_t ms) { return WallTime(milliseconds(ms)); }

struct Case {
  const char* name;
  Progress progress;
};

TEST(Progress, ComesBackAsItWasWritten) {
  const Case cases[] = {
      {"nothing but the watermark", {.watermark = 7, .settled = {}, .open = {}}},
      {"one settled behind", {.watermark = 7, .settled = {{9, 10}}, .open = {}}},
      {"attempts", {.watermark = 7, .settled = {}, .open = {{7, 3, {}}, {12, 1, {}}}}},
      {"due times",
       {.watermark = 0, .settled = {{1, 3}}, .open = {{0, 2, at(1'700'000'000'000)}, {5, 1, at(1'700'000'000'500)}}}},
      {"several ranges", {.watermark = 100, .settled = {{101, 103}, {110, 111}, {200, 900}}, .open = {{100, 1, {}}}}},
      {"a purge's long tail", {.watermark = 5, .settled = {{6, 10'000'000}}, .open = {{5, 1, {}}}}},
      {"far offsets",
       {.watermark = 9'000'000'000'000, .settled = {{9'000'000'000'001, 9'000'000'000'004}}, .open = {}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string text = encode_progress(c.progress);
    EXPECT_LE(text.size(), metadata_limit);
    EXPECT_EQ(decode_progress(c.progress.watermark, text), c.progress) << text;
  }
}

TEST(Progress, TheFullestWindowFitsIntoACommit) {
  Progress progress;
  progress.watermark = 1'000'000'000;
  for (std::int64_t i = 0; i < 250; ++i)
    progress.open.push_back({progress.watermark + 16 * i, 1000, at(1'700'000'000'000 + i * 86'400'000)});
  for (std::int64_t i = 1; i < 4096; i += 2)
    progress.settled.push_back({progress.watermark + i, progress.watermark + i + 1});
  const std::string text = encode_progress(progress);
  EXPECT_LE(text.size(), metadata_limit);
  EXPECT_EQ(decode_progress(progress.watermark, text), progress);
}

TEST(Progress, WhatDoesNotFitIsDeliveredAgain) {
  Progress progress;
  for (std::int64_t i = 0; i < 4000; ++i)
    progress.open.push_back({3 * i, 1 << 20, at(1'700'000'000'000 + i * 100'000'000)});
  for (std::int64_t i = 0; i < 4000; ++i) progress.settled.push_back({3 * i + 1, 3 * i + 2});
  const std::string text = encode_progress(progress);
  ASSERT_LE(text.size(), metadata_limit);
  const Progress back = decode_progress(0, text);
  for (const OffsetRange& range : back.settled) EXPECT_TRUE(progress.is_settled(range.from));
  for (std::int64_t offset = 0; offset < 12'000; offset += 3) EXPECT_FALSE(back.is_settled(offset));
}

TEST(Progress, AnothersTextIsOnlyAWatermark) {
  const Progress only{.watermark = 3, .settled = {}, .open = {}};
  for (const char* text : {"", "hello", "p1", "p1!!!", "p1_____________", "p2AAAA", "p1/////w"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(decode_progress(3, text).watermark, only.watermark);
    EXPECT_EQ(decode_progress(3, text).open, only.open);
  }
}

TEST(Progress, SettlingMovesTheWatermarkOverWhatIsSettledBehindIt) {
  Progress progress{.watermark = 0, .settled = {}, .open = {}};
  for (const std::int64_t offset : {2, 4, 1, 3}) progress.settle(offset);
  EXPECT_EQ(progress.watermark, 0);
  EXPECT_EQ(progress.settled, (std::vector<OffsetRange>{{1, 5}}));
  progress.settle(0);
  EXPECT_EQ(progress.watermark, 5);
  EXPECT_TRUE(progress.settled.empty());
  EXPECT_TRUE(progress.is_settled(4));
  EXPECT_FALSE(progress.is_settled(5));
}

TEST(Progress, WhatIsSettledBehindTheEndOfRetentionStaysSettled) {
  const Progress before{.watermark = 10,
                        .settled = {{12, 14}, {20, 30}, {40, 50}},
                        .open = {{.offset = 11, .attempts = 1, .due = {}}, {.offset = 35, .attempts = 2, .due = {}}}};
  struct Case {
    std::int64_t low;
    std::int64_t watermark;
    std::vector<OffsetRange> settled;
    std::size_t open;
  };
  const Case cases[] = {{5, 10, {{12, 14}, {20, 30}, {40, 50}}, 2},
                        {16, 16, {{20, 30}, {40, 50}}, 1},
                        {20, 30, {{40, 50}}, 1},
                        {25, 30, {{40, 50}}, 1},
                        {36, 36, {{40, 50}}, 0},
                        {60, 60, {}, 0}};
  for (const Case& c : cases) {
    Progress p = before;
    p.forget_before(c.low);
    EXPECT_EQ(p.watermark, c.watermark) << c.low;
    EXPECT_EQ(p.settled, c.settled) << c.low;
    EXPECT_EQ(p.open.size(), c.open) << c.low;
  }
}

}  // namespace
}  // namespace parley::queue::kafka
