// A server that answers with what it is sent, over everything `net/` speaks: for conformance suites, load tools and
// profiles of the protocol code alone.
//
//   net_echo ADDRESS [CERT KEY [CLIENT_CA]]   e.g. net_echo 127.0.0.1:0
//
// POST echoes the body (and `content-type`), as gRPC trailers too where the request is gRPC. GET /bytes/N answers N
// bytes; others "hello\n". It prints the port it listens on, and drains on SIGTERM.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/server.h"

namespace {

using parley::Bytes;
using parley::Task;

class Echo final : public parley::net::ExchangeHandler {
 public:
  Task<void> serve(parley::net::ServerExchange& exchange) override {
    const auto& request = exchange.request();
    const bool grpc = request.fields.get("content-type").starts_with("application/grpc");
    parley::net::ResponseHead head;
    if (request.method == "POST" || request.method == "PUT") {
      head.fields.add("content-type", request.fields.get("content-type"));
      exchange.respond(std::move(head));
      for (;;) {
        auto chunk = co_await exchange.body().read();
        if (!chunk) co_return;
        if (!*chunk) break;
        auto written = co_await exchange.response_body().write(std::move(**chunk));
        if (!written) co_return;
      }
      parley::Fields trailers;
      if (grpc) trailers.add("grpc-status", "0");
      exchange.finish(std::move(trailers));
      co_return;
    }
    for (;;) {
      auto chunk = co_await exchange.body().read();
      if (!chunk) co_return;
      if (!*chunk) break;
    }
    head.fields.add("content-type", "text/plain");
    std::size_t size = 0;
    if (request.path().starts_with("/bytes/")) size = static_cast<std::size_t>(std::atol(request.target.c_str() + 7));
    exchange.respond(std::move(head));
    if (size == 0) exchange.response_body().push(Bytes::literal("hello\n"));
    constexpr std::size_t part = 16384;
    while (size > 0) {
      const std::size_t n = std::min(size, part);
      auto written = co_await exchange.response_body().write(Bytes(std::string(n, 'x')));
      if (!written) co_return;
      size -= n;
    }
    exchange.finish();
  }
};

parley::Shard* shard_to_stop = nullptr;
volatile std::sig_atomic_t stop_asked = 0;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: net_echo ADDRESS [CERT KEY [CLIENT_CA]]\n");
    return 2;
  }
  parley::Shard shard;
  Echo echo;
  parley::net::ListenConfig config{.address = argv[1], .reuse_port = false, .tls = nullptr};
  if (argc > 3) {
    auto tls = parley::net::TlsServerContext::load(
        {.cert_file = argv[2], .key_file = argv[3], .client_ca_file = argc > 4 ? argv[4] : ""});
    if (!tls) return std::fprintf(stderr, "%s\n", tls.error().text().c_str()), 1;
    config.tls = *tls;
  }
  auto server = parley::net::Server::listen(shard, config, {}, echo);
  if (!server) return std::fprintf(stderr, "%s\n", server.error().text().c_str()), 1;
  std::printf("%u\n", (*server)->port());
  std::fflush(stdout);
  shard_to_stop = &shard;
  // Not async-signal-safe in general; this is a test program, and its loop is idle or its lock free when a test stops
  // it.
  std::signal(SIGTERM, [](int) {
    stop_asked = 1;
    shard_to_stop->post([] {});
  });
  shard.run_until([] { return stop_asked != 0; });
  parley::run_blocking(shard, (*server)->drain(parley::Deadline::after(shard.now(), std::chrono::seconds(5))));
  return 0;
}
