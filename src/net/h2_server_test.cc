// HTTP/2 on the server, against an nghttp2 client and against hand-made frames.
#include <nghttp2/nghttp2.h>

#include "net/server_test_peer.h"

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string frame(int type, int flags, std::int32_t id, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(id >> shift);
  return out.append(payload);
}

std::string u32(std::uint32_t n) {
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(n >> shift);
  return out;
}

// A literal header block without Huffman and table.
std::string block(std::initializer_list<Field> fields) {
  std::string out;
  for (const Field& f : fields) {
    out += '\0';
    out += static_cast<char>(f.name.size());
    out.append(f.name);
    out += static_cast<char>(f.value.size());
    out.append(f.value);
  }
  return out;
}

std::string get(std::string_view path) {
  return block({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}});
}
std::string post(std::string_view path) {
  return block({{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}});
}

constexpr int end_headers = NGHTTP2_FLAG_END_HEADERS;
constexpr int end_both = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;

// Reads the server's frames into lines: "HEADERS 1 :status=200 END", "DATA 1 5 END", "RST 1 8", "GOAWAY 2147483647 0",
// "PING ack", … It answers nothing by itself.
class Frames {
 public:
  Frames() { nghttp2_hd_inflate_new(&inflater_); }
  ~Frames() { nghttp2_hd_inflate_del(inflater_); }
  Frames(const Frames&) = delete;
  Frames& operator=(const Frames&) = delete;

  void take(std::string& bytes) {
    while (bytes.size() >= 9) {
      const std::size_t size = number(bytes, 0, 3);
      if (bytes.size() < 9 + size) return;
      line(bytes[3], bytes[4], static_cast<std::int32_t>(number(bytes, 5, 4)), bytes.substr(9, size));
      bytes.erase(0, 9 + size);
    }
  }
  std::vector<std::string> lines;
  std::map<std::int32_t, std::string> bodies;
  std::map<std::int32_t, std::uint64_t> credit;  // WINDOW_UPDATE by stream

 private:
  static std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < count; ++i) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
    return out;
  }
  void line(int type, int flags, std::int32_t id, const std::string& payload) {
    const char* end = (flags & NGHTTP2_FLAG_END_STREAM) != 0 ? " END" : "";
    const char* ack = (flags & NGHTTP2_FLAG_ACK) != 0 ? " ack" : "";
    switch (type) {
      case NGHTTP2_HEADERS: lines.push_back(fmt::format("HEADERS {}{}{}", id, inflate(payload), end)); break;
      case NGHTTP2_DATA:
        lines.push_back(fmt::format("DATA {} {}{}", id, payload.size(), end));
        bodies[id] += payload;
        break;
      case NGHTTP2_RST_STREAM: lines.push_back(fmt::format("RST {} {}", id, number(payload, 0, 4))); break;
      case NGHTTP2_GOAWAY:
        lines.push_back(fmt::format("GOAWAY {} {}", number(payload, 0, 4), number(payload, 4, 4)));
        break;
      case NGHTTP2_PING:
        lines.push_back(fmt::format("PING{}", ack));
        last_ping = payload;
        break;
      case NGHTTP2_SETTINGS: lines.push_back(fmt::format("SETTINGS{}", ack)); break;
      case NGHTTP2_WINDOW_UPDATE: credit[id] += number(payload, 0, 4); break;
      default: lines.push_back(fmt::format("frame of type {}", type));
    }
  }
  std::string inflate(const std::string& payload) {
    std::string out;
    const auto* at = reinterpret_cast<const std::uint8_t*>(payload.data());
    std::size_t left = payload.size();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (used < 0) return out + " (bad header block)";
      at += used;
      left -= static_cast<std::size_t>(used);
      const std::string_view name(reinterpret_cast<char*>(field.name), field.namelen);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && name != "date") {
        out += fmt::format(" {}={}", name, std::string_view(reinterpret_cast<char*>(field.value), field.valuelen));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return out;
  }

 public:
  std::string last_ping;

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

class Peer : public Client {
 public:
  Peer(Shard& shard, std::uint16_t port, std::string_view settings = {}) : Client(shard, port) {
    send(preface);
    send(frame(NGHTTP2_SETTINGS, 0, 0, settings));
    wait_line("SETTINGS");
    send(frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    wait_line("SETTINGS ack");
    frames.lines.clear();
  }
  // Runs the loop until a line starts so; true if it came.
  bool wait_line(std::string_view start) {
    const auto has = [&] {
      frames.take(received);
      for (const std::string& line : frames.lines) {
        if (line.starts_with(start)) return true;
      }
      return false;
    };
    wait([&](const std::string&) { return has(); });
    return has();
  }
  std::vector<std::string> lines() {
    frames.take(received);
    return frames.lines;
  }
  std::vector<std::string> take_lines() {
    frames.take(received);
    return std::exchange(frames.lines, {});
  }
  void wait_end() {
    wait_closed();
    frames.take(received);
  }
  std::string setting(int id, std::uint32_t value) { return std::string(1, '\0') + static_cast<char>(id) + u32(value); }

  Frames frames;
};

std::string setting(int id, std::uint32_t value) { return std::string(1, '\0') + static_cast<char>(id) + u32(value); }

class Http2Server : public ServerTest {
 protected:
  Peer peer(std::string_view settings = {}) { return Peer(shard, server->port(), settings); }
};

struct Answered {
  const char* name;
  std::string sent;  // on stream 1
  std::vector<std::string> lines;
};

TEST_F(Http2Server, answers) {
  listen();
  const auto headers = [](int flags, const std::string& b) { return frame(NGHTTP2_HEADERS, flags, 1, b); };
  const auto data = [](int flags, std::string_view b) { return frame(NGHTTP2_DATA, flags, 1, b); };
  const std::string ok = "HEADERS 1 :status=200 content-type=text/plain";
  const Answered cases[] = {
      {"GET", headers(end_both, get("/x")), {ok, "DATA 1 8 END"}},
      {"POST with trailers",
       headers(end_headers, post("/x")) + data(0, "hi") + headers(end_both, block({{"sum", "7"}})),
       {ok, "DATA 1 18 END"}},
      {"respond and finish in one turn, without a body: one frame",
       headers(end_both, get("/early")),
       {"HEADERS 1 :status=403 END"}},
      {"a body with trailers",
       headers(end_both, get("/trailers")),
       {"HEADERS 1 :status=200", "DATA 1 4", "HEADERS 1 sum=7 END"}},
      {"HEAD",
       headers(end_both, block({{":method", "HEAD"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/x"}})),
       {ok + " END"}},
      {"204", headers(end_both, get("/no-content")), {"HEADERS 1 :status=204 END"}},
      {"a handler that does not respond",
       headers(end_both, get("/nothing")),
       {"HEADERS 1 :status=500 content-length=0 END"}},
      {"a handler that throws", headers(end_both, get("/throws")), {"HEADERS 1 :status=500 content-length=0 END"}},
      {"a handler that does not finish", headers(end_both, get("/unfinished")), {"RST 1 2"}},
      {"a handler that resets", headers(end_both, get("/resets")), {"RST 1 11"}},
      {"fields that would split or steer are left out",
       headers(end_both, get("/splitting")),
       {"HEADERS 1 :status=200 ok=1 END"}},
      {"the answer is complete before the request: the rest is not wanted",
       headers(end_headers, post("/early")),
       {"HEADERS 1 :status=403 END", "RST 1 0"}},
      {"the answer is complete before the request: a rest of known length is dropped",
       headers(end_headers, post("/early") + block({{"content-length", "5"}})) + data(0, "abc") + data(1, "de"),
       {"HEADERS 1 :status=403 END"}},
      {"CONNECT",
       headers(end_both, block({{":method", "CONNECT"}, {":authority", "a:1"}})),
       {"HEADERS 1 :status=501 content-length=0 END"}},
      {"Host and :authority disagree",
       headers(end_both,
               block({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"host", "b"}})),
       {"HEADERS 1 :status=400 content-length=0 END"}},
      {"a response whose head is too large to send", headers(end_both, get("/huge")), {"RST 1 2"}},
      {"an upper-case name", headers(end_both, get("/x") + block({{"A", "b"}})), {"RST 1 1"}},
      {"a connection field", headers(end_both, get("/x") + block({{"connection", "close"}})), {"RST 1 1"}},
      {"a value with LF", headers(end_both, get("/x") + block({{"a", "b\nc"}})), {"RST 1 1"}},
      {"a body shorter than content-length",
       headers(end_headers, post("/x") + block({{"content-length", "5"}})) + data(1, "abc"),
       {"RST 1 1"}},
  };
  for (const Answered& c : cases) {
    SCOPED_TRACE(c.name);
    Peer client = peer();
    client.send(c.sent);
    client.wait_line(c.lines.back());
    EXPECT_EQ(client.take_lines(), c.lines);
    // Whatever became of the stream, the connection serves others.
    client.send(frame(NGHTTP2_HEADERS, end_both, 3, get("/y")));
    EXPECT_TRUE(client.wait_line("DATA 3"));
  }
}

// RFC 8441.
TEST_F(Http2Server, extended_connect_carries_raw_bytes_both_ways) {
  listen();
  const auto connect = [](std::string_view protocol, std::string_view path) {
    return block(
        {{":method", "CONNECT"}, {":protocol", protocol}, {":scheme", "http"}, {":authority", "a"}, {":path", path}});
  };
  Peer client = peer();
  client.send(frame(NGHTTP2_HEADERS, end_headers, 1, connect("websocket", "/upgrade")) +
              frame(NGHTTP2_DATA, 0, 1, "hello"));
  client.wait_line("DATA 1 5");
  client.send(frame(NGHTTP2_DATA, 0, 1, "bye"));
  client.wait_line("RST 1");
  EXPECT_EQ(client.frames.bodies[1], "hellobye");
  const std::vector<std::string> lines = client.take_lines();
  EXPECT_EQ(lines.front(), "HEADERS 1 :status=200 sec-websocket-protocol=test");
  EXPECT_EQ(lines.back(), "RST 1 0");
  client.send(frame(NGHTTP2_HEADERS, end_headers, 3, connect("websocket", "/upgrade")) +
              frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3, "last"));
  client.wait_line("DATA 3 4 END");
  EXPECT_EQ(client.frames.bodies[3], "last");
  client.send(frame(NGHTTP2_HEADERS, end_headers, 5, connect("connect-udp", "/upgrade")));
  client.wait_line("HEADERS 5");
  EXPECT_THAT(client.take_lines(), Contains("HEADERS 5 :status=501 content-length=0 END"));
}

TEST_F(Http2Server, sees_the_request_whole) {
  listen();
  Peer client = peer();
  client.send(frame(NGHTTP2_HEADERS, end_headers, 1,
                    post("/a?b") + block({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"te", "trailers"}})) +
              frame(NGHTTP2_DATA, 0, 1, "hi") + frame(NGHTTP2_DATA, 0, 1, "") + frame(NGHTTP2_DATA, 0, 1, "yo") +
              frame(NGHTTP2_HEADERS, end_both, 1, block({{"sum", "7"}})));
  client.wait_line("DATA 1");
  EXPECT_EQ(client.frames.bodies[1], "POST a /a?b x=y te=trailers cookie=a=1; b=2 hi yo sum=7");
}

TEST_F(Http2Server, over_the_header_limits) {
  listen({.header_bytes = 1000, .header_count = 10, .target_bytes = 50});
  const std::string long_value(100, 'v');
  std::string many = get("/");
  std::string large = get("/");
  for (int i = 0; i < 12; ++i) many += block({{"a", "b"}}), large += block({{"a", long_value}});
  const Answered cases[] = {
      {"count", many, {"431"}}, {"bytes", large, {"431"}}, {"target", get("/" + std::string(60, 'p')), {"414"}}};
  for (const Answered& c : cases) {
    SCOPED_TRACE(c.name);
    Peer client = peer();
    client.send(frame(NGHTTP2_HEADERS, end_both, 1, c.sent));
    client.wait_line("HEADERS 1");
    EXPECT_THAT(client.take_lines(), ElementsAre(fmt::format("HEADERS 1 :status={} content-length=0 END", c.lines[0])));
  }
}

TEST_F(Http2Server, continue_100_comes_when_the_body_is_read) {
  listen();
  Peer client = peer();
  client.send(frame(NGHTTP2_HEADERS, end_headers, 1, post("/x") + block({{"expect", "100-continue"}})));
  client.wait_line("HEADERS 1");
  EXPECT_THAT(client.take_lines(), ElementsAre("HEADERS 1 :status=100"));
  client.send(frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "hi"));
  client.wait_line("DATA 1");
  EXPECT_EQ(client.frames.bodies[1], "POST a /x hi");
}

TEST_F(Http2Server, credit_returns_only_as_the_body_is_read) {
  listen({.stream_window = 100'000, .connection_window = 400'000});
  Peer client = peer();
  client.frames.credit.clear();
  client.send(frame(NGHTTP2_HEADERS, end_headers, 1, post("/hang")));
  for (int i = 0; i < 5; ++i) client.send(frame(NGHTTP2_DATA, 0, 1, std::string(16'000, 'x')));
  client.send(frame(NGHTTP2_PING, 0, 0, "01234567"));
  client.wait_line("PING ack");
  EXPECT_EQ(client.frames.credit[1], 0U);  // the handler reads nothing
  client.send(frame(NGHTTP2_HEADERS, end_headers, 3, post("/echo")));
  for (int i = 0; i < 5; ++i) client.send(frame(NGHTTP2_DATA, 0, 3, std::string(16'000, 'x')));
  client.wait([&](const std::string&) {
    client.lines();
    return client.frames.credit[3] > 0;
  });
  EXPECT_EQ(client.frames.credit[1], 0U);
  EXPECT_GE(client.frames.credit[3], 50'000U);
  answers.may_go = true;
  answers.go.notify();
}

TEST_F(Http2Server, what_a_reset_stream_held_of_the_connections_window_returns) {
  listen({.stream_window = 100'000, .connection_window = 150'000, .resets_a_minute = 1000});
  Peer client = peer();
  std::uint64_t sent = 0;
  client.frames.credit.clear();
  for (int i = 0; i < 30; ++i) {
    const std::int32_t id = 1 + 2 * i;
    client.send(frame(NGHTTP2_HEADERS, end_headers, id, post("/hang")));
    for (int k = 0; k < 5; ++k) client.send(frame(NGHTTP2_DATA, 0, id, std::string(16'000, 'x')));
    sent += 80'000;
    client.send(frame(NGHTTP2_RST_STREAM, 0, id, u32(NGHTTP2_CANCEL)));
    client.send(frame(NGHTTP2_PING, 0, 0, "01234567"));
    client.wait_line("PING ack");
    client.frames.lines.clear();
    ASSERT_FALSE(client.closed);
  }
  EXPECT_GE(client.frames.credit[0] + 150'000, sent);
}

TEST_F(Http2Server, client_that_resets_or_goes_away_breaks_the_exchange) {
  listen();
  Peer one = peer();
  one.send(frame(NGHTTP2_HEADERS, end_both, 1, get("/hang")));
  run_until([&] { return answers.running == 1; });
  one.send(frame(NGHTTP2_RST_STREAM, 0, 1, u32(NGHTTP2_CANCEL)));
  run_until([&] { return answers.running == 0; });
  one.send(frame(NGHTTP2_HEADERS, end_both, 3, get("/hang")) + frame(NGHTTP2_HEADERS, end_both, 5, get("/hang")));
  run_until([&] { return answers.running == 2; });
  one.close();
  run_until([&] { return answers.running == 0; });
  EXPECT_THAT(answers.broken, ElementsAre("client_gone", "client_gone", "client_gone"));
  run_until([&] { return server->connection_count() == 0; });
}

// Abuse: each ends the connection with ENHANCE_YOUR_CALM (or the error that the RFC has for it), within bounds.
struct Abuse {
  const char* name;
  std::function<std::string(int)> round;
  int rounds;
  const char* last;
};

TEST_F(Http2Server, floods_end_the_connection) {
  listen({.resets_a_minute = 100, .control_frames_a_second = 100});
  const auto id = [](int i) { return 1 + 2 * i; };
  const Abuse cases[] = {
      {"rapid reset",
       [&](int i) {
         return frame(NGHTTP2_HEADERS, end_both, id(i), get("/hang")) +
                frame(NGHTTP2_RST_STREAM, 0, id(i), u32(NGHTTP2_CANCEL));
       },
       150, "11"},
      {"resets that the server is made to send",
       [&](int i) {
         return frame(NGHTTP2_HEADERS, end_both, id(i), get("/hang")) +
                frame(NGHTTP2_WINDOW_UPDATE, 0, id(i), u32(0x7fffffff));
       },
       150, "11"},
      {"malformed requests",
       [&](int i) { return frame(NGHTTP2_HEADERS, end_both, id(i), block({{":method", "GET"}})); }, 1500, "11"},
      {"PING", [](int) { return frame(NGHTTP2_PING, 0, 0, "01234567"); }, 1000, "11"},
      {"SETTINGS",
       [](int) { return frame(NGHTTP2_SETTINGS, 0, 0, setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000)); }, 1000,
       "11"},
      {"PRIORITY", [](int i) { return frame(NGHTTP2_PRIORITY, 0, 1 + 2 * (i % 50), u32(0) + "x"); }, 1000, "11"},
      {"unknown frames", [](int) { return frame(0x77, 0, 0, ""); }, 1000, "11"},
      {"empty DATA",
       [](int i) {
         return i == 0 ? frame(NGHTTP2_HEADERS, end_headers, 1, post("/hang")) : frame(NGHTTP2_DATA, 0, 1, "");
       },
       1000, "11"},
      {"CONTINUATION",
       [](int i) {
         return i == 0 ? frame(NGHTTP2_HEADERS, 0, 1, post("/hang"))
                       : frame(NGHTTP2_CONTINUATION, 0, 1, block({{"a", "b"}}));
       },
       1000, "11"},
      {"WINDOW_UPDATE", [](int) { return frame(NGHTTP2_WINDOW_UPDATE, 0, 0, u32(1)); }, 1000, "11"},
  };
  for (const Abuse& c : cases) {
    SCOPED_TRACE(c.name);
    Peer client = peer();
    for (int i = 0; i < c.rounds && !client.closed; ++i) {
      client.send(c.round(i));
      if (i % 16 == 15) settle(shard, 1);
    }
    client.half_close();
    client.wait_end();
    EXPECT_TRUE(client.closed);
    std::string goaway;
    for (const std::string& line : client.frames.lines) {
      if (line.starts_with("GOAWAY")) goaway = line;
    }
    EXPECT_THAT(goaway, testing::EndsWith(fmt::format(" {}", c.last)));
    run_until([&] { return answers.running == 0; });
  }
}

TEST_F(Http2Server, lively_clients_are_not_taken_for_a_flood) {
  listen({.resets_a_minute = 20, .control_frames_a_second = 20});
  Peer client = peer();
  for (int i = 0; i < 400; ++i) {
    const std::int32_t id = 1 + 2 * i;
    // Every other call is cancelled, and each body is answered by PING and WINDOW_UPDATE, as gRPC clients do.
    if (i % 2 == 0) {
      client.send(frame(NGHTTP2_HEADERS, end_both, id, get("/x")) + frame(NGHTTP2_PING, 0, 0, "01234567") +
                  frame(NGHTTP2_WINDOW_UPDATE, 0, 0, u32(8)));
      client.wait_line(fmt::format("DATA {}", id));
    } else {
      client.send(frame(NGHTTP2_HEADERS, end_both, id, get("/hang")) +
                  frame(NGHTTP2_RST_STREAM, 0, id, u32(NGHTTP2_CANCEL)));
    }
    ASSERT_FALSE(client.closed) << i;
  }
}

TEST_F(Http2Server, handlers_of_reset_streams_still_count) {
  listen({.concurrent_streams = 4, .resets_a_minute = 1000});
  answers.paths["/stubborn"] = [](Answers& self, ServerExchange&) -> Task<void> {
    while (!self.may_go) co_await self.go.wait();
  };
  Peer client = peer();
  for (int i = 0; i < 12; ++i) {
    const std::int32_t id = 1 + 2 * i;
    client.send(frame(NGHTTP2_HEADERS, end_both, id, get("/stubborn")) +
                frame(NGHTTP2_RST_STREAM, 0, id, u32(NGHTTP2_CANCEL)));
  }
  client.send(frame(NGHTTP2_HEADERS, end_both, 101, get("/stubborn")));
  EXPECT_TRUE(client.wait_line("RST 101 7"));
  EXPECT_EQ(answers.running, 8);
}

TEST_F(Http2Server, zero_window_reader_is_reset_and_others_are_unharmed) {
  listen({.body_timeout = seconds(4)});
  shard.use_fake_time();
  Peer client = peer(setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0));
  client.send(frame(NGHTTP2_HEADERS, end_both, 1, get("/stream")) + frame(NGHTTP2_HEADERS, end_both, 3, get("/hang")));
  run_until([&] { return answers.running == 2; });
  settle(shard);
  pass(seconds(4));
  EXPECT_EQ(answers.running, 2);
  pass(seconds(4));
  EXPECT_TRUE(client.wait_line("RST 1 8"));
  run_until([&] { return answers.running == 1; });  // a handler that waits for nothing of the client's is not late
  EXPECT_THAT(answers.broken, ElementsAre("body_timeout"));
}

TEST_F(Http2Server, half_sent_body_and_half_sent_head_are_late) {
  listen({.header_timeout = seconds(4), .body_timeout = seconds(4)});
  shard.use_fake_time();
  Peer client = peer();
  client.send(frame(NGHTTP2_HEADERS, end_headers, 1, post("/x") + block({{"content-length", "10"}})) +
              frame(NGHTTP2_DATA, 0, 1, "abc"));
  client.send(frame(NGHTTP2_HEADERS, 0, 3, post("/x")));
  run_until([&] { return answers.running == 1; });
  settle(shard);
  pass(seconds(10));
  EXPECT_TRUE(client.wait_line("RST 1 8"));
  EXPECT_TRUE(client.wait_line("RST 3 8"));
  EXPECT_THAT(answers.broken, ElementsAre("body_timeout"));
}

TEST_F(Http2Server, idle_connection_ends_with_goaway) {
  listen({.idle_timeout = seconds(20)});
  shard.use_fake_time();
  Peer client = peer();
  client.send(frame(NGHTTP2_HEADERS, end_both, 1, get("/x")));
  client.wait_line("DATA 1");
  pass(seconds(30));
  client.half_close();
  client.wait_end();
  EXPECT_THAT(client.lines(), Contains("GOAWAY 1 0"));
}

TEST_F(Http2Server, silent_peer_is_asked_and_then_given_up) {
  listen({.body_timeout = seconds(8)});
  shard.use_fake_time();
  Peer client = peer();
  client.send(frame(NGHTTP2_HEADERS, end_headers, 1, post("/hang")));
  run_until([&] { return answers.running == 1; });
  settle(shard);
  pass(seconds(12));
  EXPECT_TRUE(client.wait_line("PING"));
  client.send(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, client.frames.last_ping));
  settle(shard);
  client.frames.lines.clear();
  pass(seconds(12));
  EXPECT_TRUE(client.wait_line("PING"));
  EXPECT_EQ(answers.running, 1);
  pass(seconds(12));
  run_until([&] { return answers.running == 0; });
  EXPECT_THAT(answers.broken, ElementsAre("client_gone"));
}

TEST_F(Http2Server, drain_says_goaway_twice_and_finishes_what_is_open) {
  listen();
  shard.use_fake_time();  // a PING that is not answered for a second counts as answered
  Peer client = peer();
  client.send(frame(NGHTTP2_HEADERS, end_both, 1, get("/hang")));
  run_until([&] { return answers.running == 1; });
  bool drained = false;
  TaskGroup group;
  group.spawn([](Server& s, Shard& on, bool& done) -> Task<void> {
    co_await s.drain(Deadline::after(on.now(), seconds(20)));
    done = true;
  }(*server, shard, drained));
  client.wait_line("PING");
  EXPECT_THAT(client.take_lines(), ElementsAre("GOAWAY 2147483647 0", "PING"));
  // A stream that was on its way is still served.
  client.send(frame(NGHTTP2_HEADERS, end_both, 3, get("/x")));
  client.wait_line("DATA 3");
  client.take_lines();
  client.send(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, client.frames.last_ping));
  client.wait_line("GOAWAY");
  EXPECT_THAT(client.take_lines(), ElementsAre("GOAWAY 3 0"));
  EXPECT_FALSE(drained);
  answers.may_go = true;
  answers.go.notify();
  client.wait_line("HEADERS 1 :status=200 END");
  client.half_close();
  run_until([&] { return drained; });
}

TEST_F(Http2Server, preface_may_come_in_pieces) {
  listen();
  Client client(shard, server->port());
  const std::string all =
      std::string(preface) + frame(NGHTTP2_SETTINGS, 0, 0, "") + frame(NGHTTP2_HEADERS, end_both, 1, get("/x"));
  for (const char c : all) {
    client.send({&c, 1});
    settle(shard, 1);
  }
  Frames frames;
  client.wait([&](const std::string&) {
    frames.take(client.received);
    return frames.bodies[1] == "GET a /x";
  });
  EXPECT_FALSE(client.closed);
}

}  // namespace
}  // namespace parley::net
