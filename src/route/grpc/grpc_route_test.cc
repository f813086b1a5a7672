// The gRPC route against an upstream that does what each case says.
#include "route/grpc/grpc_route.h"

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/client_origin.h"
#include "net/fake_upstream.h"
#include "wire/compression.h"
#include "wire/grpc_frame.h"
#include "wire/timeout.h"

namespace parley::route {
namespace {

using net::FakeConnection;
using Stream = FakeConnection::Stream;
using std::chrono::milliseconds;

constexpr std::string_view contract_text = R"(
  message M { string text = 1; }
  service Echo {
    rpc Unary(M) returns (M);
    rpc Server(M) returns (stream M);
    rpc Client(stream M) returns (M);
    rpc Bidi(stream M) returns (stream M);
  })";

std::string framed(std::string_view message, std::uint8_t flags = 0) {
  return std::string(wire::grpc_frame(flags, message).view());
}

const Fields ok_head{{":status", "200"}, {"content-type", "application/grpc"}};
const Fields ok_trailers{{"grpc-status", "0"}};

void reply(FakeConnection& c, std::int32_t id, std::string_view body, const Fields& trailers = ok_trailers) {
  c.headers(id, ok_head, false);
  if (!body.empty()) c.data(id, body);
  c.headers(id, trailers, true);
}

struct Rig {
  Shard shard;
  net::FakeUpstream upstream{shard};
  net::ClientPool pool{shard, {.connect_timeout = net::patience, .dns_servers = {}}};
  std::shared_ptr<mesh::Cluster> cluster;
  GrpcRouteLimits limits;
  contract::ContractPtr contract = contract::load_text(contract_text).contract;
  std::unique_ptr<GrpcRoute> route;

  explicit Rig(GrpcRouteLimits bounds = {}) : limits(bounds) {
    cluster = std::make_shared<mesh::Cluster>(
        "echo", *mesh::parse_addresses("grpc://127.0.0.1:" + std::to_string(upstream.port)), pool);
    route = std::make_unique<GrpcRoute>(cluster, limits);
  }
  const contract::Method& method(std::string_view name) const {
    return *contract->find("/shop.Echo/" + std::string(name));
  }
  // Runs until the upstream was told to give up the first stream.
  void until_reset() {
    shard.run_until([&] { return upstream.connections.at(0)->streams.at(1).reset.has_value(); });
  }
  void settle() {
    for (int i = 0; i < 20; ++i) {
      int turns = 0;
      shard.post([] {});
      shard.run_until([&] { return turns++ > 0; });
    }
  }
};

// "OK a,b" or "NOT_FOUND (upstream_status): no such thing", after the messages that came before it.
std::string shown(const Call& call, const std::string& messages) {
  if (call.status() == nullptr) return "OK " + messages;
  return (messages.empty() ? "" : messages + " then ") + call.status()->text();
}

Task<std::string> read_replies(Call& call) {
  std::string out;
  for (;;) {
    auto message = co_await call.replies.read();
    if (!message || !*message) break;
    if (!out.empty()) out += ',';
    out += (*message)->view();
  }
  co_await call.wait_finished();
  co_return shown(call, out);
}

Task<std::string> run(GrpcRoute& route, Call& call, std::vector<std::string> requests) {
  for (std::string& request : requests) call.requests.push(Bytes(std::move(request)));
  call.requests.end();
  TaskGroup group;
  group.spawn(answer(route, call));
  std::string out = co_await read_replies(call);
  co_await group.join();
  co_return out;
}

std::string call(Rig& rig, std::string_view method, std::vector<std::string> requests) {
  Call c(rig.contract, rig.method(method), "test");
  return run_blocking(rig.shard, run(*rig.route, c, std::move(requests)));
}

TEST(GrpcRoute, AllFourKinds) {
  Rig rig;
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, Stream& s) {
    std::string body;
    wire::GrpcFrameDecoder decoder(1 << 20);
    decoder.feed(Bytes::copy_of(s.body));
    std::string all;
    for (auto frame = decoder.next(); *frame; frame = decoder.next()) all += (*frame)->payload.view();
    const std::string_view path = s.head.get(":path");
    const bool stream = path.ends_with("Server") || path.ends_with("Bidi");
    body = stream ? framed(all) + framed("more") : framed(all);
    reply(c, id, body);
  };
  EXPECT_EQ(call(rig, "Unary", {"a"}), "OK a");
  EXPECT_EQ(call(rig, "Server", {"a"}), "OK a,more");
  EXPECT_EQ(call(rig, "Client", {"a", "b", "c"}), "OK abc");
  EXPECT_EQ(call(rig, "Client", {}), "OK ");
  EXPECT_EQ(call(rig, "Bidi", {"a", "b"}), "OK ab,more");
  EXPECT_TRUE(call(rig, "Unary", {std::string(100'000, 'x')}) == "OK " + std::string(100'000, 'x'));
}

TEST(GrpcRoute, OneRequestMessageWhereTheMethodHasOne) {
  Rig rig;
  EXPECT_TRUE(call(rig, "Unary", {}).starts_with("UNIMPLEMENTED (message_count)"));
  EXPECT_TRUE(call(rig, "Unary", {"a", "b"}).starts_with("UNIMPLEMENTED (message_count)"));
  EXPECT_TRUE(call(rig, "Server", {}).starts_with("UNIMPLEMENTED (message_count)"));
}

TEST(GrpcRoute, TheRequestOnTheWire) {
  Rig rig;
  Fields seen;
  rig.upstream.on_end = [&](FakeConnection& c, std::int32_t id, Stream& s) {
    seen = s.head;
    reply(c, id, framed("x"));
  };
  Call c(rig.contract, rig.method("Unary"), "test");
  c.metadata = {{"authorization", "Bearer t"},
                {"x-tenant", "7"},
                {"shop-bin", std::string_view("\xff\x00", 2)},
                {"connection", "close"},
                {"grpc-encoding", "br"},
                {"x-forwarded-for", "10.0.0.1"},
                {"x-tenant", "8"}};
  c.set_deadline(Deadline::after(rig.shard.now(), std::chrono::hours(1)));
  EXPECT_EQ(run_blocking(rig.shard, run(*rig.route, c, {"m"})), "OK x");
  EXPECT_EQ(seen.get(":method"), "POST");
  EXPECT_EQ(seen.get(":path"), "/shop.Echo/Unary");
  EXPECT_EQ(seen.get("te"), "trailers");
  EXPECT_EQ(seen.get("content-type"), "application/grpc");
  EXPECT_EQ(seen.get("authorization"), "Bearer t");
  EXPECT_EQ(seen.all("x-tenant"), (std::vector<std::string_view>{"7", "8"}));
  EXPECT_EQ(seen.get("shop-bin"), "/wA");
  EXPECT_EQ(seen.get("x-forwarded-for"), "10.0.0.1");
  EXPECT_FALSE(seen.has("connection"));
  EXPECT_FALSE(seen.has("grpc-encoding"));
  const auto timeout = wire::parse_grpc_timeout(seen.get("grpc-timeout"));
  ASSERT_TRUE(timeout.has_value());
  EXPECT_LE(*timeout, std::chrono::hours(1));
  EXPECT_GT(*timeout, std::chrono::minutes(50));
}

TEST(GrpcRoute, MetadataOfTheReply) {
  Rig rig;
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, Stream&) {
    c.headers(id,
              {{":status", "200"},
               {"content-type", "application/grpc+proto"},
               {"x-a", "1"},
               {"y-bin", "AQI=,Aw"},
               {"server", "s"}},
              false);
    c.data(id, framed("m"));
    c.headers(id, {{"grpc-status", "0"}, {"x-end", "2"}, {"z-bin", "not base64!"}}, true);
  };
  Call c(rig.contract, rig.method("Unary"), "test");
  EXPECT_EQ(run_blocking(rig.shard, run(*rig.route, c, {"m"})), "OK m");
  ASSERT_EQ(c.headers.size(), 3U);
  EXPECT_EQ(c.headers.get("x-a"), "1");
  EXPECT_EQ(c.headers.all("y-bin"), (std::vector<std::string_view>{"\x01\x02", "\x03"}));
  ASSERT_EQ(c.trailers.size(), 1U);
  EXPECT_EQ(c.trailers.get("x-end"), "2");
}

// What the upstream answers, and what the caller gets.
TEST(GrpcRoute, Answers) {
  using Act = std::function<void(FakeConnection&, std::int32_t)>;
  struct Case {
    std::string_view name;
    Act act;
    std::string_view expect;
    std::string_view method = "Unary";
  };
  const auto trailers_only = [](Fields fields) {
    return [fields](FakeConnection& c, std::int32_t id) { c.headers(id, fields, true); };
  };
  const auto body = [](std::string bytes, Fields trailers = ok_trailers) {
    return [bytes, trailers](FakeConnection& c, std::int32_t id) { reply(c, id, bytes, trailers); };
  };
  const auto encoded = [](std::string encoding, std::string bytes) {
    return [encoding, bytes](FakeConnection& c, std::int32_t id) {
      c.headers(id, {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-encoding", encoding}}, false);
      c.data(id, bytes);
      c.headers(id, ok_trailers, true);
    };
  };
  std::string zipped;
  wire::compress(wire::Encoding::gzip, "hello", zipped);
  std::string bomb;
  wire::compress(wire::Encoding::gzip, std::string(200'000, 'x'), bomb);
  const Case cases[] = {
      {"status in the trailers", body("", {{"grpc-status", "5"}, {"grpc-message", "no%20order%207"}}),
       "NOT_FOUND (upstream_status): no order 7"},
      {"trailers only",
       trailers_only(
           {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "7"}, {"grpc-message", "no"}}),
       "PERMISSION_DENIED (upstream_status): no"},
      {"trailers only, then RST NO_ERROR",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "9"}}, true);
         c.reset(id, NGHTTP2_NO_ERROR);
       },
       "FAILED_PRECONDITION (upstream_status): "},
      {"status in the head, END_STREAM after it",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "6"}}, false);
         c.data(id, "", true);
       },
       "ALREADY_EXISTS (upstream_status): "},
      {"a malformed grpc-message does not fail the call",
       body("", {{"grpc-status", "5"}, {"grpc-message", "100%, %zz"}}), "NOT_FOUND (upstream_status): 100%, %zz"},
      {"a code that gRPC does not have", body("", {{"grpc-status", "99"}}), "UNKNOWN (upstream_status): "},
      {"a status that is no number", body("", {{"grpc-status", "five"}}), "UNKNOWN (upstream_malformed): "},
      {"no status", body(framed("m"), {{"x", "y"}}), "UNKNOWN (upstream_no_status): "},
      {"no trailers",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, ok_head, false);
         c.data(id, framed("m"), true);
       },
       "UNKNOWN (upstream_no_status): "},
      {"HTTP 401", trailers_only({{":status", "401"}, {"content-type", "text/html"}}),
       "UNAUTHENTICATED (upstream_not_grpc): the upstream answered with HTTP status 401 and content-type text/html"},
      {"HTTP 403", trailers_only({{":status", "403"}}), "PERMISSION_DENIED (upstream_not_grpc)"},
      {"HTTP 404", trailers_only({{":status", "404"}}), "UNIMPLEMENTED (upstream_not_grpc)"},
      {"HTTP 400", trailers_only({{":status", "400"}}), "INTERNAL (upstream_not_grpc)"},
      {"HTTP 429", trailers_only({{":status", "429"}}), "UNAVAILABLE (upstream_not_grpc)"},
      {"HTTP 503", trailers_only({{":status", "503"}}), "UNAVAILABLE (upstream_not_grpc)"},
      {"HTTP 500", trailers_only({{":status", "500"}}), "UNKNOWN (upstream_not_grpc)"},
      {"HTTP 503 with a grpc-status", trailers_only({{":status", "503"}, {"grpc-status", "8"}}),
       "RESOURCE_EXHAUSTED (upstream_status)"},
      {"HTML with 200",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, {{":status", "200"}, {"content-type", "text/html"}}, false);
         c.data(id, "<html>", true);
       },
       "UNKNOWN (upstream_not_grpc): the upstream's answer is not gRPC"},
      {"application/grpc-web is not gRPC",
       trailers_only({{":status", "200"}, {"content-type", "application/grpc-web"}, {"x", "y"}}),
       "UNKNOWN (upstream_not_grpc)"},
      {"no message", body(""),
       "INTERNAL (upstream_malformed): the upstream's answer is malformed: no message where the method has one"},
      {"two messages", body(framed("a") + framed("b")),
       "INTERNAL (upstream_malformed): the upstream's answer is malformed: two messages"},
      {"a message before an error is not the reply", body(framed("a"), {{"grpc-status", "10"}}),
       "ABORTED (upstream_status): "},
      {"a stream's messages before an error are", body(framed("a"), {{"grpc-status", "10"}}),
       "a then ABORTED (upstream_status): ", "Server"},
      {"a cut message", body(framed("abcdef").substr(0, 8)),
       "INTERNAL (upstream_malformed): the upstream's answer is malformed: its last message is cut off"},
      {"a cut prefix", body(std::string("\0\0", 2), {{"grpc-status", "0"}}), "INTERNAL (upstream_malformed)", "Server"},
      {"unknown flags", body(framed("a", 0x40)),
       "INTERNAL (upstream_malformed): the upstream's answer is malformed: a message with flags 0x40"},
      {"gzip", encoded("gzip", framed(zipped, 1)), "OK hello"},
      {"compressed, but not by what was said", encoded("identity", framed(zipped, 1)), "INTERNAL (upstream_malformed)"},
      {"an unknown encoding", encoded("lzma", framed("x", 1)), "INTERNAL (upstream_malformed)"},
      {"broken gzip", encoded("gzip", framed("rubbish", 1)), "INTERNAL (upstream_malformed)"},
      {"an empty compressed message", encoded("gzip", framed("", 1)), "OK "},
      {"a message above the limit", body(framed(std::string(70'000, 'x'))),
       "RESOURCE_EXHAUSTED (upstream_message_too_large)"},
      {"a message above the limit when unpacked", encoded("gzip", framed(bomb, 1)),
       "RESOURCE_EXHAUSTED (upstream_message_too_large)"},
      {"RST CANCEL", [](FakeConnection& c, std::int32_t id) { c.reset(id, NGHTTP2_CANCEL); },
       "CANCELLED (upstream_reset)"},
      {"RST within a stream",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, ok_head, false);
         c.data(id, framed("a"));
         c.reset(id, NGHTTP2_ENHANCE_YOUR_CALM);
       },
       "a then RESOURCE_EXHAUSTED (upstream_reset)", "Server"},
      {"dies", [](FakeConnection& c, std::int32_t) { c.close(); }, "UNAVAILABLE (upstream_connection_lost)"},
  };
  for (const Case& c : cases) {
    Rig rig({.message_bytes = 64 * 1024});
    rig.upstream.on_end = [&](FakeConnection& connection, std::int32_t id, Stream&) { c.act(connection, id); };
    const std::string got = call(rig, c.method, {"m"});
    EXPECT_TRUE(got.starts_with(c.expect)) << c.name << ": " << got;
    EXPECT_EQ(rig.pool.at(rig.cluster->config().origins[0]).exchange_count(), 0U) << c.name;
  }
}

TEST(GrpcRoute, ErrorDetails) {
  Rig rig;
  // google.rpc.Status{code: 3, message: "bad", details: [Any{type_url: "type.googleapis.com/a.B", value: "xy"}]}
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, Stream&) {
    reply(c, id, "",
          {{"grpc-status", "3"}, {"grpc-status-details-bin", "CAMSA2JhZBodChd0eXBlLmdvb2dsZWFwaXMuY29tL2EuQhICeHk"}});
  };
  Call c(rig.contract, rig.method("Unary"), "test");
  run_blocking(rig.shard, run(*rig.route, c, {"m"}));
  ASSERT_NE(c.status(), nullptr);
  EXPECT_EQ(c.status()->code(), Code::invalid_argument);
  EXPECT_EQ(c.status()->blame(), Blame::caller);
  EXPECT_EQ(c.status()->message(), "bad");
  ASSERT_EQ(c.status()->details().size(), 1U);
  EXPECT_EQ(c.status()->details()[0].type, "a.B");
  EXPECT_EQ(c.status()->details()[0].value, "xy");
}

TEST(GrpcRoute, BidiIsFullDuplex) {
  Rig rig;
  rig.upstream.on_head = [](FakeConnection& c, std::int32_t id, Stream&) {
    c.headers(id, ok_head, false);
    c.data(id, framed("welcome"));
  };
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, Stream& s) {
    c.data(id, s.body);
    c.headers(id, ok_trailers, true);
  };
  Call c(rig.contract, rig.method("Bidi"), "test");
  TaskGroup group;
  group.spawn(answer(*rig.route, c));
  const auto first = [](Call& call) -> Task<std::string> {
    auto message = co_await call.replies.read();
    co_return std::string((*message)->view());
  };
  EXPECT_EQ(run_blocking(rig.shard, first(c)), "welcome") << "before any request message";
  c.requests.push(Bytes::literal("bye"));
  c.requests.end();
  EXPECT_EQ(run_blocking(rig.shard, read_replies(c)), "OK bye");
  run_blocking(rig.shard, group.join());
}

TEST(GrpcRoute, AnEarlyEndStopsTheRequests) {
  Rig rig;
  rig.upstream.on_head = [](FakeConnection& c, std::int32_t id, Stream&) {
    c.headers(
        id,
        {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "8"}, {"grpc-message", "enough"}},
        true);
    c.reset(id, NGHTTP2_NO_ERROR);
  };
  Call c(rig.contract, rig.method("Client"), "test");
  TaskGroup group;
  group.spawn(answer(*rig.route, c));
  EXPECT_EQ(run_blocking(rig.shard, read_replies(c)), "RESOURCE_EXHAUSTED (upstream_status): enough");
  run_blocking(rig.shard, group.join());
  EXPECT_TRUE(c.requests.aborted().has_value());
}

TEST(GrpcRoute, CancellationResetsTheUpstream) {
  for (const std::string_view method : {"Unary", "Server", "Client", "Bidi"}) {
    Rig rig;
    bool seen = false;
    rig.upstream.on_head = [&](FakeConnection&, std::int32_t, Stream&) { seen = true; };
    Call c(rig.contract, rig.method(method), "test");
    c.requests.push(Bytes::literal("m"));
    if (!c.method().client_streaming) c.requests.end();
    TaskGroup group;
    group.spawn(answer(*rig.route, c));
    rig.shard.run_until([&] { return seen; });
    c.cancel(Error(Code::cancelled, Blame::caller, "the caller went away"));
    run_blocking(rig.shard, group.join());
    EXPECT_EQ(c.status()->text(), "CANCELLED: the caller went away") << method;
    rig.until_reset();
    EXPECT_EQ(rig.upstream.connections[0]->streams.at(1).reset, NGHTTP2_CANCEL) << method;
  }
}

TEST(GrpcRoute, CancellationEndsTheWaitForAConnection) {
  for (const std::string_view method : {"Unary", "Bidi"}) {
    Rig rig;
    bool connected = false;
    rig.upstream.on_connect = [&](FakeConnection&) {
      connected = true;
      return false;  // and nothing more
    };
    Call c(rig.contract, rig.method(method), "test");
    c.requests.push(Bytes::literal("m"));
    c.requests.end();
    TaskGroup group;
    group.spawn(answer(*rig.route, c));
    rig.shard.run_until([&] { return connected; });
    rig.shard.use_fake_time();  // no time-out can help
    c.cancel(Error(Code::cancelled, Blame::caller, "gone"));
    run_blocking(rig.shard, group.join());
    EXPECT_EQ(c.status()->text(), "CANCELLED: gone") << method;
  }
}

TEST(GrpcRoute, ADeadlineResetsTheUpstream) {
  Rig rig;
  rig.shard.use_fake_time();
  rig.upstream.on_end = [&](FakeConnection&, std::int32_t, Stream&) { rig.shard.advance(milliseconds(100)); };
  Call c(rig.contract, rig.method("Unary"), "test");
  c.set_deadline(Deadline::after(rig.shard.now(), milliseconds(20)));
  EXPECT_TRUE(run_blocking(rig.shard, run(*rig.route, c, {"m"})).starts_with("DEADLINE_EXCEEDED"));
  rig.until_reset();
  EXPECT_EQ(rig.upstream.connections[0]->streams.at(1).reset, NGHTTP2_CANCEL);
}

TEST(GrpcRoute, AnUpstreamMayEndACallAtItsDeadlineBeforeOurTimerDoes) {
  Rig rig;
  rig.shard.use_fake_time();
  rig.upstream.on_end = [&](FakeConnection& c, std::int32_t id, Stream&) {
    rig.shard.advance(milliseconds(1));
    c.reset(id, NGHTTP2_CANCEL);
  };
  Call c(rig.contract, rig.method("Unary"), "test");
  c.set_deadline(Deadline::after(rig.shard.now(), milliseconds(1)));
  EXPECT_EQ(run_blocking(rig.shard, run(*rig.route, c, {"m"})), "DEADLINE_EXCEEDED: the call's deadline passed");
}

// Sent again where nothing was processed, and only there.
TEST(GrpcRoute, RetriesWhatWasNotProcessed) {
  struct Case {
    std::string_view name;
    std::function<void(FakeConnection&, std::int32_t)> first;  // what the first attempt meets
    std::string_view expect;
    int attempts;
  };
  const Case cases[] = {
      {"refused stream", [](FakeConnection& c, std::int32_t id) { c.reset(id, NGHTTP2_REFUSED_STREAM); }, "OK m", 2},
      {"GOAWAY below it", [](FakeConnection& c, std::int32_t) { c.goaway(0, 0); }, "OK m", 2},
      {"lost after it arrived", [](FakeConnection& c, std::int32_t) { c.close(); }, "UNAVAILABLE", 1},
      {"another code", [](FakeConnection& c, std::int32_t id) { c.reset(id, NGHTTP2_INTERNAL_ERROR); }, "INTERNAL", 1},
      {"unavailable as a status", [](FakeConnection& c, std::int32_t id) { reply(c, id, "", {{"grpc-status", "14"}}); },
       "UNAVAILABLE", 1},
  };
  for (const Case& c : cases) {
    for (const std::string_view method : {"Unary", "Server", "Client", "Bidi"}) {
      Rig rig;
      int attempts = 0;
      rig.upstream.on_end = [&](FakeConnection& connection, std::int32_t id, Stream& s) {
        if (++attempts == 1) return c.first(connection, id);
        EXPECT_EQ(s.body, framed("m"));
        reply(connection, id, s.body);
      };
      const std::string got = call(rig, method, {"m"});
      EXPECT_TRUE(got.starts_with(c.expect)) << c.name << " " << method << ": " << got;
      EXPECT_EQ(attempts, c.attempts) << c.name << " " << method;
    }
  }
}

TEST(GrpcRoute, RetriesAreBounded) {
  Rig rig;
  int attempts = 0;
  rig.upstream.on_end = [&](FakeConnection& c, std::int32_t id, Stream&) {
    ++attempts;
    c.reset(id, NGHTTP2_REFUSED_STREAM);
  };
  EXPECT_TRUE(call(rig, "Unary", {"m"}).starts_with("UNAVAILABLE (upstream_refused_stream)"));
  EXPECT_EQ(attempts, 3);
}

TEST(GrpcRoute, AnUpstreamThatIsNotThere) {
  Rig rig;
  rig.upstream.stop();
  EXPECT_TRUE(
      call(rig, "Unary", {"m"}).starts_with("UNAVAILABLE (upstream_unreachable): echo: connecting to 127.0.0.1:"));
  EXPECT_TRUE(
      call(rig, "Bidi", {"m"}).starts_with("UNAVAILABLE (upstream_unreachable): echo: connecting to 127.0.0.1:"));
}

TEST(GrpcRoute, AStaleConnectionFailsNoCall) {
  Rig rig;
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, Stream& s) { reply(c, id, s.body); };
  EXPECT_EQ(call(rig, "Unary", {"1"}), "OK 1");
  rig.settle();
  rig.upstream.connections[0]->close();  // the next call leaves before this side hears of it
  EXPECT_EQ(call(rig, "Unary", {"2"}), "OK 2");
  EXPECT_EQ(rig.upstream.connections.size(), 2U);
}

}  // namespace
}  // namespace parley::route
