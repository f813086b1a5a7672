// HTTP/1.1 on the server, byte by byte: what each client gets, and what becomes of the connection.
#include "net/server_test_peer.h"

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Http1Server = ServerTest;

std::string without_date(std::string text) {
  for (std::size_t at; (at = text.find("date: ")) != std::string::npos;) text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

std::string ok(std::string_view body, std::string_view more = "") {
  return fmt::format("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n{}\r\n{}", body.size(), more,
                     body);
}

struct Exchanged {
  const char* name;
  std::string sent;
  std::string answered;  // without dates
};

TEST_F(Http1Server, answers_and_keeps_the_connection) {
  listen();
  const Exchanged cases[] = {
      {"GET", "GET /a?b HTTP/1.1\r\nHost: shop\r\nA: 1\r\n\r\n", ok("GET shop /a?b a=1")},
      {"POST with a length", "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi",
       ok("POST shop / content-length=2 hi")},
      {"POST in chunks with trailers",
       "POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n2\r\nyo\r\n0\r\nsum: 7\r\n\r\n",
       ok("POST shop / hi yo sum=7")},
      {"three pipelined requests, answered in order",
       "GET /1 HTTP/1.1\r\nHost: s\r\n\r\nPOST /2 HTTP/1.1\r\nHost: s\r\nContent-Length: 1\r\n\r\nxGET /3 "
       "HTTP/1.1\r\nHost: s\r\n\r\n",
       ok("GET s /1") + ok("POST s /2 content-length=1 x") + ok("GET s /3")},
      {"HEAD has the length and no body", "HEAD / HTTP/1.1\r\nHost: s\r\n\r\n",
       "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"},
      {"absolute form", "GET http://shop:80/a?b HTTP/1.1\r\nHost: SHOP:80\r\n\r\n", ok("GET shop:80 /a?b")},
      {"absolute form without a path", "GET http://shop?x HTTP/1.1\r\nHost: shop\r\n\r\n", ok("GET shop /?x")},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n", ok("OPTIONS shop *")},
      {"OPTIONS in absolute form", "OPTIONS http://shop HTTP/1.1\r\nHost: shop\r\n\r\n", ok("OPTIONS shop *")},
      {"HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
       ok("GET  /", "connection: keep-alive\r\n")},
      {"h2c upgrade is not taken",
       "GET / HTTP/1.1\r\nHost: s\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
       "AAMAAABkAAQAAP__\r\n\r\n",
       ok("GET s /")},
      {"trailers for who takes them", "GET /trailers HTTP/1.1\r\nHost: s\r\nTE: trailers\r\n\r\n",
       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nsum: 7\r\n\r\n"},
      {"no trailers for who does not", "GET /trailers HTTP/1.1\r\nHost: s\r\n\r\n",
       "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"},
      {"204 has no length", "GET /no-content HTTP/1.1\r\nHost: s\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
      {"a handler that does not respond", "GET /nothing HTTP/1.1\r\nHost: s\r\n\r\n",
       "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"},
      {"a handler that throws", "GET /throws HTTP/1.1\r\nHost: s\r\n\r\n",
       "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"},
      {"fields that would split the response are left out", "GET /splitting HTTP/1.1\r\nHost: s\r\n\r\n",
       "HTTP/1.1 200 OK\r\nok: 1\r\ncontent-length: 0\r\n\r\n"},
      {"an early answer: a short rest of the body is dropped",
       "POST /early HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\n\r\nabc",
       "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"},
  };
  Client peer = client();  // one connection for all: each case also shows that the one before left it in order
  for (const Exchanged& c : cases) {
    SCOPED_TRACE(c.name);
    peer.send(c.sent);
    peer.wait([&](const std::string& got) { return without_date(got).size() >= c.answered.size(); });
    EXPECT_EQ(without_date(peer.take()), c.answered);
    ASSERT_FALSE(peer.closed);
  }
}

TEST_F(Http1Server, answers_and_closes) {
  listen();
  const Exchanged cases[] = {
      {"Connection: close", "GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n",
       ok("GET s /", "connection: close\r\n")},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", ok("GET  /", "connection: close\r\n")},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400"},
      {"Host and target disagree", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "HTTP/1.1 400"},
      {"an absolute target with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
      {"another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
      {"a relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
      {"* without OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
      {"a fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
      {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "HTTP/1.1 501"},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400"},
      {"obsolete folding", "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 400"},
      {"CL with TE", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400"},
      {"an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 501"},
      {"a bad chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400"},
      {"a chunk that is too long", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
       "HTTP/1.1 400"},
      {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505"},
      {"a long target", "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 414"},
      {"a long field", "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(70'000, 'a') + "\r\n\r\n", "HTTP/1.1 431"},
      {"an unknown expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "HTTP/1.1 417"},
      {"TLS to a plain port", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), "HTTP/1.1 400"},
      {"a preface that goes wrong", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "HTTP/1.1 505"},
      {"what follows a malformed request is not served",
       "GET / HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
      {"an early answer to a long body", "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nabc",
       "HTTP/1.1 403"},
      {"an early answer to a body of unknown length",
       "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
       "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"},
      {"an early answer to who waits for 100",
       "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 403"},
  };
  for (const Exchanged& c : cases) {
    SCOPED_TRACE(c.name);
    Client peer = client();
    peer.send(c.sent);
    peer.wait_for("\r\n\r\n");
    peer.half_close();
    peer.wait_closed();
    EXPECT_FALSE(peer.was_reset);
    const std::string got = without_date(peer.take());
    EXPECT_THAT(got, StartsWith(c.answered));
    EXPECT_THAT(got, HasSubstr("connection: close\r\n"));
    EXPECT_THAT(got, testing::Not(HasSubstr("second")));
  }
}

TEST_F(Http1Server, what_is_no_http_is_closed_without_an_answer) {
  listen();
  Client peer = client();
  peer.send("INVALID CONNECTION PREFACE\r\n\r\n");
  peer.wait_closed();
  EXPECT_EQ(peer.take(), "");
}

TEST_F(Http1Server, bodies_that_cannot_be_completed_abort_the_connection) {
  listen();
  for (const char* path : {"/unfinished", "/short", "/resets"}) {
    SCOPED_TRACE(path);
    Client peer = client();
    peer.send(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", path));
    peer.wait_closed();
    EXPECT_TRUE(peer.was_reset);
    EXPECT_THAT(peer.take(), testing::Not(EndsWith("0\r\n\r\n")));
  }
}

TEST_F(Http1Server, 100_continue_comes_when_the_body_is_read) {
  listen();
  Client peer = client();
  peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  peer.wait_for("\r\n\r\n");
  EXPECT_EQ(peer.take(), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hi");
  peer.wait_for("hi");
  EXPECT_EQ(without_date(peer.take()), ok("POST a / content-length=2 hi"));
}

TEST_F(Http1Server, request_byte_by_byte) {
  listen();
  Client peer = client();
  const std::string request = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
  for (const char c : request) {
    peer.send({&c, 1});
    settle(shard, 1);
  }
  peer.wait_for("h i");
  EXPECT_THAT(peer.take(), HasSubstr("POST a /a h i"));
}

// Sizes around the body pipe's limit and the read buffer: the last bytes may come while the reader is behind.
TEST_F(Http1Server, request_bodies_of_every_size_come_whole) {
  listen();
  Client peer = client();
  for (const std::size_t size : {65'535U, 65'536U, 65'537U, 70'000U, 131'072U, 250'000U, 1'000'000U}) {
    answers.seen = 0;
    peer.send(fmt::format("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", size));
    std::string body(size, 'x');
    while (!body.empty()) {
      body.erase(0, peer.send_some(body));
      settle(shard, 1);
    }
    peer.wait_for("\r\n\r\n");
    EXPECT_EQ(answers.seen, size);
    peer.take();
  }
}

TEST_F(Http1Server, large_answers_are_followed_by_the_next) {
  listen();
  Client peer = client();
  for (int i = 0; i < 3; ++i) {
    peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.wait([](const std::string& got) { return got.size() > 1024 * 1024; });
    EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200"));
  }
  peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.wait_for("GET a /second");
}

TEST_F(Http1Server, client_that_goes_away_breaks_the_exchange) {
  listen();
  {
    Client peer = client();
    peer.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    run_until([&] { return answers.running == 1; });
  }
  run_until([&] { return answers.running == 0; });
  EXPECT_THAT(answers.broken, testing::ElementsAre("client_gone"));
  run_until([&] { return server->connection_count() == 0; });
}

TEST_F(Http1Server, slow_reader_holds_the_handler_back_and_then_gets_all) {
  listen();
  const auto peer = new_client(4096);
  peer->send("GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  run_until([&] { return answers.running == 1; });
  settle(shard, 20);
  EXPECT_EQ(answers.running, 1);  // 4 MiB do not fit into the sockets and the pipe
  peer->start_reading();
  peer->wait_closed();
  EXPECT_THAT(peer->received, EndsWith("0\r\n\r\n"));
  EXPECT_GT(peer->received.size(), 4U * 1024 * 1024);
}

TEST_F(Http1Server, timeouts) {
  listen({.header_timeout = seconds(2), .idle_timeout = seconds(10), .body_timeout = seconds(4)});
  shard.use_fake_time();
  struct Late {
    const char* name;
    const char* sent;
    Duration after;
    const char* answered;
  };
  const Late cases[] = {
      {"nothing at all", "", seconds(2), ""},
      {"half a head", "GET / HTT", seconds(2), "HTTP/1.1 408"},
      {"half a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", seconds(4), "HTTP/1.1 408"},
      {"idle after an answer", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", seconds(10), "HTTP/1.1 200"},
  };
  for (const Late& c : cases) {
    SCOPED_TRACE(c.name);
    Client peer = client();
    const std::size_t before = server->connection_count();
    run_until([&] { return server->connection_count() > before; });
    peer.send(c.sent);
    settle(shard);
    pass(c.after - milliseconds(200));
    EXPECT_EQ(server->connection_count(), before + 1);
    pass(seconds(4));  // sweeps
    peer.half_close();
    peer.wait_closed();
    EXPECT_THAT(peer.take(), StartsWith(c.answered));
  }
}

TEST_F(Http1Server, slow_reader_is_cut_off) {
  listen({.body_timeout = seconds(4)});
  shard.use_fake_time();
  const auto peer = new_client(4096);
  peer->send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  run_until([&] { return answers.running == 1; });
  pass(seconds(12));
  EXPECT_EQ(answers.running, 0);
  EXPECT_THAT(answers.broken, testing::ElementsAre("body_timeout"));
}

std::string upgrade_request(std::string_view path, std::string_view more = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: s\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n{}\r\n",
                     path, more);
}
const std::string switching =
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-protocol: "
    "test\r\n\r\n";

TEST_F(Http1Server, an_upgrade_carries_raw_bytes_both_ways) {
  listen();
  Client peer = client();
  peer.send(upgrade_request("/upgrade"));
  peer.wait_for("\r\n\r\n");
  EXPECT_EQ(without_date(peer.take()), switching);
  peer.send("GET / HTTP/1.1\r\n\r\n");
  peer.wait_for("\r\n\r\n");
  EXPECT_EQ(peer.take(), "GET / HTTP/1.1\r\n\r\n");
  peer.send("bye");
  peer.wait_closed();
  EXPECT_EQ(peer.received, "bye");
  EXPECT_FALSE(peer.was_reset);
}

TEST_F(Http1Server, bytes_behind_an_upgrade_request_belong_to_the_other_protocol) {
  listen();
  Client peer = client();
  peer.send(upgrade_request("/upgrade") + "early");
  peer.wait_for("early");
  EXPECT_EQ(without_date(peer.received), switching + "early");
}

TEST_F(Http1Server, a_client_that_ends_its_side_ends_the_upgraded_body) {
  listen();
  Client peer = client();
  peer.send(upgrade_request("/upgrade") + "last");
  peer.half_close();
  peer.wait_closed();
  EXPECT_EQ(without_date(peer.received), switching + "last");
}

TEST_F(Http1Server, a_client_that_leaves_while_nobody_reads_it_is_found_out) {
  listen({.body_timeout = seconds(4)});
  shard.use_fake_time();
  const auto peer = new_client();
  peer->send(upgrade_request("/upgrade-deaf") + std::string(300'000, 'x'));
  run_until([&] { return answers.running == 1; });
  pass(seconds(12));
  EXPECT_EQ(answers.running, 1) << "it is there, and waits";
  peer->close();
  settle(shard);
  pass(seconds(12));
  EXPECT_EQ(answers.running, 0);
  EXPECT_THAT(answers.broken, testing::ElementsAre("body_timeout"));
}

TEST_F(Http1Server, an_upgrade_that_is_not_taken_is_a_plain_request) {
  listen();
  const Exchanged cases[] = {
      {"answered as it reads its body", upgrade_request("/"), ok("GET s /")},
      {"refused, with the next request behind it", upgrade_request("/early") + "GET /2 HTTP/1.1\r\nHost: s\r\n\r\n",
       "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n" + ok("GET s /2")},
      {"another protocol is not shown",
       "GET /upgrade HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", ok("GET s /upgrade")},
      {"nor one that Connection does not name", "GET /upgrade HTTP/1.1\r\nHost: s\r\nUpgrade: websocket\r\n\r\n",
       ok("GET s /upgrade")},
      {"nor with a body",
       "POST /upgrade HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx",
       ok("POST s /upgrade content-length=1 x")},
  };
  Client peer = client();
  for (const Exchanged& c : cases) {
    SCOPED_TRACE(c.name);
    peer.send(c.sent);
    peer.wait([&](const std::string& got) { return without_date(got).size() >= c.answered.size(); });
    EXPECT_EQ(without_date(peer.take()), c.answered);
    ASSERT_FALSE(peer.closed);
  }
}

}  // namespace
}  // namespace parley::net
