// A socket's life by the clock: pings, patience with those who go or read slowly, drains. Fake time, an exchange whose
// client is the test.
#include "edge/websocket/session.h"

#include <gtest/gtest.h>

#include "edge/websocket/session_test_kit.h"

namespace parley::edge::websocket {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Sockets : public testing::Test {
 protected:
  ~Sockets() override {
    for (auto& exchange : exchanges) exchange->go_away();
    tasks.spawn(edge.drain());
    settle();
  }
  TestExchange& open(std::string_view path) {
    exchanges.push_back(std::make_unique<TestExchange>(path));
    tasks.spawn(edge.serve(*exchanges.back()));
    settle();
    return *exchanges.back();
  }
  void settle() { shard.advance(Duration::zero()); }
  void pass(Duration time) {
    for (Duration step = milliseconds(100); time > Duration::zero(); time -= step) shard.advance(step);
  }
  // What the socket says to a frame.
  std::string ask(TestExchange& socket, std::string_view json) {
    socket.say(json);
    settle();
    return socket.read();
  }

  struct FakeTime {
    explicit FakeTime(Shard& shard) { shard.use_fake_time(); }
  };
  Shard shard;
  FakeTime fake_time{shard};
  OneFront front;
  WebSocketOptions options;
  WebSocketEdge edge{front, options};
  std::vector<std::unique_ptr<TestExchange>> exchanges;
  TaskGroup tasks;
};

TEST_F(Sockets, silence_is_asked_and_then_taken_for_loss) {
  TestExchange& socket = open("/ws/t.S/Stream");
  pass(seconds(19));
  EXPECT_EQ(socket.read(), "");
  pass(seconds(2));
  EXPECT_EQ(socket.read(), "ping ");
  socket.send(wire::WsOpcode::pong, "");
  pass(seconds(19));
  EXPECT_EQ(socket.read(), "");
  pass(seconds(2));
  EXPECT_EQ(socket.read(), "ping ");
  pass(seconds(19));
  EXPECT_FALSE(socket.was_reset);
  pass(seconds(2));
  EXPECT_TRUE(socket.was_reset);
  EXPECT_EQ(tasks.live(), 0U);
  EXPECT_EQ(front.source->calls, 0) << "no call was begun";
}

TEST_F(Sockets, a_peer_that_takes_what_it_is_sent_is_not_lost) {
  front.source->replies = 1000;
  front.source->size = 1000;
  TestExchange& socket = open("/ws/t.S/Stream");
  socket.say(R"({"message":{}})");
  pass(seconds(120));
  EXPECT_FALSE(socket.was_reset) << "what was sent is still to be taken: the connection's time-out is for that";
}

TEST_F(Sockets, our_close_is_not_waited_on_for_ever) {
  front.source->waits = false;
  TestExchange& socket = open("/ws/t.S/Stream");
  EXPECT_EQ(ask(socket, R"({"message":{}})"), R"({"headers":{}} {"status":{"code":"OK"}} close 1000 )");
  EXPECT_FALSE(socket.finished);
  pass(milliseconds(2100));
  EXPECT_TRUE(socket.finished);
}

TEST_F(Sockets, the_peers_close_ends_the_wait) {
  front.source->waits = false;
  TestExchange& socket = open("/ws/t.S/Stream");
  ask(socket, R"({"message":{}})");
  socket.send(wire::WsOpcode::close, "\x03\xe8");
  settle();
  EXPECT_TRUE(socket.finished);
}

TEST_F(Sockets, a_client_that_closes_first_is_echoed_and_cancels) {
  TestExchange& socket = open("/ws/t.S/Stream");
  EXPECT_EQ(ask(socket, R"({"message":{}})"), R"({"headers":{}} )");
  socket.send(wire::WsOpcode::close, "\x0f\xa0why");
  settle();
  EXPECT_EQ(socket.read(), "close 4000 ");
  EXPECT_EQ(front.source->cancelled, "client_gone");
  EXPECT_TRUE(socket.finished);
}

TEST_F(Sockets, a_client_that_does_not_read_stops_the_service) {
  front.source->replies = 1000;
  front.source->size = 1000;
  TestExchange& socket = open("/ws/t.S/Stream");
  socket.say(R"({"message":{}})");
  settle();
  const int held = front.source->sent;
  EXPECT_LT(held, 200) << "two pipes of 64 KiB";
  pass(seconds(10));
  EXPECT_EQ(front.source->sent, held);
  socket.read();
  settle();
  EXPECT_GT(front.source->sent, held);
}

TEST_F(Sockets, a_window_is_what_a_client_takes) {
  front.source->replies = 1000;
  front.source->size = 1000;
  TestExchange& socket = open("/ws/t.S/Stream");
  const auto messages = [&socket] {
    const std::string all = socket.read();
    int count = 0;
    for (std::size_t at = 0; (at = all.find("{\"message\"", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  socket.say(R"({"start":{"window":2}})");
  socket.say(R"({"message":{}})");
  settle();
  EXPECT_EQ(messages(), 2);
  EXPECT_LT(front.source->sent, 100) << "one pipe of 64 KiB";
  socket.say(R"({"credit":3})");
  settle();
  EXPECT_EQ(messages(), 3);
  pass(seconds(60));
  EXPECT_EQ(messages(), 0);
  socket.send(wire::WsOpcode::close, "");
  settle();
  EXPECT_TRUE(socket.finished);
}

// The service is done, and its last messages wait for a window that the client never opens.
TEST_F(Sockets, a_used_up_window_holds_nobody_whose_client_has_gone) {
  front.source->replies = 5;
  front.source->waits = false;
  const struct {
    const char* name;
    void (*leave)(TestExchange&);
    const char* hears;
  } cases[] = {
      {"closes", [](TestExchange& socket) { socket.send(wire::WsOpcode::close, "\x03\xe8"); }, "close 1000 "},
      {"is lost", [](TestExchange& socket) { socket.go_away(); }, ""},
      {"half-closes", [](TestExchange& socket) { socket.half_close(); },
       R"({"status":{"code":"CANCELLED","message":"the client ended the connection","reason":"client_gone"}} close 4001 )"},
      {"breaks the protocol", [](TestExchange& socket) { socket.send(wire::WsOpcode{5}, ""); }, "close 1002 "},
  };
  for (const auto& c : cases) {
    for (const char* path : {"/ws/t.S/Stream", "/ws/t.S/Kept"}) {
      TestExchange& socket = open(path);
      socket.say(R"({"start":{"window":2}})");
      const std::string said = ask(socket, R"({"message":{}})");
      EXPECT_TRUE(said.ends_with(R"({"message":{"text":"x"}} )")) << said;
      c.leave(socket);
      settle();
      EXPECT_EQ(socket.read(), c.hears) << c.name;
      pass(seconds(3));
      EXPECT_EQ(tasks.live(), 0U) << c.name << " " << path;
    }
  }
}

TEST_F(Sockets, a_drain_waits_for_no_window) {
  front.source->replies = 5;
  front.source->waits = false;
  for (const char* path : {"/ws/t.S/Stream", "/ws/t.S/Kept"}) {
    TestExchange& socket = open(path);
    socket.say(R"({"start":{"window":2}})");
    ask(socket, R"({"message":{}})");
    socket.drain();
    pass(milliseconds(3100));
    const std::string said = socket.read();
    EXPECT_TRUE(said.ends_with(R"("reason":"draining"}} close 1001 )")) << path << said;
    pass(milliseconds(2100));
    EXPECT_TRUE(socket.finished) << path;
  }
}

TEST_F(Sockets, a_slow_client_is_lost_patience_with_though_the_service_is_done) {
  front.source->replies = 100;
  front.source->size = 1000;
  front.source->waits = false;
  TestExchange& windowed = open("/ws/t.S/Closes");
  windowed.say(R"({"start":{"window":40}})");
  windowed.say(R"({"message":{}})");
  settle();
  windowed.read();
  TestExchange& silent = open("/ws/t.S/Closes");
  silent.say(R"({"message":{}})");
  pass(milliseconds(5300));
  const std::string said = windowed.read();
  EXPECT_NE(said.find(R"("reason":"slow_consumer")"), std::string::npos) << said;
  EXPECT_TRUE(said.ends_with("close 1008 ")) << said;
  EXPECT_FALSE(silent.was_reset);
  pass(milliseconds(2300));
  EXPECT_TRUE(silent.was_reset);
}

TEST_F(Sockets, a_drain) {
  TestExchange& idle = open("/ws/t.S/Stream");
  TestExchange& unary = open("/ws/t.S/Unary");
  TestExchange& stream = open("/ws/t.S/Stream");
  ask(unary, R"({"message":{}})");
  ask(stream, R"({"message":{}})");
  for (auto& exchange : exchanges) exchange->drain();
  settle();
  const std::string stopped =
      R"({"status":{"code":"UNAVAILABLE","message":"Parley stops: connect again","reason":"draining"}} )";
  EXPECT_EQ(idle.read(), stopped + "close 1001 ");
  EXPECT_EQ(stream.read(), "");
  pass(milliseconds(3100));
  EXPECT_EQ(stream.read(), stopped + "close 1001 ");
  EXPECT_EQ(unary.read(), "") << "it may end";
}

TEST_F(Sockets, a_shared_stream_waits_for_readers_to_come_back) {
  TestExchange& first = open("/ws/t.S/Shared");
  ask(first, R"({"message":{"text":"a"}})");
  TestExchange& second = open("/ws/t.S/Shared");
  ask(second, R"({"message":{"text":"a"}})");
  EXPECT_EQ(front.source->calls, 1);
  first.go_away();
  second.go_away();
  pass(seconds(29));
  EXPECT_EQ(front.source->cancelled, "");
  TestExchange& third = open("/ws/t.S/Shared");
  ask(third, R"({"message":{"text":"a"}})");
  pass(seconds(31));
  EXPECT_EQ(front.source->calls, 1);
  EXPECT_EQ(front.source->cancelled, "");
  third.go_away();
  pass(seconds(31));
  EXPECT_EQ(front.source->cancelled, "no_reader");
}

TEST_F(Sockets, slow_readers_of_a_shared_stream_hold_up_nobody) {
  front.source->replies = 2000;
  front.source->size = 1000;
  TestExchange& slow = open("/ws/t.S/Shared");
  slow.say(R"({"message":{}})");
  settle();
  EXPECT_EQ(front.source->sent, 2000);
  std::string all;
  for (int i = 0; i < 200; ++i) {
    all += slow.read();
    settle();
  }
  std::size_t messages = 0;
  for (std::size_t at = 0; (at = all.find("{\"message\"", at)) != std::string::npos; ++at) ++messages;
  std::size_t skipped = 0;
  constexpr std::string_view skip = R"({"skipped":{"messages":)";
  for (std::size_t at = 0; (at = all.find(skip, at)) != std::string::npos; at += skip.size())
    skipped += static_cast<std::size_t>(std::atoi(all.c_str() + at + skip.size()));
  EXPECT_GT(skipped, 1000U);
  EXPECT_EQ(messages + skipped, 2000U);
}

TEST_F(Sockets, a_reader_of_a_shared_stream_that_comes_back_too_late_has_time_to_hear_that) {
  front.source->replies = 2000;
  front.source->size = 1000;
  TestExchange& slow = open("/ws/t.S/Strict");
  slow.say(R"({"message":{}})");
  settle();
  slow.read();  // from now on it reads, at its own pace
  settle();
  pass(seconds(10));
  EXPECT_FALSE(slow.was_reset);
  const std::string rest = slow.read();
  EXPECT_NE(rest.find(R"("reason":"slow_consumer")"), std::string::npos) << rest;
  EXPECT_TRUE(rest.ends_with("close 1008 ")) << rest;
}

TEST_F(Sockets, a_reader_of_a_shared_stream_that_never_comes_back_is_disconnected) {
  front.source->replies = 2000;
  front.source->size = 1000;
  TestExchange& slow = open("/ws/t.S/Strict");
  slow.say(R"({"message":{}})");
  settle();
  pass(milliseconds(6900));
  EXPECT_FALSE(slow.was_reset);
  pass(milliseconds(300));
  EXPECT_TRUE(slow.was_reset);
}

}  // namespace
}  // namespace parley::edge::websocket
