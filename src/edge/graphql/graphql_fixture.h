// For tests: a GraphqlEdge over a small contract, with handlers that answer in JSON as a table says, and an exchange
// whose client is the test.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/text_escape.h"
#include "contract/transcode.h"
#include "edge/graphql/graphql_edge.h"
#include "loop/shard.h"
#include "loop/task_group.h"

namespace parley::edge::graphql {

inline constexpr std::string_view blog_contract = R"(
syntax = "proto3"; package blog;
import "google/api/field_behavior.proto"; import "google/protobuf/any.proto"; import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto"; import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto"; import "parley/options.proto";
service Blog {
  rpc ListPosts(ListPostsRequest) returns (ListPostsResponse) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc GetPost(GetPostRequest) returns (Post) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc GetKinds(KindsRequest) returns (Kinds) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc ListTitles(ListPostsRequest) returns (Titles) {
    option idempotency_level = NO_SIDE_EFFECTS; option (parley.graphql) = {unwrap: "titles"};
  }
  rpc CreatePost(CreatePostRequest) returns (Post);
  rpc WatchPosts(ListPostsRequest) returns (stream Post) { option idempotency_level = NO_SIDE_EFFECTS; }
}
service Users {
  rpc BatchGetUsers(BatchGetUsersRequest) returns (BatchGetUsersResponse) {
    option idempotency_level = NO_SIDE_EFFECTS; option (parley.loader) = {max: 3};
  }
  rpc BatchGetTeams(BatchGetTeamsRequest) returns (BatchGetTeamsResponse) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc ListNotes(ListNotesRequest) returns (ListNotesResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (parley.loader) = {keys: "user_ids" items: "notes" match: "user_id" many: true};
    option (parley.graphql) = {name: "notes" extend: "blog.User" key: "id"};
  }
}
message ListPostsRequest { int32 page_size = 1; string filter = 2; google.protobuf.FieldMask read_mask = 3; }
message ListPostsResponse { repeated Post posts = 1; string next_page_token = 2; }
message GetPostRequest { int64 id = 1 [(google.api.field_behavior) = REQUIRED]; oneof by { string slug = 2; int32 place = 3; } }
message CreatePostRequest { Post post = 1 [(google.api.field_behavior) = REQUIRED]; map<string, int64> counts = 2; }
message Titles { repeated string titles = 1; }
enum Mood { MOOD_UNSPECIFIED = 0; MOOD_GLAD = 1; MOOD_SAD = 2; }
message Text { string body = 1; }
message Post {
  int64 id = 1; string title = 2 [(google.api.field_behavior) = REQUIRED];
  int32 user_id = 3 [(parley.link) = {field: "user" rpc: "blog.Users/BatchGetUsers"}];
  repeated int32 reader_ids = 4 [(parley.link) = {field: "readers" rpc: "blog.Users/BatchGetUsers"}];
  Mood mood = 5; repeated string tags = 6;
  oneof content { Text text = 7; string link = 8; int32 number = 9; }
  Post parent = 10; map<string, int64> counts = 11; map<int32, Text> texts = 12;
}
message KindsRequest {}
message Kinds {
  int32 i32 = 1; int64 i64 = 2; uint32 u32 = 3; uint64 u64 = 4; sint32 s32 = 5; sint64 s64 = 6; fixed32 f32 = 7;
  fixed64 f64 = 8; float flt = 9; double dbl = 10; bool yes = 11; string text = 12; bytes raw = 13; Mood mood = 14;
  optional int32 maybe = 15; google.protobuf.StringValue word = 16; google.protobuf.UInt32Value count = 17;
  google.protobuf.Timestamp at = 18; google.protobuf.Duration lasts = 19; google.protobuf.Struct any_of = 20;
  google.protobuf.Value value = 21; google.protobuf.FieldMask mask = 22; repeated Mood moods = 23;
  repeated double doubles = 24; repeated uint32 u32s = 25; repeated google.protobuf.Timestamp times = 26;
  google.protobuf.Any anything = 27; repeated Text texts = 28; google.protobuf.Empty nothing = 29;
}
message BatchGetUsersRequest { repeated int32 ids = 1; }
message BatchGetUsersResponse { repeated User users = 1; }
message User { int32 id = 1; string name = 2; string team_id = 3 [(parley.link) = {field: "team" rpc: "blog.Users/BatchGetTeams"}]; }
message BatchGetTeamsRequest { repeated string ids = 1; }
message BatchGetTeamsResponse { map<string, Team> teams = 1; }
message Team { string id = 1; string title = 2; }
message ListNotesRequest { repeated int32 user_ids = 1; }
message ListNotesResponse { repeated Note notes = 1; }
message Note { int32 user_id = 1; string text = 2; }
)";

inline const parley::graphql::SchemaPtr& blog_schema() {
  static const parley::graphql::SchemaPtr schema = [] {
    const contract::Loaded loaded = contract::load_texts({{"blog.proto", std::string(blog_contract)}});
    EXPECT_NE(loaded.contract, nullptr) << contract::all_text(loaded.diagnostics);
    const auto built = parley::graphql::Schema::build(loaded.contract);
    EXPECT_NE(built.schema, nullptr) << contract::all_text(built.diagnostics);
    return built.schema;
  }();
  return schema;
}

// What the rpcs answer, by name: JSON of the reply; for a stream, one a line. "!NOT_FOUND no such thing" is an error;
// "@hex" wire bytes as they are.
struct Script {
  std::map<std::string, std::vector<std::string>, std::less<>> replies;  // in turn; the last one stays
  std::vector<std::string> calls;                                        // "ListPosts {\"pageSize\":2}"
  Fields metadata;                                                       // of the last call
  Deadline deadline = Deadline::never();
  std::string cancelled;  // the rpc that was
  bool hang = false;      // streams stay open after their replies; unary calls do not answer
};

class ScriptedHandler : public Handler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {}

  Task<Result<void>> handle(Call& call) override {
    auto request = co_await call.requests.read();
    if (!request) co_return fail(request.error());
    std::string json;
    EXPECT_TRUE(contract::wire_to_json(*call.method().input, (*request)->view(), json));
    script_.calls.push_back(call.method().name + " " + json);
    script_.metadata = call.metadata;
    script_.deadline = call.deadline();
    const Call::OnCancel listener(call, [this, &call](const Error&) {
      script_.cancelled = call.method().name;
      changed_.notify();
    });
    std::vector<std::string>& replies = script_.replies[call.method().name];
    if (call.method().server_streaming) {
      for (const std::string& reply : replies) {
        if (auto sent = co_await send(call, reply); !sent) co_return sent;
      }
      while (script_.hang && !call.cancelled()) co_await changed_.wait();
      co_return Result<void>();
    }
    while (script_.hang && !call.cancelled()) co_await changed_.wait();
    call.headers.add("x-from", call.method().name);
    const std::string reply = replies.empty() ? "{}" : replies.front();
    if (replies.size() > 1) replies.erase(replies.begin());
    co_return co_await send(call, reply);
  }

 private:
  static Task<Result<void>> send(Call& call, std::string reply) {
    if (reply.starts_with('!')) {
      const std::size_t space = reply.find(' ');
      co_return fail(Error(*code_from_name(reply.substr(1, space - 1)), Blame::upstream, reply.substr(space + 1)));
    }
    std::string wire;
    if (reply.starts_with('@')) {
      for (std::size_t i = 1; i + 1 < reply.size(); i += 2) {
        wire += static_cast<char>(std::stoi(reply.substr(i, 2), nullptr, 16));
      }
    } else {
      const auto done = contract::json_to_wire(*call.method().output, reply, wire);
      EXPECT_TRUE(done) << reply << ": " << done.error().message();
    }
    co_return co_await call.replies.write(Bytes(std::move(wire)));
  }

  Script& script_;
  Signal changed_;
};

class BlogFront : public Front {
 public:
  explicit BlogFront(Script& script)
      : contract_(std::shared_ptr<const contract::Contract>(blog_schema(), &blog_schema()->contract())),
        handler_(std::make_shared<ScriptedHandler>(script)) {}
  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method&) const override { return handler_; }

 private:
  contract::ContractPtr contract_;
  HandlerPtr handler_;
};

class TestExchange : public net::ServerExchange, PipeObserver {
 public:
  TestExchange(std::string_view verb, std::string_view target, Fields fields) {
    request_ = {std::string(verb), "http", "test", std::string(target), std::move(fields)};
    static const net::Peer peer{.address = "127.0.0.1:9", .tls = false, .http_version = 11, .subject = {}};
    peer_ = &peer;
    response_body_.observe(this);
  }
  void send(std::string_view chunk) { body_.push(Bytes::copy_of(chunk)); }
  void end() { body_.end(); }
  void drain() { tell_drain(); }
  void go_away() { break_off(Error(Code::cancelled, Blame::caller, "the client is gone")); }

  void respond(net::ResponseHead head) override {
    EXPECT_FALSE(responded_) << "a second head";
    responded_ = true;
    this->head = std::move(head);
  }
  void accept_upgrade(Fields) override { ADD_FAILURE() << "an upgrade nobody asked for"; }
  void finish(Fields) override { finished = true; }
  void reset(net::Reset) override { break_off(Error(Code::cancelled, Blame::us, "reset")); }

  net::ResponseHead head;
  std::string text;
  bool finished = false;

 private:
  void pipe_written(Pipe& pipe) override {
    while (pipe.count() > 0) text += (*pipe.take())->view();
  }
};

// An edge with its script. `ask` runs one request to its end and gives the response's body.
class Bench {
 public:
  explicit Bench(GraphqlOptions options = {}, std::shared_ptr<const PersistedDocuments> persisted = nullptr)
      : front(script), edge(front, std::move(options), [] { return blog_schema(); }, std::move(persisted)) {
    shard.use_fake_time();
  }

  // A POST with JSON; `variables` is a JSON object.
  std::string ask(std::string_view query, std::string_view variables = "null", Fields fields = {}) {
    std::string body = "{\"query\":";
    contract::append_json_string(body, query);
    body.append(",\"variables\":").append(variables).append("}");
    return post(body, std::move(fields)).text;
  }
  TestExchange& post(std::string_view body, Fields fields = {}) {
    if (!fields.has("content-type")) fields.add("content-type", "application/json");
    return run("POST", "/graphql", std::move(fields), body);
  }
  TestExchange& run(std::string_view verb, std::string_view target, Fields fields = {}, std::string_view body = {}) {
    TestExchange& exchange = open(verb, target, std::move(fields), body);
    EXPECT_EQ(tasks.live(), 0U) << "the exchange has not ended";
    return exchange;
  }
  TestExchange& open(std::string_view verb, std::string_view target, Fields fields = {}, std::string_view body = {}) {
    exchanges.push_back(std::make_unique<TestExchange>(verb, target, std::move(fields)));
    TestExchange& exchange = *exchanges.back();
    if (!body.empty()) exchange.send(body);
    exchange.end();
    tasks.spawn(edge.serve(exchange));
    settle();
    return exchange;
  }
  void settle() { shard.advance(Duration::zero()); }

  Shard shard;
  Script script;
  BlogFront front;
  GraphqlEdge edge;
  std::vector<std::unique_ptr<TestExchange>> exchanges;
  TaskGroup tasks;
};

}  // namespace parley::edge::graphql
