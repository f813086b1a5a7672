// Dial: one try to reach an origin: resolves its name, connects to address after address, does the TLS handshake, and
// over HTTP/2 waits for the server's SETTINGS, so that only a peer that speaks the protocol counts as connected.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "loop/timer.h"
#include "net/client_connection.h"
#include "net/client_pool.h"
#include "net/dns.h"
#include "net/tls_client.h"
#include "net/transport.h"

namespace parley::net {

// A transport whose user changes once: first the dial, then the connection.
class ClientSocket final : private TransportEvents {
 public:
  ClientSocket(Shard& shard, int fd, TransportEvents& user)
      : user_(&user), transport_(shard, fd, *this, Blame::upstream) {}
  Transport& transport() { return transport_; }
  void hand_to(TransportEvents& user) { user_ = &user; }

 private:
  void transport_open() override { user_->transport_open(); }
  void transport_readable() override { user_->transport_readable(); }
  void transport_writable() override { user_->transport_writable(); }
  void transport_failed(Error why) override { user_->transport_failed(std::move(why)); }

  TransportEvents* user_;
  Transport transport_;
};

// What a shard's dials share.
struct DialContext {
  Shard& shard;
  Resolver& resolver;
  TlsClientContexts& tls;
  ConnectionLimits limits;
};

// Owned by the pool's part for one origin, on its shard. Not to be destroyed within `done`; destroying it earlier gives
// up.
class Dial final : private TransportEvents, private ConnectionOwner {
 public:
  using Done = std::function<void(Dial&, Result<std::unique_ptr<ClientConnection>>)>;

  // `origin` outlives the dial. `done` is called once, never from within the constructor or `start`'s caller's caller:
  // it may be called from `start`. The connection then belongs to whoever gets it, and reports to `owner`. Errors:
  // unavailable, safe to retry. Each address gets an equal share of the time that is left.
  Dial(DialContext& context, const Origin& origin, Deadline deadline, ConnectionOwner& owner, Done done);
  ~Dial();
  void start();

 private:
  void resolved(Result<std::vector<SocketAddress>> addresses);
  void next_address();
  void connect_to(const SocketAddress& address);
  void attempt_failed(std::string_view what, std::string_view reason);
  // The same with what the transport says; `reason` unless one of the two does not accept the other's TLS.
  void attempt_failed(const Error& why, std::string_view reason);
  void fail_all(Error why);
  void timed_out();

  void transport_open() override;
  void transport_readable() override {}
  void transport_writable() override {}
  void transport_failed(Error why) override;
  void connection_freed(ClientConnection& connection) override;
  void connection_retired(ClientConnection&) override {}
  void connection_over(ClientConnection& connection) override;

  DialContext& context_;
  const Origin& origin_;
  Deadline deadline_;
  ConnectionOwner& owner_;
  Done done_;
  std::shared_ptr<void> lookup_;
  Timer timer_;
  std::vector<SocketAddress> addresses_;
  std::size_t next_ = 0;
  std::unique_ptr<ClientSocket> socket_;
  std::unique_ptr<ClientConnection> connection_;
  std::vector<std::unique_ptr<ClientSocket>> dead_sockets_;  // ended within their own callbacks
  std::vector<std::unique_ptr<ClientConnection>> dead_connections_;
  std::optional<Error> last_error_;
};

}  // namespace parley::net
