#include "queue/sqs/ledger.h"

#include <gtest/gtest.h>

namespace parley::queue::sqs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const Instant start = Instant() + std::chrono::hours(1);

std::string lend(Ledger& ledger, Duration lease) {
  return ledger.lend(
      std::make_shared<Lease>(Lease{.queue = "q", .receipt = "r.1", .message_id = "m", .until = start + lease}), start);
}

TEST(Ledger, ALeaseEndsByTimeOrBySettling) {
  Ledger ledger;
  const std::string token = lend(ledger, seconds(10));
  ASSERT_NE(ledger.find(token, start + seconds(9)).lease, nullptr);
  EXPECT_EQ(ledger.find(token, start + seconds(10)).lease, nullptr);
  EXPECT_EQ(ledger.find(token, start + seconds(10)).receipt, "");
  ledger.extend(token, start + seconds(20));
  EXPECT_NE(ledger.find(token, start + seconds(19)).lease, nullptr);
  EXPECT_TRUE(ledger.take(token));
  EXPECT_FALSE(ledger.take(token)) << "one settles at a time";
  EXPECT_EQ(ledger.find(token, start).lease, nullptr);
  ledger.give_back(token);
  EXPECT_NE(ledger.find(token, start).lease, nullptr) << "settling failed";
  ledger.forget(token);
  EXPECT_EQ(ledger.find(token, start).lease, nullptr);
}

TEST(Lease, IsHiddenForTwelveHoursInAll) {
  using std::chrono::hours;
  const Lease lease{.queue = "q", .receipt = "r.1", .message_id = "m", .received = start};
  EXPECT_EQ(lease.may_hide(start), hours(12) - minutes(1));
  EXPECT_EQ(lease.may_hide(start + hours(3)), hours(9) - minutes(1)) << "the handler took three";
  EXPECT_EQ(lease.may_hide(start + hours(12)), Duration::zero());
  EXPECT_EQ(lease.may_hide(start + hours(13)), Duration::zero());
}

TEST(Ledger, AnotherProcessKnowsTheReceiptOnly) {
  Ledger here;
  Ledger there;
  const Ledger::Found found = there.find(lend(here, seconds(10)), start);
  EXPECT_EQ(found.lease, nullptr);
  EXPECT_EQ(found.receipt, "r.1");
  EXPECT_EQ(there.find("rubbish", start).receipt, "");
}

TEST(Ledger, TheFirstPublishIsRememberedForFiveMinutes) {
  Ledger ledger;
  EXPECT_FALSE(ledger.first_of("k", {.id = "a", .message_id = "1"}, start));
  EXPECT_EQ(ledger.first_of("k", {.id = "b", .message_id = "1"}, start + minutes(4))->id, "a");
  EXPECT_FALSE(ledger.first_of("k", {.id = "c", .message_id = "2"}, start + minutes(4))) << "SQS took it for another";
  EXPECT_FALSE(ledger.first_of("k", {.id = "d", .message_id = "2"}, start + minutes(10)));
}

TEST(Ledger, APauseIsAskedForAgain) {
  Ledger ledger;
  EXPECT_EQ(ledger.paused("q", start), std::nullopt);
  ledger.set_paused("q", true, start + seconds(5));
  EXPECT_EQ(ledger.paused("q", start + seconds(4)), true);
  EXPECT_EQ(ledger.paused("q", start + seconds(5)), std::nullopt);
}

}  // namespace
}  // namespace parley::queue::sqs
