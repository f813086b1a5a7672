// ClientPool: this shard's connections to upstreams: pooled, kept alive, multiplexed over HTTP/2. Used on its shard
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "loop/signal.h"
#include "net/exchange.h"

namespace parley {
class Shard;
}

namespace parley::net {

struct TlsClientConfig {
  std::string ca_file;    // "" for the system's store
  std::string cert_file;  // client certificate, optional
  std::string key_file;
  std::string server_name;  // "" for the host
  bool verify = true;
};

// Where a service can be reached. `http2`: HTTP/2 by prior knowledge (or ALPN "h2" over TLS); else HTTP/1.1.
struct Origin {
  std::string host;  // a name, an IPv4 or IPv6 address; a name is resolved and all its addresses are tried in turn
  std::uint16_t port = 0;
  bool tls = false;
  bool http2 = false;
  TlsClientConfig tls_config;
  std::string key() const;  // equal for origins that can share connections
};

struct PoolLimits {
  Duration connect_timeout = std::chrono::seconds(5);
  Duration idle_timeout = std::chrono::seconds(60);  // an unused connection closes after
  std::size_t max_connections = 64;                  // HTTP/1.1, an origin; further exchanges wait
  std::size_t max_h2_connections = 8;  // HTTP/2, an origin: another is opened where all streams of the others are taken
  std::size_t max_waiting = 1024;      // beyond: resource_exhausted
  Duration backoff_first = std::chrono::milliseconds(100);  // after a failed connect, with jitter; doubles up to
  // Calls fail at once meanwhile, also when the upstream is back by then: an attempt a second costs less than that.
  Duration backoff_max = std::chrono::seconds(1);
  std::size_t header_bytes = 64 * 1024;
  // HTTP/2: a connection that carries exchanges and was silent for so long is asked, and given up without an answer.
  Duration ping_after = std::chrono::minutes(5) + std::chrono::seconds(10);
  Duration ping_timeout = std::chrono::seconds(20);
  std::string dns_servers{};  // "10.0.0.2:53,…" instead of the system's
};

class ClientOrigin;

// Ends a wait for a connection early. Owned by whoever waits, beyond the wait; used on its shard.
class OpenCancel {
 public:
  void cancel() {
    cancelled_ = true;
    if (waiter_ != nullptr) waiter_->notify();
  }
  bool is_cancelled() const { return cancelled_; }

 private:
  friend class ClientOrigin;
  bool cancelled_ = false;
  Signal* waiter_ = nullptr;
};

class ClientPool {
 public:
  ClientPool(Shard& shard, const PoolLimits& limits);
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;
  ~ClientPool();  // closes every connection; open exchanges break

  // Opens an exchange on a live connection, connecting if needed. `has_body` false sends END_STREAM with the head.
  // Errors: unavailable, safe to retry: refused, unreachable, unresolvable, TLS failed, time-out of the connect or
  // `deadline` while connecting (deadline_exceeded then); resource_exhausted: too many wait. A connection that is found
  // dead before a byte of the request could be processed (stale keep-alive, GOAWAY with a lower last id,
  // REFUSED_STREAM) surfaces from `head()` as safe to retry.
  Task<Result<std::unique_ptr<ClientExchange>>> open(const Origin& origin, RequestHead head, bool has_body,
                                                     Deadline deadline);

  // The pool's part for one origin (client_origin.h), for whoever opens many exchanges to it: lives as long as the
  // pool.
  ClientOrigin& at(const Origin& origin);

  // Graceful end: no new exchanges, connections close as they become idle. Waits until all have closed.
  Task<void> drain(Deadline deadline);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace parley::net
