// Questions and orders to a group's coordinator, against librdkafka's own mock of a cluster.
#include "queue/kafka/admin.h"

#include <future>

#include <gtest/gtest.h>

#include "queue/kafka/mock_cluster.h"
#include "queue/kafka/producer.h"

namespace parley::queue::kafka {
namespace {

constexpr std::int16_t offset_commit = 8;  // the protocol's numbers
constexpr std::int16_t offset_fetch = 9;

struct Asking {
  explicit Asking(Settings settings) : cluster(std::move(settings)), producer(cluster), admin(cluster, producer) {}
  Cluster cluster;
  Producer producer;
  Admin admin;

  void expect_moves(std::int64_t to) {
    const auto moved = admin.move("mailer", "orders", {{0, Progress{.watermark = to, .settled = {}, .open = {}}}});
    ASSERT_TRUE(moved.has_value()) << moved.error().text();
    const auto progress = admin.progress("mailer", "orders");
    ASSERT_TRUE(progress.has_value()) << progress.error().text();
    ASSERT_TRUE(progress->contains(0));
    EXPECT_EQ(progress->at(0).watermark, to);
  }
};

// As while a cluster starts, and when a server of it ends or comes back.
TEST(Admin, ACoordinatorThatIsNotYetOrNoLongerOneIsAskedAgain) {
  MockCluster mock;
  Asking asking(mock.settings());
  std::int64_t place = 7;
  for (const auto error : {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                           RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE}) {
    SCOPED_TRACE(rd_kafka_err2name(error));
    mock.refuse(offset_commit, {error, error});
    mock.refuse(offset_fetch, {error, error});
    asking.expect_moves(++place);
  }
}

// As a server that is frozen, or gone for good: whoever asks holds up others, and the node's end.
TEST(Admin, AServerThatDoesNotAnswerIsNotWaitedForLongerThanSettled) {
  MockCluster mock;
  Settings settings = mock.settings();
  settings.timeout = std::chrono::seconds(2);
  Asking asking(std::move(settings));
  const auto marks = asking.admin.watermarks("orders", 0);
  ASSERT_TRUE(marks.has_value()) << marks.error().text();
  EXPECT_EQ(marks->high, 0);
  mock.answer_after(std::chrono::seconds(60));
  auto asked = std::async(std::launch::async, [&] { return asking.admin.watermarks("orders", 0); });
  const bool answered = asked.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
  EXPECT_TRUE(answered);
  mock.answer_after(std::chrono::seconds(0));
  const auto outcome = asked.get();
  if (answered) EXPECT_EQ(outcome.error().code(), Code::unavailable);
}

}  // namespace
}  // namespace parley::queue::kafka
