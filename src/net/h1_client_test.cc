// The pool over HTTP/1.1, against an upstream that answers with the bytes each case gives.
#include "net/h1_client.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/client_origin.h"
#include "net/fake_http1_upstream.h"

namespace parley::net {
namespace {

using Answer = FakeHttp1Upstream::Answer;
using Request = FakeHttp1Upstream::Request;

std::string shown(const Error& error) { return error.text() + (error.is_safe_to_retry() ? " (safe)" : ""); }

Task<std::string> read_response(ClientExchange& exchange) {
  const auto head = co_await exchange.head();
  if (!head) co_return shown(head.error());
  std::string out = std::to_string((*head)->status) + " ";
  for (;;) {
    auto chunk = co_await exchange.body().read();
    if (!chunk) co_return out + "then " + shown(chunk.error());
    if (!*chunk) break;
    out += (*chunk)->view();
  }
  for (const Field f : exchange.trailers()) out.append(" ").append(f.name).append("=").append(f.value);
  co_return out;
}

Task<std::string> fetch(ClientPool& pool, Origin origin, RequestHead head, std::optional<std::string> body) {
  auto exchange = co_await pool.open(origin, std::move(head), body.has_value(), Deadline::never());
  if (!exchange) co_return shown(exchange.error());
  if (body) {
    (*exchange)->request_body().push(Bytes(std::move(*body)));
    (*exchange)->finish();
  }
  co_return co_await read_response(**exchange);
}

Task<void> fetch_into(ClientPool& pool, Origin origin, RequestHead head, std::string& out) {
  out = co_await fetch(pool, std::move(origin), std::move(head), std::nullopt);
}

RequestHead head_of(std::string method, std::string target) {
  RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  return head;
}

struct Rig {
  Shard shard;
  FakeHttp1Upstream upstream{shard};
  PoolLimits limits{.connect_timeout = patience, .dns_servers = {}};
  std::unique_ptr<ClientPool> pool;
  Rig() {
    upstream.on_request = [](const Request&) {
      return Answer{.send = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"};
    };
  }
  ClientPool& start() {
    pool = std::make_unique<ClientPool>(shard, limits);
    return *pool;
  }
  Origin origin() const {
    Origin origin;
    origin.host = "127.0.0.1";
    origin.port = upstream.port;
    return origin;
  }
  std::string get(std::string target) {
    return run_blocking(shard, fetch(*pool, origin(), head_of("GET", std::move(target)), std::nullopt));
  }
  // Runs until the pool has none left: it has heard that they ended.
  void until_no_connection() {
    shard.run_until([&] { return pool->at(origin()).connection_count() == 0; });
  }
  void settle() {
    for (int i = 0; i < 20; ++i) {
      int turns = 0;
      shard.post([] {});
      shard.run_until([&] { return turns++ > 0; });
    }
  }
};

TEST(H1Client, RequestsOnTheWire) {
  struct Case {
    std::string_view name;
    RequestHead head;
    std::optional<std::string> body;
    std::string_view expect;  // in the head
    std::string_view and_not;
  };
  RequestHead measured = head_of("PUT", "/m");
  measured.fields.add("content-length", "3");
  const Case cases[] = {
      {"GET", head_of("GET", "/a?b=1"), std::nullopt, "GET /a?b=1 HTTP/1.1\r\nhost: 127.0.0.1:", "content-length"},
      {"POST without a body", head_of("POST", "/"), std::nullopt, "content-length: 0", "transfer-encoding"},
      {"a short body has a length", head_of("POST", "/"), "abc", "content-length: 3", "transfer-encoding"},
      {"an empty body has one too", head_of("POST", "/"), "", "content-length: 0", "transfer-encoding"},
      {"a length that is given stays", measured, "abc", "content-length: 3", "transfer-encoding"},
  };
  Rig rig;
  rig.start();
  for (const Case& c : cases) {
    EXPECT_EQ(run_blocking(rig.shard, fetch(*rig.pool, rig.origin(), c.head, c.body)), "200 ok") << c.name;
    const Request& seen = rig.upstream.requests.back();
    EXPECT_TRUE(seen.has(c.expect)) << c.name << ": " << seen.head;
    EXPECT_FALSE(seen.has(c.and_not)) << c.name << ": " << seen.head;
    EXPECT_EQ(seen.body, c.body.value_or("")) << c.name;
  }
  EXPECT_EQ(rig.upstream.connection_count(), 1U);
}

TEST(H1Client, AStreamedBodyIsChunked) {
  Rig rig;
  ClientPool& pool = rig.start();
  const auto talk = [](ClientPool& p, Origin origin, Shard& shard) -> Task<std::string> {
    auto exchange = co_await p.open(origin, head_of("POST", "/"), true, Deadline::never());
    for (int i = 0; i < 3; ++i) {
      (void)co_await (*exchange)->request_body().write(Bytes::literal("part"));
      co_await shard.sleep(std::chrono::milliseconds(1));
    }
    (*exchange)->finish();
    co_return co_await read_response(**exchange);
  };
  EXPECT_EQ(run_blocking(rig.shard, talk(pool, rig.origin(), rig.shard)), "200 ok");
  EXPECT_TRUE(rig.upstream.requests[0].has("transfer-encoding: chunked"));
  EXPECT_EQ(rig.upstream.requests[0].body, "partpartpart");
}

TEST(H1Client, Responses) {
  struct Case {
    std::string_view name;
    Answer answer;
    std::string_view expect;
    bool reused;  // whether the connection serves the next request
    std::string method = "GET";
  };
  const Case cases[] = {
      {"length", {.send = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"}, "200 abc", true},
      {"chunked with trailers",
       {.send = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nx-sum: 7\r\n\r\n"},
       "200 abcd x-sum=7",
       true},
      {"to the close", {.send = "HTTP/1.1 200 OK\r\n\r\nabc", .close = true}, "200 abc", false},
      {"Connection: close",
       {.send = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\na"},
       "200 a",
       false},
      {"HTTP/1.0", {.send = "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na"}, "200 a", false},
      {"204", {.send = "HTTP/1.1 204 No Content\r\n\r\n"}, "204 ", true},
      {"HEAD", {.send = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n"}, "200 ", true, "HEAD"},
      {"interim responses",
       {.send = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 "
                "OK\r\ncontent-length: 1\r\n\r\na"},
       "200 a",
       true},
      {"more than was asked for",
       {.send = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n"},
       "200 a",
       false},
      {"a cut body", {.send = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", .close = true}, "200 ", false},
      {"a cut head",
       {.send = "HTTP/1.1 200 OK\r\ncont", .close = true},
       "UNAVAILABLE (upstream_connection_lost)",
       false},
      {"nothing", {.send = "", .close = true}, "UNAVAILABLE (upstream_connection_lost)", false},
      {"rubbish", {.send = "SSH-2.0-OpenSSH\r\n\r\n"}, "INTERNAL: a malformed answer", false},
      {"a length and chunked",
       {.send = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"},
       "INTERNAL: a malformed answer",
       false},
      {"a bad chunk",
       {.send = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"},
       "200 then INTERNAL: a malformed answer",
       false},
      {"an upgrade nobody asked for",
       {.send = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"},
       "INTERNAL: it switched",
       false},
  };
  for (const Case& c : cases) {
    Rig rig;
    rig.start();
    rig.upstream.on_request = [&](const Request& r) {
      return r.line().contains("/first") ? c.answer : Answer{.send = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"};
    };
    const std::string got =
        run_blocking(rig.shard, fetch(*rig.pool, rig.origin(), head_of(c.method, "/first"), std::nullopt));
    EXPECT_TRUE(got.starts_with(c.expect)) << c.name << ": " << got;
    EXPECT_FALSE(got.ends_with("(safe)")) << c.name << ": the upstream had the request";
    rig.settle();
    if (!c.reused) rig.until_no_connection();
    EXPECT_EQ(rig.get("/second"), "200 ok") << c.name;
    EXPECT_EQ(rig.upstream.connection_count(), c.reused ? 1U : 2U) << c.name;
  }
}

TEST(H1Client, OneExchangeAConnectionUpToTheBound) {
  Rig rig;
  rig.limits.max_connections = 2;
  rig.upstream.on_request = [](const Request&) { return Answer{}; };
  ClientPool& pool = rig.start();
  std::string out[3];
  TaskGroup group;
  for (std::string& each : out) group.spawn(fetch_into(pool, rig.origin(), head_of("GET", "/"), each));
  rig.shard.run_until([&] { return rig.upstream.requests.size() == 2; });
  rig.settle();
  EXPECT_EQ(rig.upstream.connection_count(), 2U);
  rig.upstream.send_on(0, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1");
  rig.shard.run_until([&] { return rig.upstream.requests.size() == 3; });
  EXPECT_EQ(rig.upstream.requests[2].connection, 0);
  rig.upstream.send_on(0, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n3");
  rig.upstream.send_on(1, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2");
  run_blocking(rig.shard, group.join());
  std::ranges::sort(out);
  EXPECT_EQ(out[0] + out[1] + out[2], "200 1200 2200 3");
}

TEST(H1Client, AStaleConnection) {
  Rig rig;
  ClientPool& pool = rig.start();
  ASSERT_EQ(rig.get("/1"), "200 ok");
  rig.settle();
  rig.upstream.close(0);
  auto exchange = pool.at(rig.origin()).try_open(head_of("GET", "/2"), false);
  ASSERT_NE(exchange, nullptr) << "this side has not heard of it yet";
  const std::string got = run_blocking(rig.shard, read_response(*exchange));
  EXPECT_TRUE(got.starts_with("UNAVAILABLE (upstream_connection_lost)") && got.ends_with("(safe)")) << got;
  EXPECT_EQ(rig.get("/3"), "200 ok");
}

// See ClientPool.ARequestThatWasReadByAPeerThatWasKilledIsNotSentAgain.
TEST(H1Client, ARequestThatWasReadByAPeerThatWasKilledIsNotSentAgain) {
  Rig rig;
  rig.start();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(rig.get("/before"), "200 ok");
  rig.upstream.on_request = [](const Request&) { return Answer{.send = "", .close = true, .abort = true}; };
  const std::string got = rig.get("/charge");
  EXPECT_TRUE(got.starts_with("UNAVAILABLE (upstream_connection_lost)")) << got;
  EXPECT_FALSE(got.ends_with("(safe)")) << "the upstream had the request: " << got;
}

// An upstream that has answered and gone, and a write that meets this before any event told of either.
TEST(H1Client, AnAnswerThatCameBeforeTheConnectionsEndIsRead) {
  Rig rig;
  ClientPool& pool = rig.start();
  ASSERT_EQ(rig.get("/1"), "200 ok");
  auto exchange = pool.at(rig.origin()).try_open(head_of("POST", "/2"), true);
  ASSERT_NE(exchange, nullptr);
  exchange->request_body().push(Bytes::literal("one"));
  rig.settle();
  rig.upstream.send_on(0, "HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno");
  rig.upstream.close(0);
  for (int i = 0; i < 2; ++i) {
    exchange->request_body().push(Bytes::literal("more"));
    rig.shard.run_until([] { return true; });  // writes without a look at what came
  }
  EXPECT_EQ(run_blocking(rig.shard, read_response(*exchange)), "413 no");
}

TEST(H1Client, WordsOfAnIdlePeerEndTheConnection) {
  Rig rig;
  rig.start();
  ASSERT_EQ(rig.get("/1"), "200 ok");
  rig.upstream.send_on(0, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
  rig.shard.run_until([&] { return !rig.upstream.is_open(0); });
  EXPECT_EQ(rig.get("/2"), "200 ok");
}

TEST(H1Client, GivingUpClosesTheConnection) {
  Rig rig;
  ClientPool& pool = rig.start();
  rig.upstream.on_request = [](const Request&) { return Answer{}; };
  auto opened = run_blocking(rig.shard, pool.open(rig.origin(), head_of("GET", "/"), false, Deadline::never()));
  rig.shard.run_until([&] { return !rig.upstream.requests.empty(); });
  (*opened)->reset(Reset::cancel);
  rig.shard.run_until([&] { return !rig.upstream.is_open(0); });
  EXPECT_EQ(pool.at(rig.origin()).connection_count(), 0U);
}

TEST(H1Client, ABodyThatIsNotReadHoldsTheUpstreamBack) {
  Rig rig;
  ClientPool& pool = rig.start();
  const std::string big(8 << 20, 'x');
  rig.upstream.on_request = [&](const Request&) {
    return Answer{.send = "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(big.size()) + "\r\n\r\n"};
  };
  auto opened = run_blocking(rig.shard, pool.open(rig.origin(), head_of("GET", "/"), false, Deadline::never()));
  ASSERT_TRUE(run_blocking(rig.shard, (*opened)->head()).has_value());
  rig.upstream.send_on(0, big);  // as much as the sockets take
  rig.settle();
  EXPECT_LE((*opened)->body().bytes(), Pipe::default_limit + 128 * 1024);
}

}  // namespace
}  // namespace parley::net
