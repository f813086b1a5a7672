// Sockets and event streams whose client does not read, changes its mind, or stays while the node stops. Fake time, an
// exchange whose client is the test and takes nothing by itself.
#include <gtest/gtest.h>

#include "edge/graphql/graphql_fixture.h"

namespace parley::edge::graphql {
namespace {

using namespace std::string_literals;

class SlowExchange final : public net::ServerExchange {
 public:
  SlowExchange(std::string_view verb, std::string_view target, Fields fields, std::string upgrade = {}) {
    request_ = {.method = std::string(verb),
                .scheme = "http",
                .authority = "test",
                .target = std::string(target),
                .fields = std::move(fields),
                .upgrade = std::move(upgrade)};
    static const net::Peer peer{.address = "127.0.0.1:9", .tls = false, .http_version = 20, .subject = {}};
    peer_ = &peer;
  }
  void respond(net::ResponseHead) override { responded_ = true; }
  void accept_upgrade(Fields) override { responded_ = upgraded_ = true; }
  void finish(Fields) override { finished = true; }
  void reset(net::Reset) override { break_off(Error(Code::cancelled, Blame::us, "reset")); }
  void go_away() { break_off(Error(Code::cancelled, Blame::caller, "the client is gone")); }
  void drain() { tell_drain(); }

  void say(std::string_view json) {
    std::string frame;
    wire::append_masked_ws_frame(frame, wire::WsOpcode::text, json, 7);
    body_.push(Bytes(frame));
  }
  std::size_t unread() const { return body_.count(); }
  // What was sent since the last time, as it is.
  std::string take() {
    std::string bytes;
    while (response_body_.count() > 0) bytes += (*response_body_.take())->view();
    return bytes;
  }
  // The same as frames: texts, a line each.
  std::string read() {
    const std::string bytes = take();
    std::string seen;
    for (std::string_view in = bytes; !in.empty();) {
      const auto event = decoder_.next(in);
      if (!event) return seen + std::string(event.error().text);
      using Event = wire::WebSocketDecoder::Event;
      if (*event == Event::text) seen.append(decoder_.payload()).append("\n");
      if (*event == Event::close) seen += "close " + std::to_string(decoder_.close_code()) + "\n";
    }
    return seen;
  }

  bool finished = false;

 private:
  wire::WebSocketDecoder decoder_{wire::WebSocketDecoder::Peer::server, {}};
};

constexpr std::size_t most = 4;  // operations

class GraphqlSlow : public testing::Test {
 protected:
  ~GraphqlSlow() override {
    for (auto& exchange : slow) exchange->go_away();
    bench.settle();
  }
  static GraphqlOptions options() {
    GraphqlOptions options;
    options.socket_operations = most;
    options.streams = std::make_shared<StreamRegistry>();
    return options;
  }
  SlowExchange& open(std::unique_ptr<SlowExchange> exchange) {
    slow.push_back(std::move(exchange));
    bench.tasks.spawn(bench.edge.serve(*slow.back()));
    bench.settle();
    return *slow.back();
  }
  SlowExchange& open_socket() {
    SlowExchange& socket = open(std::make_unique<SlowExchange>(
        "CONNECT", "/graphql",
        Fields{{"sec-websocket-version", "13"}, {"sec-websocket-protocol", "graphql-transport-ws"}}, "websocket"));
    say(socket, R"({"type":"connection_init"})");
    EXPECT_EQ(socket.read(), "{\"type\":\"connection_ack\"}\n");
    return socket;
  }
  void say(SlowExchange& socket, std::string_view json) {
    socket.say(json);
    bench.settle();
  }
  void subscribe(SlowExchange& socket, std::string_view id, std::string_view query) {
    say(socket,
        R"({"type":"subscribe","id":")" + std::string(id) + R"(","payload":{"query":")" + std::string(query) + "\"}}");
  }
  void complete(SlowExchange& socket, std::string_view id) {
    say(socket, R"({"type":"complete","id":")" + std::string(id) + "\"}");
  }
  std::string all_of(SlowExchange& socket) {
    std::string all;
    for (std::string part = socket.read(); !part.empty(); part = socket.read()) {
      all += part;
      bench.settle();
    }
    return all;
  }
  static std::size_t count(std::string_view text, std::string_view part) {
    std::size_t times = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++times;
    return times;
  }

  Bench bench{options()};
  std::vector<std::unique_ptr<SlowExchange>> slow;
  const std::string large = R"({"title":")" + std::string(70'000, 'x') + R"("})";  // above what waits to be sent
};

TEST_F(GraphqlSlow, WhatWasGivenUpIsNotSentToTheNextOfItsId) {
  SlowExchange& socket = open_socket();
  bench.script.replies["GetPost"] = {large, R"({"title":"old"})", R"({"title":"new"})"};
  subscribe(socket, "a", "{post(id:1){title}}");
  subscribe(socket, "b", "{post(id:2){title}}");
  complete(socket, "b");
  subscribe(socket, "b", "{post(id:3){title}}");
  const std::string said = all_of(socket);
  EXPECT_EQ(said.find("old"), std::string::npos);
  EXPECT_NE(said.find(R"({"id":"b","type":"next","payload":{"data":{"post":{"title":"new"}}}})"), std::string::npos);
  EXPECT_EQ(count(said, R"({"id":"b","type":"complete"})"), 1U);
}

TEST_F(GraphqlSlow, AClientThatReadsNothingIsNotReadOn) {
  constexpr std::size_t flood = 200;
  SlowExchange& socket = open_socket();
  bench.script.replies["GetPost"] = {large};
  for (std::size_t i = 0; i < flood; ++i)
    subscribe(socket, std::to_string(i), i % 2 == 0 ? "{post(id:1){title}}" : "{nothing}");
  EXPECT_LE(bench.script.calls.size(), most);
  EXPECT_GT(socket.unread(), flood / 2);
  const std::string said = all_of(socket);
  EXPECT_EQ(socket.unread(), 0U);
  EXPECT_EQ(count(said, R"("type":"complete")") + count(said, R"("type":"error")"), flood);
}

TEST_F(GraphqlSlow, WhatWasGivenUpOnAnEventStreamDoesNotWait) {
  const std::string token = bench.open("PUT", "/graphql").text;
  SlowExchange& stream =
      open(std::make_unique<SlowExchange>("GET", "/graphql?token=" + token, Fields{{"accept", "text/event-stream"}}));
  bench.script.replies["GetPost"] = {large, R"({"title":"old"})", R"({"title":"new"})"};
  const Fields fields = {{"content-type", "application/json"}, {"x-graphql-event-stream-token", token}};
  const auto begin = [&](std::string_view id) {
    bench.open("POST", "/graphql", fields,
               R"({"query":"{post(id:1){title}}","extensions":{"operationId":")" + std::string(id) + "\"}}");
  };
  begin("a");
  begin("b");
  bench.open("DELETE", "/graphql?operationId=b", fields);
  begin("b");
  std::string said;
  for (std::string part = stream.take(); !part.empty(); part = stream.take()) {
    said += part;
    bench.settle();
  }
  EXPECT_EQ(said.find("old"), std::string::npos);
  EXPECT_EQ(count(said, R"({"title":"new"})"), 1U);
  EXPECT_EQ(count(said, "event: complete\ndata: {\"id\":\"b\"}"), 1U);
}

TEST_F(GraphqlSlow, ASubscriptionThatComesWhileTheNodeStopsIsRefused) {
  SlowExchange& socket = open_socket();
  bench.script.hang = true;
  subscribe(socket, "q", "{post(id:1){title}}");
  socket.drain();
  bench.settle();
  EXPECT_EQ(socket.read(), "") << "a query may end";
  subscribe(socket, "s", "subscription{watchPosts{title}}");
  EXPECT_EQ(bench.script.calls.size(), 1U);
  const std::string said = socket.read();
  EXPECT_NE(said.find(R"({"id":"s","type":"error")"), std::string::npos) << said;
  EXPECT_NE(said.find(R"("reason":"draining")"), std::string::npos) << said;
  complete(socket, "q");
  EXPECT_EQ(socket.read(), "close 1001\n");
}

}  // namespace
}  // namespace parley::edge::graphql
