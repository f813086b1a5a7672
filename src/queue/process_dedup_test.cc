#include "queue/process_dedup.h"

#include <gtest/gtest.h>

namespace parley::queue {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start = WallTime(std::chrono::milliseconds(1'700'000'000'000));

void publish(ProcessDedup& dedup, const std::string& queue, WallTime now, std::chrono::milliseconds window) {
  EXPECT_FALSE(dedup.begin(queue, "1", now).has_value());
  dedup.done(queue, "1", {.id = queue, .position = "", .duplicate = false}, now + window);
}

TEST(ProcessDedup, AWindowEndsThoughALongerOneThatBeganBeforeItDoesNot) {
  ProcessDedup dedup;
  publish(dedup, "long", start, 24h);
  publish(dedup, "short", start, 1min);
  EXPECT_TRUE(dedup.begin("short", "1", start + 59s).has_value());
  EXPECT_FALSE(dedup.begin("short", "1", start + 61s).has_value());  // a message of its own
  EXPECT_TRUE(dedup.begin("long", "1", start + 61s).has_value());
}

TEST(ProcessDedup, TheEndOfAnEarlierWindowDoesNotEndTheNextOfTheSameKey) {
  ProcessDedup dedup;
  publish(dedup, "long", start, 10min);
  publish(dedup, "short", start, 1min);
  publish(dedup, "short", start + 9min, 5min);
  EXPECT_TRUE(dedup.begin("short", "1", start + 11min).has_value());
}

TEST(ProcessDedup, WhatFailedIsForgotten) {
  ProcessDedup dedup;
  EXPECT_FALSE(dedup.begin("q", "1", start).has_value());
  EXPECT_FALSE(dedup.begin("q", "1", start)->receipt.has_value());
  dedup.failed("q", "1");
  EXPECT_FALSE(dedup.begin("q", "1", start).has_value());
}

TEST(ProcessDedup, TheOldestAreForgottenWhereThereAreTooMany) {
  ProcessDedup dedup;
  for (std::size_t i = 0; i <= ProcessDedup::most; ++i) {
    const std::string id = std::to_string(i);
    ASSERT_FALSE(dedup.begin("q", id, start).has_value());
    dedup.done("q", id, {.id = id, .position = "", .duplicate = false}, start + 24h);
  }
  EXPECT_TRUE(dedup.begin("q", "2", start).has_value());
  EXPECT_FALSE(dedup.begin("q", "0", start).has_value());
}

TEST(ProcessDedup, WhatIsOnItsWayHasNoReceiptYet) {
  ProcessDedup dedup;
  EXPECT_FALSE(dedup.begin("q", "1", start).has_value());
  const auto seen = dedup.begin("q", "1", start);
  ASSERT_TRUE(seen.has_value());
  EXPECT_FALSE(seen->receipt.has_value());
  dedup.done("q", "1", {.id = "id", .position = "", .duplicate = false}, start + 10s);
  EXPECT_EQ(dedup.begin("q", "1", start + 9s)->receipt->id, "id");
  EXPECT_FALSE(dedup.begin("other", "1", start).has_value());
}

}  // namespace
}  // namespace parley::queue
