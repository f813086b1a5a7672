// What goes over the wire to another node, and what becomes of it when that breaks. The other node is a fake; that the
// real one does its part is for test/brokers and test/keeper.
#include "queue/remote/remote_broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loop/run_blocking.h"
#include "net/fake_upstream.h"

namespace parley::queue::remote {
namespace {

using net::FakeConnection;
using testing::HasSubstr;

const Fields ok_head = {{":status", "200"}, {"content-type", "application/grpc"}};
const Source mails{"shop.Mailer/SendMail", ""};

// What a body's frames hold, as far as they have come.
template <class T>
std::vector<T> messages_of(std::string_view body) {
  std::vector<T> out;
  wire::GrpcFrameDecoder decoder(1 << 20);
  decoder.feed(Bytes::copy_of(body));
  for (;;) {
    const auto frame = decoder.next();
    if (!frame || !*frame) return out;
    out.push_back(*api::from_wire<T>((*frame)->payload.view()));
  }
}

template <class T>
std::string frame_of(const T& message) {
  return std::string(wire::grpc_frame(0, api::to_wire(message)).view());
}

class RemoteBrokerTest : public testing::Test {
 protected:
  RemoteBrokerTest() : broker(shard, address()) {}
  ~RemoteBrokerTest() override {
    run_blocking(shard, broker.close());
    run_blocking(shard, tasks.join());
  }

  Address address() const { return *parse_address("parley://127.0.0.1:" + std::to_string(upstream.port), "/etc"); }

  // Each takes its place in `outcomes`: "" where all went well.
  void publish(std::string id) {
    const std::size_t place = outcomes.size();
    outcomes.emplace_back("open");
    tasks.spawn(publish_one(this, place, std::move(id)));
  }
  static Task<void> publish_one(RemoteBrokerTest* self, std::size_t place, std::string id) {
    Publish request{.to = mails.name, .message = {}, .dedup = {}, .due = {}, .expires = {}};
    request.message.id = std::move(id);
    const auto receipt = co_await self->broker.publish(std::move(request));
    self->outcomes[place] = receipt ? "stored as " + receipt->id : receipt.error().text();
  }
  void settle(std::string lease, std::optional<Duration> extend_by = {}) {
    const std::size_t place = outcomes.size();
    outcomes.emplace_back("open");
    tasks.spawn(settle_one(this, place, std::move(lease), extend_by));
  }
  static Task<void> settle_one(RemoteBrokerTest* self, std::size_t place, std::string lease,
                               std::optional<Duration> extend_by) {
    const auto done = extend_by ? co_await self->broker.extend(mails, std::move(lease), *extend_by)
                                : co_await self->broker.settle(mails, std::move(lease), Settlement{});
    self->outcomes[place] = done ? "done" : done.error().text();
  }
  void run() {
    shard.run_until([this] { return tasks.live() == 0; });
  }

  static void answer(FakeConnection& c, std::int32_t id, std::uint64_t tag, std::string stored) {
    c.data(id, frame_of(api::PublishStreamResponse{
                   .tag = tag, .receipt = api::PublishReceipt{.id = std::move(stored), .position = {}}, .error = {}}));
  }
  static void refuse(FakeConnection& c, std::int32_t id, std::uint64_t tag, std::string why) {
    api::PublishStreamResponse response{.tag = tag, .receipt = {}, .error = {}};
    response.error = api::status_of(Error(Code::resource_exhausted, Blame::us, std::move(why)));
    c.data(id, frame_of(response));
  }
  static void reply(FakeConnection& c, std::int32_t id, const api::SettleResponse& response) {
    c.headers(id, ok_head, false);
    c.data(id, frame_of(response));
    c.headers(id, {{"grpc-status", "0"}}, true);
  }

  Shard shard;
  net::FakeUpstream upstream{shard};
  RemoteBroker broker;
  TaskGroup tasks;
  std::vector<std::string> outcomes;
};

TEST_F(RemoteBrokerTest, what_a_turn_publishes_goes_over_one_stream_and_each_has_its_own_answer) {
  std::vector<std::string> sent;
  upstream.on_data = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream& stream) {
    const auto messages = messages_of<api::PublishStreamRequest>(stream.body);
    if (messages.size() < 3) return;
    for (const auto& one : messages) sent.push_back(one.publish.message.id);
    c.headers(id, ok_head, false);
    answer(c, id, messages[2].tag, "c");
    refuse(c, id, messages[1].tag, "the disk is full");
    answer(c, id, messages[0].tag, "a");
  };
  for (const char* id : {"a", "b", "c"}) publish(id);
  run();
  EXPECT_THAT(sent, testing::ElementsAre("a", "b", "c"));
  EXPECT_EQ(upstream.connections.size(), 1U);
  EXPECT_EQ(upstream.connections[0]->streams.size(), 1U);
  EXPECT_THAT(outcomes, testing::ElementsAre("stored as a", HasSubstr("RESOURCE_EXHAUSTED"), "stored as c"));
}

TEST_F(RemoteBrokerTest, what_a_broken_stream_did_not_answer_may_be_stored) {
  upstream.on_data = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream& stream) {
    const auto messages = messages_of<api::PublishStreamRequest>(stream.body);
    if (messages.size() < 2) return;
    c.headers(id, ok_head, false);
    answer(c, id, messages[0].tag, "a");
    c.close();
  };
  publish("a");
  publish("b");
  run();
  EXPECT_EQ(outcomes[0], "stored as a");
  EXPECT_THAT(outcomes[1], testing::AllOf(HasSubstr("UNAVAILABLE"), HasSubstr("the node at 127.0.0.1:"),
                                          HasSubstr("may be stored there, or not")));
}

TEST_F(RemoteBrokerTest, what_reached_nobody_goes_over_the_next_stream_in_the_same_order) {
  std::vector<std::string> sent;
  upstream.on_data = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream& stream) {
    if (id == 1) return c.reset(id, NGHTTP2_REFUSED_STREAM);
    const auto messages = messages_of<api::PublishStreamRequest>(stream.body);
    if (messages.size() < 2) return;
    c.headers(id, ok_head, false);
    for (const auto& one : messages) {
      sent.push_back(one.publish.message.id);
      answer(c, id, one.tag, one.publish.message.id);
    }
  };
  publish("a");
  publish("b");
  run();
  EXPECT_THAT(sent, testing::ElementsAre("a", "b"));
  EXPECT_THAT(outcomes, testing::ElementsAre("stored as a", "stored as b"));
}

TEST_F(RemoteBrokerTest, a_refusal_of_the_stream_is_that_of_its_messages) {
  upstream.on_head = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) {
    c.headers(
        id,
        {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "7"}, {"grpc-message", "not you"}},
        true);
  };
  publish("a");
  run();
  EXPECT_THAT(outcomes[0], testing::AllOf(HasSubstr("PERMISSION_DENIED"), HasSubstr("not you"),
                                          testing::Not(HasSubstr("may be stored"))));
}

TEST_F(RemoteBrokerTest, an_empty_end_of_the_stream_is_no_acknowledgement) {
  upstream.on_data = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) {
    c.headers(id, ok_head, false);
    c.headers(id, {{"grpc-status", "0"}}, true);
  };
  publish("a");
  run();
  EXPECT_THAT(outcomes[0], testing::AllOf(HasSubstr("UNAVAILABLE"), HasSubstr("may be stored")));
}

TEST_F(RemoteBrokerTest, settlements_of_a_turn_are_one_call_and_fail_each_by_itself) {
  std::vector<std::string> calls;
  upstream.on_end = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream& stream) {
    const auto request = messages_of<api::SettleRequest>(stream.body).at(0);
    std::string leases = std::string(stream.head.get(":path")) + ":";
    for (const auto& one : request.settlements) leases += " " + one.lease_id;
    calls.push_back(leases);
    api::SettleResponse response;
    const Error lost = Error(Code::failed_precondition, Blame::caller, "too late").with_reason("lease_lost");
    response.failed.push_back({.lease_id = "2", .error = api::status_of(lost)});
    reply(c, id, response);
  };
  for (const char* lease : {"1", "2", "3", "2"}) settle(lease);
  run();
  EXPECT_THAT(calls, testing::ElementsAre("/parley.Queues/Settle: 1 2 3 2"));
  // Of two that name one lease, the second came too late.
  EXPECT_THAT(outcomes, testing::ElementsAre("done", "done", "done", HasSubstr("lease_lost")));
}

TEST_F(RemoteBrokerTest, a_call_that_fails_fails_all_of_its_settlements) {
  upstream.on_end = [&](FakeConnection& c, std::int32_t, FakeConnection::Stream&) { c.close(); };
  settle("1");
  settle("2");
  run();
  EXPECT_THAT(outcomes, testing::Each(HasSubstr("the node at 127.0.0.1:")));
}

TEST_F(RemoteBrokerTest, extensions_go_apart_by_their_time) {
  std::vector<std::vector<std::string>> calls;
  upstream.on_end = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream& stream) {
    calls.push_back(messages_of<api::ExtendRequest>(stream.body).at(0).lease_ids);
    reply(c, id, {});
  };
  settle("1", std::chrono::seconds(5));
  settle("2", std::chrono::seconds(9));
  settle("3", std::chrono::seconds(5));
  run();
  EXPECT_THAT(calls, testing::UnorderedElementsAre(testing::ElementsAre("1", "3"), testing::ElementsAre("2")));
  EXPECT_THAT(outcomes, testing::Each("done"));
}

TEST_F(RemoteBrokerTest, a_close_ends_what_waits) {
  publish("a");  // nobody answers
  settle("1");
  shard.run_until([&] { return !upstream.connections.empty() && upstream.connections[0]->streams.size() == 2; });
  run_blocking(shard, broker.close());
  run();
  EXPECT_THAT(outcomes, testing::Each(HasSubstr("the node stops")));
}

}  // namespace
}  // namespace parley::queue::remote
