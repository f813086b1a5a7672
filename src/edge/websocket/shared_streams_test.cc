// A shared stream on two shards: one call, positions that both know, shards that are late, and its end. Both shards run
// by hand on this thread, in fake time.
#include "edge/websocket/shared_streams.h"

#include <gtest/gtest.h>

#include "edge/websocket/session_test_kit.h"

namespace parley::edge::websocket {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Side {
 public:
  Side(const contract::ContractPtr& contract, const std::shared_ptr<StreamDirectory>& directory) : front(contract) {
    shard.use_fake_time();
    options.streams = directory;
    edge = std::make_unique<WebSocketEdge>(front, options);
  }

  // `work` is done on the shard, in one turn of its loop.
  void run(const std::function<void()>& work) {
    int turns = 0;
    shard.post(work);
    shard.run_until([&turns] { return turns++ > 0; });
  }
  void open() {
    exchanges.push_back(std::make_unique<TestExchange>("/ws/t.S/Shared"));
    run([this] { tasks.spawn(edge->serve(*exchanges.back())); });
  }
  // What the client says last.
  void say(std::string_view json) {
    run([&] { exchanges.back()->say(json); });
  }
  void leave() {
    run([this] {
      for (auto& exchange : exchanges) {
        if (!exchange->broken()) exchange->go_away();
      }
    });
  }
  void drain() {
    run([this] { tasks.spawn(edge->drain()); });
  }
  void give(int more) {
    run([&] {
      front.source->replies += more;
      front.source->changed.notify();
    });
  }

  Shard shard;
  OneFront front;
  WebSocketOptions options;
  std::unique_ptr<WebSocketEdge> edge;
  std::vector<std::unique_ptr<TestExchange>> exchanges;
  TaskGroup tasks;
};

class TwoShards : public testing::Test {
 protected:
  ~TwoShards() override {
    for (Side* side : {&a, &b}) side->leave();
    settle();
    for (Side* side : {&a, &b}) side->drain();
    settle();
    EXPECT_EQ(a.tasks.live() + b.tasks.live(), 0U);
  }
  void settle() {
    for (int i = 0; i < 20; ++i) {
      for (Side* side : {&a, &b}) side->run([] {});
    }
  }
  void pass(Duration time) {
    for (const Duration step = milliseconds(100); time > Duration::zero(); time -= step) {
      for (Side* side : {&a, &b}) side->run([&] { side->shard.advance(step); });
    }
    settle();
  }
  // A socket on that shard, which has said this.
  TestExchange& watch(Side& side, std::string_view start = R"({"start":{}})") {
    side.open();
    side.say(start);
    side.say(R"({"message":{"text":"a"}})");
    settle();
    return *side.exchanges.back();
  }
  int calls() const { return a.front.source->calls + b.front.source->calls; }

  std::shared_ptr<StreamDirectory> directory = std::make_shared<StreamDirectory>();
  contract::ContractPtr contract = line_contract();
  Side a{contract, directory};
  Side b{contract, directory};
};

int messages(std::string_view frames) {
  int count = 0;
  for (std::size_t at = 0; (at = frames.find("{\"message\"", at)) != std::string_view::npos; ++at) ++count;
  return count;
}

int skipped(const std::string& frames) {
  constexpr std::string_view skip = R"({"skipped":{"messages":)";
  int count = 0;
  for (std::size_t at = 0; (at = frames.find(skip, at)) != std::string::npos; at += skip.size())
    count += std::atoi(frames.c_str() + at + skip.size());
  return count;
}

std::string position(const std::string& frame) {
  constexpr std::string_view name = R"("position":")";
  const std::size_t at = frame.rfind(name);
  return at == std::string::npos ? "" : frame.substr(at + name.size(), frame.rfind('"') - at - name.size());
}

TEST_F(TwoShards, one_call_feeds_both) {
  TestExchange& first = watch(a);
  TestExchange& second = watch(b);
  EXPECT_EQ(calls(), 1);
  EXPECT_EQ(first.read(), "{\"headers\":{}} ");
  EXPECT_EQ(second.read(), "{\"headers\":{}} ");
  a.give(2);
  settle();
  const std::string frames = first.read();
  EXPECT_EQ(messages(frames), 2);
  EXPECT_EQ(second.read(), frames) << "positions are the same everywhere";
}

TEST_F(TwoShards, history_and_positions_are_known_on_both) {
  TestExchange& first = watch(a);
  a.give(5);
  settle();
  const std::string frames = first.read();
  EXPECT_EQ(messages(watch(b).read()), 0) << "the next one";
  EXPECT_EQ(messages(watch(b, R"({"start":{"history":2}})").read()), 2);
  EXPECT_EQ(messages(watch(b, R"({"start":{"history":100}})").read()), 3) << "as many as the contract says";
  const std::string after = position(frames.substr(0, frames.find("} {\"message\"", 30)));
  TestExchange& back = watch(b, R"({"start":{"resume":")" + after + "\"}}");
  const std::string again = back.read();
  EXPECT_TRUE(again.starts_with(R"({"headers":{"resumed":true}})")) << again;
  EXPECT_TRUE(frames.ends_with(again.substr(again.find("} {") + 2))) << again;
}

TEST_F(TwoShards, a_shard_that_is_late_is_waited_for_a_little_and_then_misses_messages) {
  a.front.source->size = 1000;
  TestExchange& first = watch(a);
  TestExchange& second = watch(b);
  a.run([&] {
    a.front.source->replies = 3000;
    a.front.source->changed.notify();
  });
  // The other shard does not run.
  std::string seen;
  const auto run_alone = [&](Duration time) {
    for (; time > Duration::zero(); time -= milliseconds(10)) {
      a.run([&] { a.shard.advance(milliseconds(10)); });
      seen += first.read();
    }
  };
  run_alone(milliseconds(200));
  const int held = a.front.source->sent;
  EXPECT_LT(held, 600) << "what a shard may be behind, and two pipes";
  run_alone(milliseconds(300));
  EXPECT_EQ(a.front.source->sent, 3000) << "nobody waits for it for ever";
  EXPECT_EQ(messages(seen) + skipped(seen), 3000);
  std::string late;
  for (int i = 0; i < 300; ++i) {
    late += second.read();
    b.run([] {});
    a.run([] {});
  }
  EXPECT_GT(skipped(late), 1000);
  EXPECT_GT(messages(late), 100);
  EXPECT_EQ(messages(late) + skipped(late), 3000);
}

TEST_F(TwoShards, a_shard_that_keeps_up_misses_nothing) {
  a.front.source->size = 10'000;
  watch(a);
  TestExchange& second = watch(b);
  a.run([&] {
    a.front.source->replies = 500;
    a.front.source->changed.notify();
  });
  std::string seen;
  for (int turn = 0; turn < 200; ++turn) {
    a.run([] {});
    for (int i = 0; i < 20; ++i) {
      b.run([] {});
      seen += second.read();
    }
  }
  EXPECT_EQ(messages(seen), 500);
  EXPECT_EQ(skipped(seen), 0);
}

TEST_F(TwoShards, a_stream_waits_for_readers_on_any_shard) {
  watch(a);
  watch(b);
  a.leave();
  pass(seconds(60));
  EXPECT_EQ(a.front.source->cancelled, "") << "somebody reads on the other shard";
  b.leave();
  pass(seconds(29));
  EXPECT_EQ(a.front.source->cancelled, "");
  watch(b);
  pass(seconds(31));
  EXPECT_EQ(calls(), 1);
  EXPECT_EQ(a.front.source->cancelled, "");
  b.leave();
  pass(seconds(31));
  EXPECT_EQ(a.front.source->cancelled, "no_reader");
  watch(b);
  EXPECT_EQ(b.front.source->calls, 1) << "a new stream is with whoever asks first";
}

TEST_F(TwoShards, the_end_reaches_both) {
  TestExchange& first = watch(a);
  TestExchange& second = watch(b);
  a.run([&] {
    a.front.source->replies = 1;
    a.front.source->waits = false;
    a.front.source->changed.notify();
  });
  settle();
  const std::string frames = first.read();
  EXPECT_TRUE(frames.ends_with("{\"status\":{\"code\":\"OK\"}} close 1000 ")) << frames;
  EXPECT_EQ(second.read(), frames);
  a.front.source->waits = true;
  watch(b);
  EXPECT_EQ(calls(), 2);
}

TEST_F(TwoShards, a_stream_that_ends_while_it_is_joined_is_joined_anew) {
  watch(a);
  // The other shard finds the stream in the directory; when its word arrives, in the next turn, the stream is over.
  a.run([this] {
    b.open();
    b.say(R"({"message":{"text":"a"}})");
    a.shard.run_until([] { return true; });  // is the current one again
    a.front.source->waits = false;
    a.front.source->changed.notify();
  });
  EXPECT_EQ(b.front.source->calls, 0);
  settle();
  a.front.source->waits = true;
  EXPECT_EQ(calls(), 2);
  EXPECT_TRUE(b.exchanges.back()->read().starts_with("{\"headers\":{}} "));
}

TEST_F(TwoShards, a_drain_ends_a_stream_when_its_last_reader_goes) {
  watch(a);
  TestExchange& second = watch(b);
  a.leave();
  a.drain();
  settle();
  a.give(1);
  settle();
  EXPECT_EQ(messages(second.read()), 1) << "who reads on another shard is told by that one when to stop";
  EXPECT_EQ(a.tasks.live(), 1U);
  b.leave();
  settle();
  EXPECT_EQ(a.tasks.live(), 0U);
  EXPECT_EQ(a.front.source->cancelled, "draining");
}

}  // namespace
}  // namespace parley::edge::websocket
