// ServerConnection: one accepted connection: its transport, and the protocol spoken on it, found by ALPN or by its
// first bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "loop/timer.h"
#include "net/exchange.h"
#include "net/server.h"
#include "net/transport.h"

namespace parley::net {

class ServerConnection;

// What a server's connections share.
struct ServerContext {
  Shard& shard;
  ServerLimits limits;
  ExchangeHandler& handler;
  SSL_CTX* tls = nullptr;
  bool draining = false;
  TaskGroup tasks;  // the handlers' tasks: one an exchange
  // The connection is over and has no exchange left: destroys it at the end of the turn.
  virtual void retire(ServerConnection& connection) = 0;

 protected:
  ServerContext(Shard& on, const ServerLimits& bounds, ExchangeHandler& answers)
      : shard(on), limits(bounds), handler(answers) {}
  ~ServerContext() = default;
};

// HTTP/1.1 or HTTP/2 on a connection. Owned by it.
class ServerProtocol {
 public:
  virtual ~ServerProtocol() = default;
  virtual void start() {}
  virtual void received(std::string_view bytes) = 0;
  // The peer sends no more (FIN).
  virtual void input_ended() = 0;
  virtual void writable() = 0;
  // False: the peer is held back; `ServerConnection::resume_reading` when that is over.
  virtual bool wants_input() const = 0;
  // Finish what is open, take nothing new, then close.
  virtual void drain() = 0;
  // The transport is closed: break every exchange off.
  virtual void abort(const Error& why) = 0;
  // Exchanges whose handlers still run, or whose protocol stream is open.
  virtual bool has_exchanges() const = 0;
  // Looks for what is late, every so often.
  virtual void sweep(Instant now) = 0;
};

class ServerConnection final : private TransportEvents {
 public:
  ServerConnection(ServerContext& context, int fd);
  ~ServerConnection() = default;

  void start();
  void drain();
  // Closes the transport and breaks the exchanges. The connection retires once these have ended.
  void close(const Error& why, bool reset = false);
  // The same, but so that the peer reads what was sent: our side ends first, and what still comes is discarded for a
  // while (closing with unread input would answer it with RST, which takes the last answer away from the peer).
  void close_in_order(const Error& why);
  bool is_closed() const { return transport_.is_closed() || lingering_; }
  // For the protocol, when an exchange has gone: retires if all is over.
  void exchange_gone() { retire_if_over(); }
  // The protocol wants input again: read later in this turn.
  void resume_reading() { context_.shard.at_turn_end(read_hook_); }

  Transport& transport() { return transport_; }
  ServerContext& context() { return context_; }
  const Peer& peer() const { return peer_; }
  void set_http_version(int version) { peer_.http_version = version; }

  // The server's list.
  ServerConnection* next = nullptr;
  ServerConnection* previous = nullptr;

 private:
  void transport_open() override;
  void transport_readable() override;
  void transport_writable() override;
  void transport_failed(Error why) override;
  void detect(std::string_view bytes);
  void speak(bool http2);
  void sweep();
  void discard(std::size_t bytes);
  void retire_if_over();
  Duration sweep_interval() const;

  ServerContext& context_;
  Transport transport_;
  TurnHook read_hook_;
  Timer sweep_timer_;
  Peer peer_;
  std::unique_ptr<ServerProtocol> protocol_;
  std::string first_bytes_;  // while they could begin either protocol
  Instant began_;
  std::size_t discarded_ = 0;
  bool lingering_ = false;
  bool input_ended_ = false;
  bool retired_ = false;
};

// The error of a caller that went away.
Error client_gone(std::string_view how);

}  // namespace parley::net
