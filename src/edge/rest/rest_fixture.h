// For tests: a RestEdge over test/lib/awkward's contract and a few rpcs more, with handlers that follow a script, and
// an exchange whose client is the test.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/transcode.h"
#include "edge/rest/rest_edge.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/test_exchange.h"
#include "wire/compression.h"

namespace parley::edge::rest {

inline constexpr std::string_view extra_contract = R"(
syntax = "proto3"; package extra;
import "google/api/annotations.proto"; import "google/api/httpbody.proto";
service Files {
  rpc Attach(stream Piece) returns (Done) { option (google.api.http) = {post: "/files/{owner}" body: "file"}; }
  rpc Store(Piece) returns (Done) { option (google.api.http) = {put: "/files/{owner}" body: "file"}; }
  rpc Whole(google.api.HttpBody) returns (google.api.HttpBody) { option (google.api.http) = {post: "/whole" body: "*"}; }
  rpc Import(stream Piece) returns (Done) { option (google.api.http) = {post: "/owners/{owner}/import" body: "*"}; }
}
message Piece { string owner = 1; google.api.HttpBody file = 2; string file_name = 3; int32 size = 4; }
message Done { int32 count = 1; }
)";

inline const contract::ContractPtr& test_contract() {
  static const contract::ContractPtr loaded = [] {
    const contract::Folder folder;
    folder.write("extra.proto", extra_contract);
    contract::Loaded all = contract::load({PARLEY_SOURCE_DIR "/test/lib/awkward", folder.path()});
    EXPECT_NE(all.contract, nullptr) << contract::all_text(all.diagnostics);
    return all.contract;
  }();
  return loaded;
}

// What the handler of a test does, and what it saw.
struct Script {
  std::vector<std::string> replies;  // JSON of the method's reply message
  std::optional<Error> status;       // instead of success
  Fields headers;
  Fields trailers;
  bool read_all = true;             // requests, before it replies
  bool echo = false;                // replies to each request with itself, as it comes
  bool hang = false;                // waits until it is cancelled, after its replies
  std::optional<Bytes> wire_reply;  // as it stands, instead of `replies`
  std::optional<std::string> accepted;

  std::vector<std::string> requests;  // JSON
  Fields metadata;
  Deadline deadline = Deadline::never();
  std::optional<Error> cancelled;
  bool called = false;
  bool heard = false;
};

inline std::string to_json(const contract::MessageTable& table, std::string_view wire) {
  std::string json;
  const auto done = contract::wire_to_json(table, wire, json);
  return done ? json : "malformed: " + done.error().message();
}

class ScriptedHandler : public Handler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {}

  Task<Result<void>> handle(Call& call) override {
    script_.called = !call.cancelled();  // a call that is wrong is heard of, but not made
    script_.heard = true;
    script_.metadata = call.metadata;
    script_.deadline = call.deadline();
    const Call::OnCancel listener(call, [this](const Error& why) {
      script_.cancelled = why;
      changed_.notify();
    });
    while (script_.read_all) {
      auto next = co_await call.requests.read();
      if (!next) co_return fail(next.error());
      if (!*next) break;
      script_.requests.push_back(to_json(*call.method().input, (*next)->view()));
      if (script_.echo) (void)co_await call.replies.write(**next);
    }
    for (const Field f : script_.headers) call.headers.add(f.name, f.value);
    if (!script_.headers.empty()) call.headers_complete();
    call.accepted = script_.accepted;
    if (script_.wire_reply) (void)co_await call.replies.write(*script_.wire_reply);
    for (const std::string& reply : script_.replies) {
      std::string wire;
      const auto done = contract::json_to_wire(*call.method().output, reply, wire);
      EXPECT_TRUE(done) << done.error().message();
      if (auto sent = co_await call.replies.write(Bytes(std::move(wire))); !sent) co_return sent;
    }
    while (script_.hang && !call.cancelled()) co_await changed_.wait();
    for (const Field f : script_.trailers) call.trailers.add(f.name, f.value);
    if (script_.status) co_return fail(*script_.status);
    co_return Result<void>();
  }

 private:
  Script& script_;
  Signal changed_;
};

class TestFront : public Front {
 public:
  explicit TestFront(Script& script) : handler_(std::make_shared<ScriptedHandler>(script)) {}
  contract::ContractPtr contract() const override { return test_contract(); }
  HandlerPtr handler(const contract::Method&) const override { return handler_; }

 private:
  HandlerPtr handler_;
};

using net::TestExchange;

// An edge with its script. `ask` runs one exchange to its end.
class RestBench {
 public:
  explicit RestBench(RestOptions options = {}) : front(script), edge(front, std::move(options)) {}

  TestExchange& ask(std::string_view verb, std::string_view target, Fields fields = {}, std::string_view body = {}) {
    TestExchange& exchange = open(verb, target, std::move(fields));
    if (!body.empty()) exchange.send(body);
    exchange.end();
    settle();
    EXPECT_EQ(tasks.live(), 0U) << target << ": the exchange has not ended";
    return exchange;
  }
  // Starts an exchange whose request body the test writes.
  TestExchange& open(std::string_view verb, std::string_view target, Fields fields = {}) {
    exchanges.push_back(std::make_unique<TestExchange>(verb, target, std::move(fields)));
    tasks.spawn(edge.serve(*exchanges.back()));
    return *exchanges.back();
  }
  // Runs what can run without time passing.
  void settle() { shard.advance(Duration::zero()); }

  Shard shard;
  Script script;
  TestFront front;
  RestEdge edge;
  std::vector<std::unique_ptr<TestExchange>> exchanges;
  TaskGroup tasks;

 private:
  struct FakeTime {
    explicit FakeTime(Shard& shard) { shard.use_fake_time(); }
  } fake_time_{shard};
};

}  // namespace parley::edge::rest
