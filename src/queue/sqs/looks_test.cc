#include "queue/sqs/looks.h"

#include <gtest/gtest.h>

namespace parley::queue::sqs {
namespace {

TEST(SqsLooks, AreCountedByTheDayForAsLongAsAMessageMayLive) {
  std::string tag;
  for (const std::int64_t day : {20'000, 20'000, 20'001, 20'010}) tag = with_look(tag, day);
  EXPECT_EQ(tag, "20000:2 20001:1 20010:1");
  EXPECT_EQ(looks_since(tag, 20'000), 4);
  EXPECT_EQ(looks_since(tag, 20'001), 2);
  EXPECT_EQ(looks_since(tag, 20'011), 0);
  EXPECT_EQ(with_look(tag, 20'015), "20001:1 20010:1 20015:1");
}

TEST(SqsLooks, ATagThatSomebodyElseWroteCountsNothing) {
  for (const char* tag : {"", " ", "true", "1:", ":2", "x:y", "-3:4"}) {
    EXPECT_EQ(looks_since(tag, 0), 0) << tag;
    EXPECT_EQ(with_look(tag, 20'000), "20000:1") << tag;
  }
}

}  // namespace
}  // namespace parley::queue::sqs
