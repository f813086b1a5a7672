#include "queue/kafka/dedup.h"

#include <gtest/gtest.h>

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start = WallTime(std::chrono::milliseconds(1'700'000'000'000));

void publish(Dedup& dedup, const std::string& queue, WallTime now, std::chrono::milliseconds window) {
  EXPECT_FALSE(dedup.begin(queue, "1", now).has_value());
  dedup.done(queue, "1", {.id = queue, .position = "", .duplicate = false}, now + window);
}

TEST(Dedup, AWindowEndsThoughALongerOneThatBeganBeforeItDoesNot) {
  Dedup dedup;
  publish(dedup, "long", start, 24h);
  publish(dedup, "short", start, 1min);
  EXPECT_TRUE(dedup.begin("short", "1", start + 59s).has_value());
  EXPECT_FALSE(dedup.begin("short", "1", start + 61s).has_value());  // a message of its own
  EXPECT_TRUE(dedup.begin("long", "1", start + 61s).has_value());
}

TEST(Dedup, TheEndOfAnEarlierWindowDoesNotEndTheNextOfTheSameKey) {
  Dedup dedup;
  publish(dedup, "long", start, 10min);
  publish(dedup, "short", start, 1min);
  publish(dedup, "short", start + 9min, 5min);
  EXPECT_TRUE(dedup.begin("short", "1", start + 11min).has_value());
}

TEST(Dedup, WhatFailedIsForgotten) {
  Dedup dedup;
  EXPECT_FALSE(dedup.begin("q", "1", start).has_value());
  EXPECT_FALSE(dedup.begin("q", "1", start)->receipt.has_value());
  dedup.failed("q", "1");
  EXPECT_FALSE(dedup.begin("q", "1", start).has_value());
}

}  // namespace
}  // namespace parley::queue::kafka
