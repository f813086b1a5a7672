// The topics edge over a pull API that notes what it is asked, with a client that is the test.
#include "edge/topics/topics_edge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/test_exchange.h"
#include "queue/api/convert.h"
#include "wire/compression.h"

namespace parley::edge {
namespace {

namespace api = queue::api;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::Encoding;

constexpr std::size_t most = 64 << 10;
constexpr std::string_view structured = "application/cloudevents+json";
constexpr std::string_view batched = "application/cloudevents-batch+json";

// Stores what it is given, and says so.
class Api final : public Front, public Handler {
 public:
  contract::ContractPtr contract() const override { return loaded_.contract; }
  HandlerPtr handler(const contract::Method&) const override { return {HandlerPtr(), const_cast<Api*>(this)}; }
  Task<Result<void>> handle(Call& call) override {
    auto request = co_await call.requests.read();
    calls.push_back(call.method().name);
    if (refuse) co_return fail(*refuse);
    std::string reply;
    if (call.method().name == "Tail") {
      tails.push_back(*api::from_wire<api::TailRequest>((*request)->view()));
      co_return Result<void>();
    }
    if (call.method().name == "Read") {
      api::ReadTopicResponse response;
      response.next = newest;
      reply = api::to_wire(response);
    } else if (call.method().name == "PublishBatch") {
      api::PublishBatchResponse response;
      const auto batch = api::from_wire<api::PublishBatchRequest>((*request)->view());
      for (const auto& event : batch->events) response.receipts.push_back(store(event.message));
      reply = api::to_wire(response);
    } else {
      reply = api::to_wire(store(api::from_wire<api::PublishEventRequest>((*request)->view())->message));
    }
    call.replies.push(Bytes(std::move(reply)));
    co_return Result<void>();
  }

  std::vector<std::string> calls;
  std::vector<std::string> stored;  // "id payload"
  std::vector<api::TailRequest> tails;
  std::string newest;  // position
  std::optional<Error> refuse;

 private:
  api::PublishReceipt store(const api::Message& message) {
    stored.push_back(message.id + " " + std::string(message.payload.view()));
    return {.id = message.id, .position = std::to_string(stored.size()), .duplicate = false};
  }
  contract::Loaded loaded_ = contract::load_built_in({"parley/queues.proto", "parley/topics.proto"});
};

class UserFront final : public Front {
 public:
  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method&) const override { return nullptr; }

 private:
  contract::ContractPtr contract_ =
      contract::load_text("message Placed { option (parley.event) = {topic: \"orders\"}; string id = 1; }").contract;
};

class TopicsEdgeTest : public testing::Test {
 protected:
  net::TestExchange& post(Fields fields, std::string_view body) {
    exchanges_.push_back(std::make_unique<net::TestExchange>("POST", "/topics/orders", std::move(fields)));
    net::TestExchange& exchange = *exchanges_.back();
    exchange.send(body);
    exchange.end();
    TaskGroup tasks;
    tasks.spawn(edge.serve(exchange));
    shard.run_until([&] { return tasks.live() == 0; });
    return exchange;
  }
  net::TestExchange& get(std::string_view query, Fields fields) {
    exchanges_.push_back(
        std::make_unique<net::TestExchange>("GET", "/topics/orders" + std::string(query), std::move(fields)));
    net::TestExchange& exchange = *exchanges_.back();
    exchange.end();
    TaskGroup tasks;
    tasks.spawn(edge.serve(exchange));
    shard.run_until([&] { return tasks.live() == 0; });
    return exchange;
  }
  static std::string event(std::string_view id) {
    return R"({"specversion":"1.0","type":"t.Placed","source":"/s","id":")" + std::string(id) +
           R"(","data":{"id":"a"}})";
  }
  static std::string packed(Encoding encoding, std::string_view text) {
    std::string out;
    wire::compress(encoding, text, out);
    return out;
  }

  Shard shard;
  Api api;
  UserFront user;
  TopicsEdge edge{user, api, {.max_message = most}};

 private:
  std::vector<std::unique_ptr<net::TestExchange>> exchanges_;
};

TEST_F(TopicsEdgeTest, BodiesMayBeCompressed) {
  for (const auto& [name, encoding] : {std::pair("gzip", Encoding::gzip),
                                       {"x-gzip", Encoding::gzip},
                                       {"deflate", Encoding::deflate},
                                       {"br", Encoding::br},
                                       {"zstd", Encoding::zstd},
                                       {"identity", Encoding::identity}}) {
    const auto pack = [&](const std::string& text) {
      return encoding == Encoding::identity ? text : packed(encoding, text);
    };
    api.stored.clear();
    const auto& one = post({{"content-type", structured}, {"content-encoding", name}}, pack(event("1")));
    EXPECT_EQ(one.head().status, 200) << name << one.text();
    const auto& binary = post({{"content-type", "application/json"},
                               {"content-encoding", name},
                               {"ce-specversion", "1.0"},
                               {"ce-id", "2"},
                               {"ce-source", "/s"},
                               {"ce-type", "t.Placed"}},
                              pack(R"({"id":"b"})"));
    EXPECT_EQ(binary.head().status, 200) << name << binary.text();
    const auto& several =
        post({{"content-type", batched}, {"content-encoding", name}}, pack("[" + event("3") + "," + event("4") + "]"));
    EXPECT_EQ(several.head().status, 200) << name << several.text();
    EXPECT_THAT(api.stored, ElementsAre(R"(1 {"id":"a"})", R"(2 {"id":"b"})", R"(3 {"id":"a"})", R"(4 {"id":"a"})"))
        << name;
  }
}

TEST_F(TopicsEdgeTest, WhatIsNoBodyIsRefused) {
  const std::string text = event("1");
  const struct {
    const char* name;
    const char* encoding;
    std::string body;
    int status;
    const char* says;
  } cases[] = {
      {"a bomb", "gzip", packed(Encoding::gzip, std::string(std::size_t{64} << 20, ' ')), 413, "message_too_large"},
      {"a bomb in br", "br", packed(Encoding::br, std::string(std::size_t{64} << 20, ' ')), 413, "message_too_large"},
      {"a little too large", "zstd", packed(Encoding::zstd, std::string(most + 1, ' ')), 413, "message_too_large"},
      {"too large as it is", "identity", std::string(most + 1, ' '), 413, "message_too_large"},
      {"cut off", "gzip", packed(Encoding::gzip, text).substr(0, 20), 400, "INVALID_ARGUMENT"},
      {"not gzip", "gzip", text, 400, "INVALID_ARGUMENT"},
      {"an unknown coding", "lzma", text, 415, "unsupported_encoding"},
  };
  for (const auto& c : cases) {
    const auto& answer = post({{"content-type", structured}, {"content-encoding", c.encoding}}, c.body);
    EXPECT_EQ(answer.head().status, c.status) << c.name;
    EXPECT_THAT(answer.text(), HasSubstr(c.says)) << c.name;
    EXPECT_EQ(answer.header("accept-encoding"), c.status == 415 ? "gzip, br, zstd, deflate" : "") << c.name;
  }
  EXPECT_THAT(api.calls, IsEmpty());
}

TEST_F(TopicsEdgeTest, WhatIsNoEventHearsWhatOneIs) {
  const auto& answer = post({{"content-type", "application/json"}}, R"({"id":"a"})");
  EXPECT_EQ(answer.head().status, 400);
  EXPECT_THAT(answer.text(), HasSubstr("application/cloudevents+json"));
  EXPECT_THAT(answer.text(), HasSubstr("ce-specversion"));
  EXPECT_THAT(api.calls, IsEmpty());
}

// A browser that came for the latest and is cut off before the first event says nothing when it comes back, unless it
// was told where it began: what was published meanwhile would be missed.
TEST_F(TopicsEdgeTest, AReaderOfTheLatestKnowsWhereItBegan) {
  const Fields sse = {{"accept", "text/event-stream"}};
  api.newest = "41";
  EXPECT_THAT(get("", sse).text(), HasSubstr("\n\nid: 41\n\n"));
  ASSERT_EQ(api.tails.size(), 1U);
  EXPECT_EQ(api.tails[0].from.after, "41");
  api.newest = "";
  EXPECT_THAT(get("?from=latest", sse).text(), HasSubstr("\n\nid: earliest\n\n")) << "there is none yet";
  EXPECT_TRUE(api.tails.at(1).from.earliest);
  api.calls.clear();
  for (const auto& [query, fields] : {std::pair<const char*, Fields>{"", {{"accept", "application/x-ndjson"}}},
                                      {"?from=earliest", sse},
                                      {"?from=7", sse},
                                      {"", {{"accept", "text/event-stream"}, {"last-event-id", "41"}}}}) {
    EXPECT_EQ(get(query, fields).text().find("id: "), std::string::npos) << query;
  }
  EXPECT_THAT(api.calls, ElementsAre("Tail", "Tail", "Tail", "Tail"));
  EXPECT_EQ(api.tails.back().from.after, "41");
  api.refuse = Error(Code::not_found, Blame::caller, "there is no topic \"orders\"");
  EXPECT_EQ(get("", sse).head().status, 404);
}

TEST_F(TopicsEdgeTest, ABatchIsOneCall) {
  const auto& answer = post({{"content-type", batched}}, "[" + event("1") + "," + event("2") + "]");
  EXPECT_EQ(answer.text(), R"([{"id":"1","position":"1"},{"id":"2","position":"2"}])");
  EXPECT_THAT(api.calls, ElementsAre("PublishBatch"));
  EXPECT_EQ(post({{"content-type", batched}}, "[]").text(), "[]");
  api.stored.clear();
  const auto& malformed = post({{"content-type", batched}}, "[" + event("1") + "," + event("") + "]");
  EXPECT_EQ(malformed.head().status, 400);
  EXPECT_THAT(malformed.text(), HasSubstr("event 2 of the batch"));
  EXPECT_THAT(api.stored, IsEmpty());
  api.refuse = Error(Code::resource_exhausted, Blame::us, "disk full").with_reason("disk_full");
  EXPECT_EQ(post({{"content-type", batched}}, "[" + event("1") + "]").head().status, 429);
}

}  // namespace
}  // namespace parley::edge
