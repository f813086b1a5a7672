#include "filter/limits.h"

#include <list>
#include <stdexcept>

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "filter/telemetry.h"
#include "loop/shard.h"
#include "loop/task_group.h"

namespace parley::filter {
namespace {

using namespace std::chrono_literals;

// Waits for a request that never comes.
class Hangs final : public Handler {
 public:
  Task<Result<void>> handle(Call& call) override {
    ++calls;
    auto request = co_await call.requests.read();
    co_return request ? Result<void>() : fail(std::move(request).error());
  }
  int calls = 0;
};

class LimitsTest : public testing::Test {
 protected:
  LimitsTest() { shard.use_fake_time(); }

  Call& start(const char* rpc) {
    Call& call = calls.emplace_back(contract, *contract->find(rpc), "test");
    tasks.spawn(answer(limits, call));
    settle();
    return call;
  }
  void settle() { shard.advance(Duration::zero()); }

  Shard shard{0};
  contract::ContractPtr contract =
      contract::load_text("message M {} service S { rpc One(M) returns (M); rpc Many(M) returns (stream M); }")
          .contract;
  std::shared_ptr<Hangs> hangs = std::make_shared<Hangs>();
  std::shared_ptr<Pending> pending = std::make_shared<Pending>();
  Limits limits{hangs, pending};
  Metrics metrics;
  std::list<Call> calls;
  TaskGroup tasks;
};

TEST_F(LimitsTest, a_unary_call_without_a_deadline_gets_the_default_one) {
  pending->default_deadline = 1s;
  const Call& unary = start("/shop.S/One");
  const Call& stream = start("/shop.S/Many");
  shard.advance(1100ms);
  settle();
  ASSERT_TRUE(unary.is_finished());
  EXPECT_EQ(unary.status()->code(), Code::deadline_exceeded);
  EXPECT_FALSE(stream.is_finished()) << "a stream may last";
  calls.back().cancel(Error(Code::cancelled, Blame::caller, "the test is over"));
  settle();
}

TEST_F(LimitsTest, more_calls_than_are_allowed_are_refused_and_may_be_sent_again) {
  pending->max = 1;
  Call& first = start("/shop.S/One");
  const Call& second = start("/shop.S/One");
  ASSERT_TRUE(second.is_finished());
  EXPECT_EQ(second.status()->code(), Code::resource_exhausted);
  EXPECT_EQ(second.status()->reason(), "too_many_calls");
  EXPECT_TRUE(second.status()->is_safe_to_retry());
  EXPECT_EQ(hangs->calls, 1);
  first.cancel(Error(Code::cancelled, Blame::caller, "the client went away"));
  settle();
  Call& third = start("/shop.S/One");
  EXPECT_FALSE(third.is_finished()) << "the first one's place is free again";
  third.cancel(Error(Code::cancelled, Blame::caller, "the test is over"));
  settle();
}

TEST_F(LimitsTest, a_call_that_meets_a_bug_gives_its_place_back) {
  class Throws final : public Handler {
    Task<Result<void>> handle(Call&) override {
      throw std::runtime_error("a bug");
      co_return Result<void>();
    }
  };
  pending->max = 1;
  const auto telemetry =
      std::make_shared<Telemetry>(std::make_shared<Limits>(std::make_shared<Throws>(), pending), metrics, nullptr);
  for (int i = 0; i < 3; ++i) {
    Call call(contract, *contract->find("/shop.S/One"), "test");
    tasks.spawn(answer(*telemetry, call));
    settle();
    ASSERT_TRUE(call.is_finished());
    EXPECT_EQ(call.status()->code(), Code::internal) << i;
  }
  EXPECT_EQ(pending->now, 0U);
  ASSERT_EQ(metrics.copy().size(), 1U);
  EXPECT_EQ(metrics.copy()[0].in_flight, 0);
  EXPECT_EQ(metrics.copy()[0].ended[static_cast<std::size_t>(Code::internal)], 3U);
}

TEST_F(LimitsTest, a_deadline_that_has_passed_ends_the_call_at_once) {
  Call call(contract, *contract->find("/shop.S/One"), "test");
  call.set_deadline(Deadline::after(shard.now(), Duration::zero()));
  ASSERT_TRUE(call.cancelled());
  EXPECT_EQ(call.cancelled()->code(), Code::deadline_exceeded);
}

}  // namespace
}  // namespace parley::filter
