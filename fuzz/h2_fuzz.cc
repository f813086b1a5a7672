// A server's connection fed by bytes, over a socket pair: HTTP/2 behind its preface, or whatever the bytes are. It must
// neither crash nor hang: once the client has gone, every handler has ended and the connection is over. The first byte
// chooses the protocol, the second the chunks.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

#include "net/server_connection.h"

namespace {

using namespace parley;
using namespace parley::net;

// Reads to the end and answers with a body and trailers; the path chooses who finishes first.
class Answers final : public ExchangeHandler {
 public:
  Task<void> serve(ServerExchange& exchange) override {
    const std::string_view path = exchange.request().path();
    if (path == "/e") {
      exchange.respond({.status = 403, .fields = {}});
      exchange.finish();
      co_return;
    }
    if (path == "/r") {
      exchange.reset(Reset::cancel);
      co_return;
    }
    if (path == "/n") co_return;
    exchange.respond({.status = 200, .fields = {{"content-type", "text/plain"}}});
    for (;;) {
      auto chunk = co_await exchange.body().read();
      if (!chunk || !*chunk) break;
      auto written = co_await exchange.response_body().write(std::move(**chunk));
      if (!written) co_return;
    }
    exchange.finish({{"sum", "7"}});
  }
};

struct Context final : ServerContext {
  Context(Shard& on, ExchangeHandler& answers)
      : ServerContext(on, {.header_bytes = 2048, .header_count = 32, .target_bytes = 256, .concurrent_streams = 8},
                      answers) {}
  void retire(ServerConnection& connection) override { retired = &connection; }
  ServerConnection* retired = nullptr;
};

void settle(Shard& shard) {
  bool turned = false;
  shard.post([&] { turned = true; });
  shard.run_until([&] { return turned; });
}

void drop_input(int fd) {
  char buffer[65536];
  while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static Shard shard;
  static Answers answers;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) std::abort();
  Context context(shard, answers);
  auto* connection = new ServerConnection(context, ends[0]);
  connection->start();
  std::string input = (data[0] & 1) != 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "";
  input.append(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t chunk = data[1] == 0 ? input.size() : data[1];
  for (std::size_t at = 0; at < input.size(); at += chunk) {
    const std::string_view part = std::string_view(input).substr(at, chunk);
    [[maybe_unused]] const ssize_t n = send(ends[1], part.data(), part.size(), MSG_NOSIGNAL);
    settle(shard);
    drop_input(ends[1]);
  }
  if ((data[0] & 2) != 0) connection->drain();
  settle(shard);
  close(ends[1]);
  for (int i = 0; i < 100 && context.retired == nullptr; ++i) settle(shard);
  // A half-closed HTTP/1.1 connection waits for a grace, which this loop does not: closed by force, everything has to
  // end.
  if (context.retired == nullptr) connection->close(client_gone("the fuzzer ends"));
  for (int i = 0; i < 4 && context.retired == nullptr; ++i) settle(shard);
  if (context.retired == nullptr || context.tasks.live() != 0) std::abort();
  delete connection;
  return 0;
}
