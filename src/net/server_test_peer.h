// For the server's tests: a plain client, handlers of every kind, and a server on the same loop.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task_group.h"
#include "net/server.h"

namespace parley::net {

// A plain client socket on the server's own shard: what came so far, and how it ended.
class Client {
 public:
  Client(Shard& shard, std::uint16_t port, int receive_buffer = 0)
      : shard_(shard), watch_([](void* self, bool, bool) { static_cast<Client*>(self)->read_all(); }, this) {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("connect");
    if (receive_buffer == 0) watch_.start(shard_, fd_);
  }
  ~Client() { close(); }

  void send(std::string_view bytes) {
    // May fail: the server may have closed the connection, which is then for the test to find.
    [[maybe_unused]] const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // Returns how many bytes the socket took.
  std::size_t send_some(std::string_view bytes) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  void half_close() { shutdown(fd_, SHUT_WR); }
  void start_reading() { watch_.start(shard_, fd_); }
  void close() {
    watch_.stop();
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // Runs the loop until `enough(received)`, or the connection is closed.
  void wait(const std::function<bool(const std::string&)>& enough) {
    shard_.run_until([&] { return closed || enough(received); });
  }
  void wait_for(std::string_view text) {
    wait([&](const std::string& got) { return got.find(text) != std::string::npos; });
  }
  void wait_closed() {
    wait([](const std::string&) { return false; });
  }
  std::string take() { return std::exchange(received, {}); }

  std::string received;
  bool closed = false;
  bool was_reset = false;

 private:
  void read_all() {
    char buffer[16384];
    for (;;) {
      const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) {
        received.append(buffer, static_cast<std::size_t>(n));
        continue;
      }
      if (n == 0) closed = true;
      if (n < 0 && errno != EAGAIN) closed = was_reset = true;
      return;
    }
  }

  Shard& shard_;
  Watch watch_;
  int fd_ = -1;
};

// Answers by the path. What it saw is in `log`.
class Answers final : public ExchangeHandler {
 public:
  using Answer = Task<void> (*)(Answers&, ServerExchange&);
  Task<void> serve(ServerExchange& exchange) override {
    struct Count {
      explicit Count(int& n) : number(n) { ++number; }
      ~Count() { --number; }
      int& number;
    } const count(running);
    const auto at = paths.find(std::string(exchange.request().path()));
    if (at != paths.end()) {
      co_await at->second(*this, exchange);
    } else {
      co_await echo(*this, exchange);
    }
    if (exchange.broken()) broken.push_back(std::string(exchange.broken()->reason()));
  }

  // "GET shop /path [fields] body [trailers]" as text.
  static Task<void> echo(Answers&, ServerExchange& exchange) {
    const RequestHead& r = exchange.request();
    std::string out = fmt::format("{} {} {}", r.method, r.authority, r.target);
    for (const Field f : r.fields) out += fmt::format(" {}={}", f.name, f.value);
    for (;;) {
      auto chunk = co_await exchange.body().read();
      if (!chunk) co_return;
      if (!*chunk) break;
      out += fmt::format(" {}", (*chunk)->view());
    }
    for (const Field f : exchange.request_trailers()) out += fmt::format(" {}={}", f.name, f.value);
    exchange.respond({.status = 200, .fields = {{"content-type", "text/plain"}}});
    exchange.response_body().push(Bytes(out));
    exchange.finish();
  }

  // Waits until the test lets it go on, or the exchange breaks.
  static Task<void> hang(Answers& self, ServerExchange& exchange) {
    exchange.on_broken([](void* at) { static_cast<Answers*>(at)->go.notify(); }, &self);
    while (!self.may_go && !exchange.broken()) co_await self.go.wait();
    exchange.on_broken(nullptr, nullptr);
    if (exchange.broken()) co_return;
    exchange.respond({.status = 200, .fields = {}});
    exchange.finish();
  }
  static Task<void> stream(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 200, .fields = {}});
    for (int i = 0; i < 64; ++i) {
      auto written = co_await exchange.response_body().write(Bytes(std::string(65536, 'x')));
      if (!written) co_return;
    }
    exchange.finish();
  }
  static Task<void> large(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 200, .fields = {}});
    exchange.response_body().push(Bytes(std::string(1024 * 1024, 'x')));
    exchange.finish();
    co_return;
  }
  // Reads the body and says how long it was in `seen`.
  static Task<void> count(Answers& self, ServerExchange& exchange) {
    for (;;) {
      auto chunk = co_await exchange.body().read();
      if (!chunk) co_return;
      if (!*chunk) break;
      self.seen += (*chunk)->size();
    }
    exchange.respond({.status = 200, .fields = {}});
    exchange.finish();
  }
  static Task<void> with_trailers(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 200, .fields = {}});
    exchange.response_body().push(Bytes::literal("body"));
    exchange.finish({{"sum", "7"}});
    co_return;
  }
  static Task<void> nothing(Answers&, ServerExchange&) { co_return; }
  static Task<void> unfinished(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 200, .fields = {}});
    exchange.response_body().push(Bytes::literal("part"));
    co_return;
  }
  static Task<void> throws(Answers&, ServerExchange&) {
    throw std::runtime_error("a handler's bug");
    co_return;
  }
  static Task<void> short_body(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 200, .fields = {{"content-length", "10"}}});
    exchange.response_body().push(Bytes::literal("short"));
    exchange.finish();
    co_return;
  }
  static Task<void> early(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 403, .fields = {}});
    exchange.finish();
    co_return;
  }
  static Task<void> splitting(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 200, .fields = {{"a", "b\r\nset-cookie: evil"}, {"connection", "close"}, {"ok", "1"}}});
    exchange.finish();
    co_return;
  }
  static Task<void> no_content(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 204, .fields = {}});
    exchange.finish();
    co_return;
  }
  static Task<void> huge_head(Answers&, ServerExchange& exchange) {
    exchange.respond({.status = 200, .fields = {{"a", std::string(100'000, 'a')}}});
    exchange.finish();
    co_return;
  }
  static Task<void> resets(Answers&, ServerExchange& exchange) {
    exchange.reset(Reset::enhance_your_calm);
    co_return;
  }

  // Agrees to an upgrade and sends what comes back, until the client ends.
  static Task<void> upgrade(Answers& self, ServerExchange& exchange) {
    if (exchange.request().upgrade != "websocket") co_return co_await echo(self, exchange);
    exchange.accept_upgrade({{"sec-websocket-protocol", "test"}});
    for (;;) {
      auto chunk = co_await exchange.body().read();
      if (!chunk) co_return;
      if (!*chunk) break;
      if (auto sent = co_await exchange.response_body().write(**chunk); !sent) co_return;
      if ((*chunk)->view() == "bye") break;
    }
    exchange.finish();
  }

  // Agrees to an upgrade and reads nothing.
  static Task<void> deaf(Answers& self, ServerExchange& exchange) {
    exchange.on_broken([](void* at) { static_cast<Answers*>(at)->go.notify(); }, &self);
    exchange.accept_upgrade({});
    while (!exchange.broken()) co_await self.go.wait();
    exchange.on_broken(nullptr, nullptr);
  }

  std::map<std::string, Answer> paths = {{"/upgrade", upgrade},
                                         {"/upgrade-deaf", deaf},
                                         {"/count", count},
                                         {"/hang", hang},
                                         {"/large", large},
                                         {"/stream", stream},
                                         {"/trailers", with_trailers},
                                         {"/nothing", nothing},
                                         {"/throws", throws},
                                         {"/unfinished", unfinished},
                                         {"/short", short_body},
                                         {"/early", early},
                                         {"/splitting", splitting},
                                         {"/no-content", no_content},
                                         {"/resets", resets},
                                         {"/huge", huge_head}};
  Signal go;
  bool may_go = false;
  int running = 0;
  std::size_t seen = 0;  // bytes that `count` read
  std::vector<std::string> broken;
};

// Of a test that is not about time: a machine that stands still for some seconds is no slow peer.
inline constexpr ServerLimits patient{.header_timeout = std::chrono::hours(1),
                                      .idle_timeout = std::chrono::hours(1),
                                      .body_timeout = std::chrono::hours(1)};

class ServerTest : public testing::Test {
 protected:
  void listen(ServerLimits limits = patient) {
    auto made = Server::listen(shard, {.address = "127.0.0.1:0", .reuse_port = true, .tls = nullptr}, limits, answers);
    ASSERT_TRUE(made) << made.error().text();
    server = *std::move(made);
  }
  Client client() { return Client(shard, server->port()); }
  std::unique_ptr<Client> new_client(int receive_buffer = 0) {
    return std::make_unique<Client>(shard, server->port(), receive_buffer);
  }
  // Fake time goes by in small steps, so that timers that set themselves again keep their pace.
  void pass(Duration time) {
    constexpr Duration step = std::chrono::milliseconds(100);
    for (; time > Duration::zero(); time -= step) shard.advance(step);
  }
  void run_until(const std::function<bool()>& done) { shard.run_until(done); }
  void TearDown() override {
    if (server == nullptr) return;
    answers.may_go = true;
    answers.go.notify();
    run_blocking(shard, server->drain(Deadline::at(shard.now())));
    EXPECT_EQ(server->connection_count(), 0U);
    EXPECT_EQ(answers.running, 0);
  }

  Shard shard;
  Answers answers;
  std::unique_ptr<Server> server;
};

// Runs `turns` turns of the loop, so that all that is ready happens.
inline void settle(Shard& shard, int turns = 8) {
  for (int i = 0; i < turns; ++i) {
    bool turned = false;
    shard.post([&] { turned = true; });
    shard.run_until([&] { return turned; });
  }
}

}  // namespace parley::net
