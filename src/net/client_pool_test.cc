// The pool over HTTP/2, against an upstream that does what each case says.
#include "net/client_pool.h"

#include <gtest/gtest.h>

#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/client_connection.h"
#include "net/client_origin.h"
#include "net/fake_name_server.h"
#include "net/fake_upstream.h"

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Opened = Result<std::unique_ptr<ClientExchange>>;

const Fields ok_head{{":status", "200"}};

Origin origin_at(std::uint16_t port) {
  Origin origin;
  origin.host = "127.0.0.1";
  origin.port = port;
  origin.http2 = true;
  return origin;
}

RequestHead get(std::string target) {
  RequestHead head;
  head.method = "GET";
  head.target = std::move(target);
  return head;
}

// What came of one exchange: "200 body", or the error's text and "(safe)".
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

Task<std::string> fetch(ClientPool& pool, Origin origin, std::string target, Deadline deadline = Deadline::never()) {
  Opened exchange = co_await pool.open(origin, get(std::move(target)), false, deadline);
  if (!exchange) co_return shown(exchange.error());
  co_return co_await read_response(**exchange);
}

Task<void> fetch_into(ClientPool& pool, Origin origin, std::string target, std::string& out) {
  out = co_await fetch(pool, std::move(origin), std::move(target));
}

// A pool and an upstream that answers everything with 200 and the path.
struct Rig {
  Shard shard;
  FakeUpstream upstream{shard};
  PoolLimits limits{.connect_timeout = patience, .dns_servers = {}};
  std::unique_ptr<ClientPool> pool;
  Rig() {
    upstream.on_end = [](FakeConnection& c, std::int32_t id, FakeConnection::Stream& s) {
      c.headers(id, ok_head, false);
      c.data(id, s.head.get(":path"), true);
    };
  }
  ClientPool& start() {
    pool = std::make_unique<ClientPool>(shard, limits);
    return *pool;
  }
  Origin origin() const { return origin_at(upstream.port); }
  std::string fetch(std::string target) { return run_blocking(shard, net::fetch(*pool, origin(), std::move(target))); }
  void refuse_and_count(int& refused) {
    upstream.on_connect = [&refused](FakeConnection& c) {
      ++refused;
      c.close();
      return false;
    };
  }
  // Runs until the pool has none left: it has heard that they ended.
  void until_no_connection() {
    shard.run_until([&] { return pool->at(origin()).connection_count() == 0; });
  }
  // Turns of the loop until all that is in flight on the loopback has arrived.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      int turns = 0;
      shard.post([] {});
      shard.run_until([&] { return turns++ > 0; });
    }
  }
};

TEST(ClientPool, ExchangesShareAConnection) {
  Rig rig;
  rig.start();
  EXPECT_EQ(rig.fetch("/a"), "200 /a");
  EXPECT_EQ(rig.fetch("/b"), "200 /b");
  ASSERT_EQ(rig.upstream.connections.size(), 1U);
  const Fields& head = rig.upstream.connections[0]->streams.at(3).head;
  EXPECT_EQ(head.get(":authority"), "127.0.0.1:" + std::to_string(rig.upstream.port));
  EXPECT_EQ(head.get(":scheme"), "http");
}

TEST(ClientPool, BodiesAndTrailersGoBothWays) {
  Rig rig;
  ClientPool& pool = rig.start();
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, FakeConnection::Stream& s) {
    c.headers(id, {{":status", "100"}}, false);  // skipped
    c.headers(id, {{":status", "201"}, {"x-a", "1"}}, false);
    c.data(id, s.body);
    c.data(id, s.trailers.get("x-end"));
    c.headers(id, {{"x-sum", "7"}}, true);
  };
  const auto talk = [](ClientPool& p, Origin origin) -> Task<std::string> {
    Opened exchange = co_await p.open(
        origin, RequestHead{.method = "POST", .scheme = "", .authority = "", .target = "/", .fields = {}}, true,
        Deadline::never());
    (void)co_await (*exchange)->request_body().write(Bytes::literal("one,"));
    (void)co_await (*exchange)->request_body().write(Bytes::literal("two,"));
    (*exchange)->finish({{"x-end", "done"}});
    co_return co_await read_response(**exchange);
  };
  EXPECT_EQ(run_blocking(rig.shard, talk(pool, rig.origin())), "201 one,two,done x-sum=7");
}

TEST(ClientPool, FullConnectionsAreJoinedByOthersUpToABound) {
  Rig rig;
  rig.upstream.max_streams = 2;
  rig.limits.max_h2_connections = 2;
  ClientPool& pool = rig.start();
  std::vector<std::pair<FakeConnection*, std::int32_t>> held;
  rig.upstream.on_end = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) { held.emplace_back(&c, id); };
  std::string out[6];
  TaskGroup group;
  for (int i = 0; i < 6; ++i) group.spawn(fetch_into(pool, rig.origin(), "/" + std::to_string(i), out[i]));
  rig.shard.run_until([&] { return held.size() == 4; });
  rig.settle();
  EXPECT_EQ(held.size(), 4U) << "two connections of two streams; the others wait";
  EXPECT_EQ(rig.upstream.connections.size(), 2U);
  for (std::size_t answered = 0; answered < 6; ++answered) {
    rig.shard.run_until([&] { return held.size() > answered; });
    auto [connection, id] = held[answered];
    connection->headers(id, ok_head, true);
  }
  run_blocking(rig.shard, group.join());
  for (const std::string& each : out) EXPECT_EQ(each, "200 ");
  EXPECT_EQ(rig.upstream.connections.size(), 2U);
}

// The stream of an exchange that is given up makes room for the next one, also where there is room for only one.
TEST(ClientPool, AnExchangeThatIsGivenUpFreesItsStream) {
  for (const bool by_reset : {false, true}) {
    Rig rig;
    rig.upstream.max_streams = 1;
    rig.limits.max_h2_connections = 1;
    ClientPool& pool = rig.start();
    const auto answer =
        std::exchange(rig.upstream.on_end, [](FakeConnection&, std::int32_t, FakeConnection::Stream&) {});
    auto opened = run_blocking(rig.shard, pool.open(rig.origin(), get("/long"), false, Deadline::never()));
    ASSERT_TRUE(opened.has_value());
    rig.shard.run_until([&] { return rig.upstream.connections.at(0)->streams.contains(1); });
    rig.upstream.on_end = answer;
    if (by_reset) (*opened)->reset(Reset::cancel);
    opened->reset();
    EXPECT_EQ(run_blocking(rig.shard, fetch(pool, rig.origin(), "/next", Deadline::after(rig.shard.now(), seconds(5)))),
              "200 /next");
    EXPECT_EQ(rig.upstream.connections.size(), 1U);
  }
}

// SETTINGS_MAX_CONCURRENT_STREAMS may fall to nothing and rise again (RFC 9113 section 5.1.2).
TEST(ClientPool, StreamsThatThePeerForbidsForAWhileAreWaitedFor) {
  Rig rig;
  rig.limits.max_h2_connections = 1;
  ClientPool& pool = rig.start();
  EXPECT_EQ(rig.fetch("/a"), "200 /a");
  FakeConnection& connection = *rig.upstream.connections.at(0);
  const auto allow = [&](char streams) {
    connection.frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\x03\0\0\0", 5) + streams);
    rig.settle();
  };
  allow(0);
  std::string out;
  TaskGroup group;
  group.spawn(fetch_into(pool, rig.origin(), "/b", out));
  rig.settle();
  EXPECT_EQ(out, "");
  allow(1);
  run_blocking(rig.shard, group.join());
  EXPECT_EQ(out, "200 /b");
}

TEST(ClientPool, TooManyWaitersAreTurnedAway) {
  Rig rig;
  rig.limits.max_waiting = 1;
  ClientPool& pool = rig.start();
  rig.upstream.on_connect = [](FakeConnection&) { return false; };
  std::string first;
  TaskGroup group;
  group.spawn(fetch_into(pool, rig.origin(), "/", first));
  const std::string second = rig.fetch("/");
  EXPECT_TRUE(second.starts_with("RESOURCE_EXHAUSTED (upstream_saturated)")) << second;
  pool.at(rig.origin()).abandon(Error(Code::unavailable, Blame::us, "over"));
  run_blocking(rig.shard, group.join());
  EXPECT_EQ(first, "UNAVAILABLE: over");
}

TEST(ClientPool, FailuresToConnect) {
  struct Case {
    std::string_view name;
    std::function<bool(FakeConnection&)> on_connect;  // null: nobody listens
    std::string_view expect;
    bool tls = false;
  };
  const Case cases[] = {
      {"refused", nullptr, "UNAVAILABLE (upstream_unreachable): connecting to"},
      {"accepts and hangs", [](FakeConnection&) { return false; }, "UNAVAILABLE (connect_timeout): connecting to"},
      {"closes at once",
       [](FakeConnection& c) {
         c.close();
         return false;
       },
       "UNAVAILABLE (upstream_no_http2): connecting to"},
      {"resets at once",
       [](FakeConnection& c) {
         c.close(true);
         return false;
       },
       "UNAVAILABLE (upstream_"},
      {"speaks HTTP/1.1",
       [](FakeConnection& c) {
         c.raw("HTTP/1.1 400 Bad Request\r\n\r\n");
         return false;
       },
       "UNAVAILABLE (upstream_no_http2): connecting to"},
      {"dies during the TLS handshake",
       [](FakeConnection& c) {
         c.close();
         return false;
       },
       "UNAVAILABLE (upstream_unreachable): connecting to", true},
      {"speaks no TLS",
       [](FakeConnection& c) {
         c.raw("HTTP/1.1 400 Bad Request\r\n\r\n");
         return false;
       },
       "UNAVAILABLE (upstream_tls_failed): connecting to", true},
  };
  for (const Case& c : cases) {
    Rig rig;
    // Whoever answers may take his time on a busy machine.
    rig.limits.connect_timeout = c.expect.contains("connect_timeout") ? milliseconds(50) : seconds(60);
    rig.start();
    if (c.on_connect) {
      rig.upstream.on_connect = c.on_connect;
    } else {
      rig.upstream.stop();
    }
    Origin origin = rig.origin();
    origin.tls = c.tls;
    const std::string got = run_blocking(rig.shard, fetch(*rig.pool, origin, "/"));
    EXPECT_TRUE(got.starts_with(c.expect)) << c.name << ": " << got;
    EXPECT_TRUE(got.ends_with("(safe)")) << c.name << ": " << got;
  }
}

TEST(ClientPool, BackOffFailsFastAndEnds) {
  Rig rig;
  rig.limits.backoff_first = milliseconds(1000);
  rig.limits.backoff_max = milliseconds(10'000);
  ClientPool& pool = rig.start();
  rig.shard.use_fake_time();
  int refused = 0;
  rig.refuse_and_count(refused);
  EXPECT_TRUE(rig.fetch("/").ends_with("(safe)"));
  EXPECT_TRUE(rig.fetch("/").ends_with("(safe)"));
  EXPECT_EQ(refused, 1) << "the second was not even tried";
  EXPECT_TRUE(pool.at(rig.origin()).is_failing());
  rig.shard.advance(milliseconds(1300));
  EXPECT_TRUE(rig.fetch("/").ends_with("(safe)"));
  EXPECT_EQ(refused, 2);
  rig.shard.advance(milliseconds(1300));
  EXPECT_TRUE(pool.at(rig.origin()).is_failing()) << "the second pause is longer";
  rig.shard.advance(milliseconds(1300));
  rig.upstream.on_connect = [](FakeConnection&) { return true; };
  EXPECT_EQ(rig.fetch("/x"), "200 /x");
}

TEST(ClientPool, AnUpstreamThatWasAwayForLongIsTriedEverySecond) {
  Rig rig;
  rig.start();
  rig.shard.use_fake_time();
  int refused = 0;
  rig.refuse_and_count(refused);
  for (int i = 1; i <= 20; ++i) {
    EXPECT_TRUE(rig.fetch("/").ends_with("(safe)"));
    EXPECT_EQ(refused, i);
    rig.shard.advance(milliseconds(1200));  // with the jitter
  }
  rig.upstream.on_connect = [](FakeConnection&) { return true; };
  EXPECT_EQ(rig.fetch("/x"), "200 /x");
}

TEST(ClientPool, TheDeadlineCountsWhileConnecting) {
  Rig rig;
  ClientPool& pool = rig.start();
  rig.upstream.on_connect = [](FakeConnection&) { return false; };
  const auto soon = Deadline::after(Clock::now(), milliseconds(20));
  const std::string got = run_blocking(rig.shard, fetch(pool, rig.origin(), "/", soon));
  EXPECT_TRUE(got.starts_with("DEADLINE_EXCEEDED")) << got;
}

TEST(ClientPool, EveryAddressOfANameIsTried) {
  Rig rig;
  FakeNameServer names(rig.shard);
  rig.limits.dns_servers = names.address();
  ClientPool& pool = rig.start();
  // shop.test is 127.0.0.1 and 127.0.0.2: the upstream listens on one of them only.
  Origin origin = rig.origin();
  origin.host = "shop.test";
  EXPECT_EQ(run_blocking(rig.shard, fetch(pool, origin, "/n")), "200 /n");
  EXPECT_EQ(rig.upstream.connections[0]->streams.at(1).head.get(":authority"),
            "shop.test:" + std::to_string(rig.upstream.port));
  rig.upstream.stop();
  rig.upstream.connections[0]->close();
  rig.shard.run_until([&] { return pool.at(origin).connection_count() == 0; });
  const std::string got = run_blocking(rig.shard, fetch(pool, origin, "/n"));
  EXPECT_NE(got.find("127.0.0.2"), std::string::npos) << got;
}

// RFC 9113 section 7, and what it means to the caller.
TEST(ClientPool, ResetCodes) {
  struct Case {
    std::uint32_t code;
    Code expect;
    bool safe;
  };
  const Case cases[] = {
      {NGHTTP2_NO_ERROR, Code::internal, false},
      {NGHTTP2_PROTOCOL_ERROR, Code::internal, false},
      {NGHTTP2_INTERNAL_ERROR, Code::internal, false},
      {NGHTTP2_FLOW_CONTROL_ERROR, Code::internal, false},
      {NGHTTP2_STREAM_CLOSED, Code::internal, false},
      {NGHTTP2_REFUSED_STREAM, Code::unavailable, true},
      {NGHTTP2_CANCEL, Code::cancelled, false},
      {NGHTTP2_COMPRESSION_ERROR, Code::internal, false},
      {NGHTTP2_ENHANCE_YOUR_CALM, Code::resource_exhausted, false},
      {NGHTTP2_INADEQUATE_SECURITY, Code::permission_denied, false},
      {NGHTTP2_HTTP_1_1_REQUIRED, Code::internal, false},
      {0x77777777, Code::internal, false},
  };
  Rig rig;
  rig.start();
  for (const Case& c : cases) {
    rig.upstream.on_end = [&](FakeConnection& connection, std::int32_t id, FakeConnection::Stream&) {
      connection.reset(id, c.code);
    };
    const std::string got = rig.fetch("/");
    EXPECT_TRUE(got.starts_with(name(c.expect))) << c.code << ": " << got;
    EXPECT_EQ(got.ends_with("(safe)"), c.safe) << c.code << ": " << got;
  }
  EXPECT_EQ(rig.upstream.connections.size(), 1U) << "other streams of the connection are unharmed";
}

TEST(ClientPool, FaultsInTheMiddle) {
  using Act = std::function<void(FakeConnection&, std::int32_t)>;
  struct Case {
    std::string_view name;
    Act act;
    std::string_view expect;
  };
  const Case cases[] = {
      {"dies before a response", [](FakeConnection& c, std::int32_t) { c.close(); },
       "UNAVAILABLE (upstream_connection_lost)"},
      {"dies within a body",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, ok_head, false);
         c.data(id, "par");
         c.close(true);
       },
       "200 "},
      {"resets within a body",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, ok_head, false);
         c.reset(id, NGHTTP2_INTERNAL_ERROR);
       },
       "200 then INTERNAL (upstream_reset)"},
      {"early answer, then RST NO_ERROR",
       [](FakeConnection& c, std::int32_t id) {
         c.headers(id, {{":status", "413"}}, true);
         c.reset(id, NGHTTP2_NO_ERROR);
       },
       "413 "},
      {"a head without a status", [](FakeConnection& c, std::int32_t id) { c.headers(id, {{"x", "1"}}, true); },
       "INTERNAL (upstream_reset)"},
      {"DATA before a head", [](FakeConnection& c, std::int32_t id) { c.data(id, "x"); },
       "UNAVAILABLE (upstream_connection_lost)"},
      {"DATA on a stream that is not open", [](FakeConnection& c, std::int32_t) { c.data(99, "x"); },
       "UNAVAILABLE (upstream_connection_lost)"},
      {"a frame above the limit",
       [](FakeConnection& c, std::int32_t) { c.raw(std::string("\x7f\xff\xff\x00\x00\x00\x00\x00\x01", 9)); },
       "UNAVAILABLE (upstream_connection_lost)"},
      {"a broken header block",
       [](FakeConnection& c, std::int32_t id) {
         c.frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, "\xff\xff\xff\xff");
       },
       "UNAVAILABLE (upstream_connection_lost)"},
      {"rubbish", [](FakeConnection& c, std::int32_t) { c.raw(std::string(100, '\xee')); },
       "UNAVAILABLE (upstream_connection_lost)"},
  };
  for (const Case& c : cases) {
    Rig rig;
    rig.start();
    rig.upstream.on_end = [&](FakeConnection& connection, std::int32_t id, FakeConnection::Stream&) {
      c.act(connection, id);
    };
    const std::string got = rig.fetch("/");
    EXPECT_TRUE(got.starts_with(c.expect)) << c.name << ": " << got;
    EXPECT_FALSE(got.ends_with("(safe)")) << c.name << ": the upstream had the request: " << got;
  }
}

// What the peer's kernel has not acknowledged may have been read all the same: an acknowledgement waits for an answer
// to ride on, and a process that is killed with unread input is told by RST, which brings none.
TEST(ClientPool, ARequestThatWasReadByAPeerThatWasKilledIsNotSentAgain) {
  for (int before = 0; before < 40; before += 13) {
    Rig rig;
    rig.start();
    for (int i = 0; i < before; ++i) ASSERT_EQ(rig.fetch("/before"), "200 /before");  // each shows that answers follow
    bool was_read = false;
    rig.upstream.on_end = [&](FakeConnection& c, std::int32_t, FakeConnection::Stream&) {
      was_read = true;
      c.close(true);
    };
    const std::string got = rig.fetch("/charge");
    ASSERT_TRUE(was_read);
    EXPECT_TRUE(got.starts_with("UNAVAILABLE (upstream_connection_lost)")) << got;
    EXPECT_FALSE(got.ends_with("(safe)")) << "after " << before << ": the upstream had the request: " << got;
  }
}

// An upstream that has answered and gone, and a write that meets this before any event told of either.
TEST(ClientPool, AnAnswerThatCameBeforeTheConnectionsEndIsRead) {
  Rig rig;
  ClientPool& pool = rig.start();
  ASSERT_EQ(rig.fetch("/1"), "200 /1");
  rig.upstream.on_end = [](FakeConnection&, std::int32_t, FakeConnection::Stream&) {};
  auto exchange = pool.at(rig.origin()).try_open(get("/2"), true);
  ASSERT_NE(exchange, nullptr);
  exchange->request_body().push(Bytes::literal("one"));
  rig.settle();
  FakeConnection& connection = *rig.upstream.connections.at(0);
  connection.headers(3, ok_head, false);
  connection.data(3, "answer", true);
  connection.goaway(3, NGHTTP2_NO_ERROR);
  connection.close();
  for (int i = 0; i < 2; ++i) {
    exchange->request_body().push(Bytes::literal("more"));
    rig.shard.run_until([] { return true; });  // writes without a look at what came
  }
  EXPECT_EQ(run_blocking(rig.shard, read_response(*exchange)), "200 answer");
}

TEST(ClientPool, GoawayLosesNoExchange) {
  Rig rig;
  rig.start();
  ASSERT_EQ(rig.fetch("/warm"), "200 /warm");
  std::vector<std::int32_t> waiting;
  rig.upstream.on_end = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) {
    waiting.push_back(id);
    if (waiting.size() < 2) return;
    c.goaway(waiting[0], 0);  // the second was not processed
    c.headers(waiting[0], ok_head, true);
  };
  std::string first;
  std::string second;
  TaskGroup group;
  group.spawn(fetch_into(*rig.pool, rig.origin(), "/1", first));
  group.spawn(fetch_into(*rig.pool, rig.origin(), "/2", second));
  run_blocking(rig.shard, group.join());
  EXPECT_EQ(first, "200 ");
  EXPECT_TRUE(second.starts_with("UNAVAILABLE (upstream_refused_stream)") && second.ends_with("(safe)")) << second;
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) {
    c.headers(id, ok_head, true);
  };
  EXPECT_EQ(rig.fetch("/3"), "200 ");
  EXPECT_EQ(rig.upstream.connections.size(), 2U);
  // Closed by the client once its streams had ended.
  rig.shard.run_until([&] { return !rig.upstream.connections[0]->is_open(); });
}

TEST(ClientPool, AConnectionThatDiedWhileIdleIsReplaced) {
  Rig rig;
  rig.start();
  ASSERT_EQ(rig.fetch("/1"), "200 /1");
  rig.upstream.connections[0]->close();
  rig.until_no_connection();
  EXPECT_EQ(rig.fetch("/2"), "200 /2");
  EXPECT_EQ(rig.upstream.connections.size(), 2U);
}

TEST(ClientPool, ARequestThatMetAClosedSocketMayBeSentAgain) {
  Rig rig;
  ClientPool& pool = rig.start();
  ASSERT_EQ(rig.fetch("/1"), "200 /1");
  rig.settle();
  // The upstream closes, and the request leaves before this side hears of it.
  rig.upstream.connections[0]->close();
  auto exchange = pool.at(rig.origin()).try_open(get("/2"), false);
  ASSERT_NE(exchange, nullptr);
  const std::string got = run_blocking(rig.shard, read_response(*exchange));
  EXPECT_TRUE(got.starts_with("UNAVAILABLE (upstream_connection_lost)") && got.ends_with("(safe)")) << got;
}

TEST(ClientPool, GivingUpResetsTheStream) {
  struct Case {
    std::string_view name;
    void (*act)(std::unique_ptr<ClientExchange>&);
    std::uint32_t code;
  };
  const Case cases[] = {
      {"reset", [](std::unique_ptr<ClientExchange>& e) { e->reset(Reset::cancel); }, NGHTTP2_CANCEL},
      {"destroyed", [](std::unique_ptr<ClientExchange>& e) { e.reset(); }, NGHTTP2_CANCEL},
      {"body aborted",
       [](std::unique_ptr<ClientExchange>& e) { e->request_body().abort(Error(Code::internal, Blame::us, "x")); },
       NGHTTP2_INTERNAL_ERROR},
  };
  for (const Case& c : cases) {
    Rig rig;
    ClientPool& pool = rig.start();
    rig.upstream.on_end = {};
    bool seen = false;
    rig.upstream.on_head = [&](FakeConnection&, std::int32_t, FakeConnection::Stream&) { seen = true; };
    auto opened = run_blocking(rig.shard, pool.open(rig.origin(), get("/"), true, Deadline::never()));
    ASSERT_TRUE(opened.has_value());
    rig.shard.run_until([&] { return seen; });
    c.act(*opened);
    const FakeConnection& connection = *rig.upstream.connections.at(0);
    rig.shard.run_until([&] { return connection.streams.at(1).reset.has_value(); });
    EXPECT_EQ(connection.streams.at(1).reset, c.code) << c.name;
    EXPECT_TRUE(connection.is_open()) << c.name;
    EXPECT_EQ(pool.at(rig.origin()).exchange_count(),
              c.code == NGHTTP2_CANCEL ? 0U : pool.at(rig.origin()).exchange_count());
  }
}

TEST(ClientPool, IdleConnectionsClose) {
  Rig rig;
  rig.limits.idle_timeout = seconds(60);
  ClientPool& pool = rig.start();
  rig.shard.use_fake_time();
  ASSERT_EQ(rig.fetch("/1"), "200 /1");
  rig.shard.advance(seconds(59));
  ASSERT_EQ(rig.fetch("/2"), "200 /2");
  rig.shard.advance(seconds(2));
  EXPECT_EQ(pool.at(rig.origin()).connection_count(), 1U) << "it was used a moment ago";
  rig.shard.advance(seconds(60));
  rig.until_no_connection();
  rig.shard.run_until([&] { return rig.upstream.connections[0]->saw_goaway; });
}

TEST(ClientPool, ASilentPeerIsAskedAndGivenUp) {
  Rig rig;
  ClientPool& pool = rig.start();
  rig.shard.use_fake_time();
  rig.upstream.on_end = [](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) {
    c.headers(id, ok_head, false);
  };
  std::string out;
  TaskGroup group;
  group.spawn(fetch_into(pool, rig.origin(), "/", out));
  rig.settle();
  for (int minute = 0; minute < 7; ++minute) {
    rig.shard.advance(std::chrono::minutes(1));
    rig.settle();
  }
  EXPECT_EQ(rig.upstream.connections[0]->pings, 1);
  EXPECT_EQ(group.live(), 1U) << "it answered";
  rig.upstream.answer_pings = false;
  for (int minute = 0; minute < 8 && group.live() > 0; ++minute) {
    rig.shard.advance(std::chrono::minutes(1));
    rig.settle();
  }
  EXPECT_EQ(out.find("PING") != std::string::npos, true) << out;
  run_blocking(rig.shard, group.join());
}

TEST(ClientPool, DrainWaitsForWhatIsOpen) {
  Rig rig;
  ClientPool& pool = rig.start();
  FakeConnection* connection = nullptr;
  std::int32_t stream = 0;
  rig.upstream.on_end = [&](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) {
    connection = &c;
    stream = id;
  };
  std::string out;
  TaskGroup group;
  group.spawn(fetch_into(pool, rig.origin(), "/", out));
  rig.shard.run_until([&] { return connection != nullptr; });
  group.spawn(pool.drain(Deadline::after(Clock::now(), patience)));
  EXPECT_TRUE(rig.fetch("/late").starts_with("UNAVAILABLE"));
  rig.settle();
  EXPECT_EQ(group.live(), 2U);
  connection->headers(stream, ok_head, true);
  run_blocking(rig.shard, group.join());
  EXPECT_EQ(out, "200 ");
}

TEST(ClientPool, DrainEndsAtItsDeadline) {
  Rig rig;
  ClientPool& pool = rig.start();
  bool seen = false;
  rig.upstream.on_end = [&](FakeConnection&, std::int32_t, FakeConnection::Stream&) { seen = true; };
  std::string out;
  TaskGroup group;
  group.spawn(fetch_into(pool, rig.origin(), "/", out));
  rig.shard.run_until([&] { return seen; });
  run_blocking(rig.shard, pool.drain(Deadline::after(Clock::now(), milliseconds(20))));
  run_blocking(rig.shard, group.join());
  EXPECT_TRUE(out.starts_with("UNAVAILABLE (upstream_connection_lost)")) << out;
}

}  // namespace
}  // namespace parley::net
