#include "queue/split_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loop/run_blocking.h"
#include "queue/fake_broker.h"

namespace parley::queue {
namespace {

using testing::ElementsAre;

// Remembers what it was given.
class FakeBackend final : public Backend {
 public:
  struct Seen {
    std::vector<std::string> declared;
    FakeBroker* broker = nullptr;
    std::optional<Error> refuses;
    std::optional<Error> away;
  };
  FakeBackend(std::string name, Seen& seen) : name_(std::move(name)), seen_(seen) {}
  std::string_view name() const override { return name_; }
  Result<void> declare(const Declarations& wanted) override {
    wanted_ = wanted;
    for (const auto& queue : wanted.queues) seen_.declared.push_back(queue.consumer.name);
    for (const auto& topic : wanted.topics) seen_.declared.push_back(topic.name);
    if (seen_.refuses) return fail(*seen_.refuses);
    return {};
  }
  std::unique_ptr<Broker> open(Shard& shard) override {
    auto broker = std::make_unique<FakeBroker>(shard, wanted_);
    seen_.broker = broker.get();
    return broker;
  }
  Result<std::vector<Source>> list() override {
    if (seen_.away) return fail(*seen_.away);
    std::vector<Source> all;
    for (const std::string& name : seen_.declared) all.push_back({name, ""});
    return all;
  }

 private:
  std::string name_;
  Seen& seen_;
  Declarations wanted_;
};

class SplitBackendTest : public testing::Test {
 protected:
  SplitBackendTest() {
    std::vector<std::unique_ptr<Backend>> backends;
    backends.push_back(std::make_unique<FakeBackend>("embedded", first));
    backends.push_back(std::make_unique<FakeBackend>("kafka", second));
    split.emplace(std::move(backends), SplitBackend::Places{{"s.S/B", 1}, {"orders", 1}});
    wanted.queues.resize(2);
    wanted.queues[0].consumer.name = "s.S/A";
    wanted.queues[1].consumer.name = "s.S/B";
    wanted.topics.resize(2);
    wanted.topics[0].name = "orders";
    wanted.topics[1].name = "stock";
  }

  Shard shard{0};
  FakeBackend::Seen first;
  FakeBackend::Seen second;
  std::optional<SplitBackend> split;
  Declarations wanted;
};

TEST_F(SplitBackendTest, EachBackendHasItsOwnAndTheFirstTheRest) {
  ASSERT_TRUE(split->declare(wanted));
  EXPECT_THAT(first.declared, ElementsAre("s.S/A", "stock"));
  EXPECT_THAT(second.declared, ElementsAre("s.S/B", "orders"));
  EXPECT_EQ(split->name(), "embedded, kafka");
  EXPECT_EQ(split->list()->size(), 4U);

  const auto broker = split->open(shard);
  const auto publish = [&](const char* to) {
    Publish request;
    request.to = to;
    request.message.id = to;
    return run_blocking(shard, broker->publish(std::move(request)));
  };
  for (const char* to : {"s.S/A", "s.S/B", "orders", "stock"}) EXPECT_TRUE(publish(to)) << to;
  EXPECT_EQ(first.broker->published.size(), 2U);
  EXPECT_EQ(second.broker->published.size(), 2U);
  const auto leased = run_blocking(shard, broker->lease({.source = {"s.S/B", ""}}));
  ASSERT_TRUE(leased);
  ASSERT_EQ(leased->size(), 1U);
  EXPECT_TRUE(run_blocking(shard, broker->settle({"s.S/B", ""}, leased->front().lease, {})));
  EXPECT_EQ(second.broker->settled.size(), 1U);
}

TEST_F(SplitBackendTest, ABackendThatDoesNotAnswerHidesOnlyItsOwnNames) {
  ASSERT_TRUE(split->declare(wanted));
  second.away = Error(Code::unavailable, Blame::upstream, "no broker").with_reason("broker_away");
  std::vector<Error> silent;
  EXPECT_THAT(split->list_some(silent), ElementsAre(Source{"s.S/A", ""}, Source{"stock", ""}));
  ASSERT_EQ(silent.size(), 1U);
  EXPECT_EQ(silent[0].text(), "UNAVAILABLE (broker_away): kafka: no broker");
  const auto all = split->list();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().text(), silent[0].text());
}

TEST_F(SplitBackendTest, RefusalsOfAllAreToldAtOnce) {
  first.refuses = Error(Code::failed_precondition, Blame::us, "no");
  second.refuses = Error(Code::failed_precondition, Blame::us, "never");
  const auto declared = split->declare(wanted);
  ASSERT_FALSE(declared);
  EXPECT_EQ(declared.error().code(), Code::failed_precondition);
  EXPECT_EQ(declared.error().message(), "embedded: no\nkafka: never");
}

}  // namespace
}  // namespace parley::queue
