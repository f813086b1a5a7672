// What the pool, the connector and the two client protocols share.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "net/client_pool.h"
#include "net/exchange.h"
#include "net/transport.h"

namespace parley::net {

class ClientConnection;

// Whoever holds connections: the pool's part for one origin. It must not destroy a connection within these calls.
class ConnectionOwner {
 public:
  // `free_slots` grew from zero, or the connection has become idle.
  virtual void connection_freed(ClientConnection& connection) = 0;
  // It will never open another exchange: closed, or told to go away. May still carry exchanges: see `is_over`.
  virtual void connection_retired(ClientConnection& connection) = 0;
  // It is closed and carries nothing: destroy it at the end of the turn.
  virtual void connection_over(ClientConnection& connection) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// A connection to an origin, HTTP/1.1 or HTTP/2, over a transport that is open. Owned by its ConnectionOwner, on its
// shard. Exchanges may outlive it: they are broken when it is closed.
class ClientConnection {
 public:
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  virtual ~ClientConnection() = default;

  // Exchanges that can be opened now.
  std::uint32_t free_slots() const { return free_slots_; }
  std::uint32_t exchanges() const { return exchanges_; }
  // Opens no more exchanges, but may still carry some.
  bool is_retired() const { return retired_; }
  // Only while `free_slots() > 0`. Where `head` names no scheme or authority, the origin's are sent. `head` is read at
  // once.
  virtual std::unique_ptr<ClientExchange> open(const RequestHead& head, bool has_body) = 0;
  // No more exchanges: closes as soon as the last one has ended.
  virtual void retire() = 0;
  // Closes now; open exchanges break with `why`.
  virtual void abandon(const Error& why) = 0;

  // Whether it ever carried an exchange; kept by the owner.
  bool was_used() const { return used_; }
  void set_used() { used_ = true; }

  void set_owner(ConnectionOwner& owner) { owner_ = &owner; }
  // Why it was lost; nothing if it ended in order.
  const std::optional<Error>& failure() const { return failure_; }

 protected:
  explicit ClientConnection(ConnectionOwner& owner) : owner_(&owner) {}

  ConnectionOwner* owner_;
  std::optional<Error> failure_;
  std::uint32_t free_slots_ = 0;
  std::uint32_t exchanges_ = 0;
  bool retired_ = false;

 private:
  bool used_ = false;
};

struct ConnectionLimits {
  std::size_t header_bytes = 64 * 1024;
  Duration idle_timeout = std::chrono::seconds(60);
  // A connection that carries exchanges and has been silent for so long is asked (HTTP/2 PING), and given up if it does
  // not answer in time. gRPC servers take more frequent pings for an attack.
  Duration ping_after = std::chrono::minutes(5) + std::chrono::seconds(10);
  Duration ping_timeout = std::chrono::seconds(20);
};

// "host:port" as :authority and Host have it; the scheme's default port is left out.
std::string authority_of(const Origin& origin);

// A connection broke under an exchange. `why` is the transport's or the protocol's error.
Error lost_error(const Error& why, bool nothing_processed);

// RFC 9113 section 7 to canonical codes, as gRPC's "HTTP2 Transport Mapping" has it (PROTOCOL-HTTP2.md, "Errors").
// `safe_to_retry` for REFUSED_STREAM.
Error reset_error(std::uint32_t h2_code);

// An upper bound of what the peer has read of an open socket, in bytes: a request that was written at or after it is
// safe to send again. Where the peer closed in order, that is what its kernel has acknowledged: its FIN says so of all
// it had. Else it is all that was written: an acknowledgement may wait for an answer to ride on, and a reset brings
// none.
std::uint64_t most_read(const Transport& transport);

}  // namespace parley::net
