// Server: one shard's listener and its connections: HTTP/1.1 and HTTP/2 (prior knowledge, or ALPN over TLS) on one
// port.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/deadline.h"
#include "base/error.h"
#include "net/exchange.h"

namespace parley {
class Shard;
}

namespace parley::net {

// Every buffer and every wait of a connection has a bound here.
struct ServerLimits {
  std::size_t header_bytes = 64 * 1024;  // of a request, names and values; 431 beyond (HTTP/2: 431 or RST)
  std::size_t header_count = 256;
  std::size_t target_bytes = 16 * 1024;      // 414 beyond
  std::uint32_t concurrent_streams = 256;    // HTTP/2, a connection
  std::uint32_t stream_window = 256 * 1024;  // bytes of a request body in flight
  std::uint32_t connection_window = 1024 * 1024;
  std::size_t output_bytes = 256 * 1024;  // queued on a connection before writers wait
  Duration header_timeout =
      std::chrono::seconds(10);  // from a request's first byte to the end of its head; also a TLS handshake's
  Duration idle_timeout = std::chrono::seconds(120);  // a connection without an exchange
  Duration body_timeout =
      std::chrono::seconds(60);         // without progress of a body that is being read, or of a response being written
  std::uint32_t resets_a_minute = 200;  // rapid reset (CVE-2023-44487): GOAWAY ENHANCE_YOUR_CALM beyond
  std::uint32_t control_frames_a_second = 200;  // PING, SETTINGS, empty frames
  std::size_t connections = 10'000;             // a shard; further ones are closed at once
};

struct TlsServerConfig {
  std::string cert_file;  // PEM chain; "" for plain text
  std::string key_file;
  std::string client_ca_file;  // "" asks for no client certificate
  bool require_client_cert = false;
};

// A TLS context whose certificate files are loaded again when they change (`reload`); shared by all shards.
class TlsServerContext {
 public:
  static Result<std::shared_ptr<TlsServerContext>> load(TlsServerConfig config);
  virtual ~TlsServerContext() = default;
  // Loads the files again; on an error the old certificate stays in use. Any thread.
  virtual Result<void> reload() = 0;
};

struct ListenConfig {
  std::string address;  // "127.0.0.1:8080", "[::]:8080", ":8080"; port 0 picks one
  bool reuse_port = true;
  std::shared_ptr<TlsServerContext> tls;  // null: plain text
};

class Server {
 public:
  // Listens at once. Errors: failed_precondition with the address and the system's reason ("address already in use").
  static Result<std::unique_ptr<Server>> listen(Shard& shard, const ListenConfig& config, const ServerLimits& limits,
                                                ExchangeHandler& handler);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  virtual std::size_t connection_count() const = 0;
  // Stops accepting; tells every peer (GOAWAY with the grace of RFC 9113 section 6.8: first 2^31-1, then the real last
  // id; Connection: close) and lets exchanges finish; whatever is left at `deadline` is reset. Returns when no
  // connection is left.
  virtual Task<void> drain(Deadline deadline) = 0;
};

}  // namespace parley::net
