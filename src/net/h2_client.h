// The client's side of HTTP/2: a connection with its streams, over H2Session.
#pragma once

#include <memory>

#include "loop/timer.h"
#include "net/client_connection.h"
#include "net/connector.h"
#include "net/h2_session.h"

namespace parley::net {

class H2ClientExchange;

class H2ClientConnection final : public ClientConnection, private H2Session, private TransportEvents {
 public:
  // Takes over an open socket and queues preface and SETTINGS. `owner.connection_freed` tells when the peer's SETTINGS
  // have come, `connection_over` when the peer turned out not to speak HTTP/2. Called from within the socket's
  // `transport_open`.
  static std::unique_ptr<H2ClientConnection> start(Shard& shard, std::unique_ptr<ClientSocket> socket,
                                                   const Origin& origin, const ConnectionLimits& limits,
                                                   ConnectionOwner& owner);
  ~H2ClientConnection() override;

  std::unique_ptr<ClientExchange> open(const RequestHead& head, bool has_body) override;
  void retire() override;
  void abandon(const Error& why) override;

 private:
  friend class H2ClientExchange;
  H2ClientConnection(Shard& shard, std::unique_ptr<ClientSocket> socket, const Origin& origin,
                     const ConnectionLimits& limits, ConnectionOwner& owner);

  void transport_open() override {}
  void transport_readable() override;
  void transport_writable() override { writable(); }
  void transport_failed(Error why) override { h2_failed(std::move(why)); }

  void h2_settings() override;
  void h2_goaway(std::int32_t last_id, std::uint32_t code) override;
  void h2_write_failed() override;
  void h2_flushed() override;
  void h2_failed(Error why) override;

  void exchange_ended();
  void update_slots();
  void go_out_of_use();
  void set_timer();
  void timer_due();
  void suspect(Instant since);
  void ask_if_alive();

  std::unique_ptr<ClientSocket> socket_;
  const ConnectionLimits limits_;
  std::string authority_;
  std::string scheme_;
  Timer timer_;
  Instant last_heard_;
  Instant idle_since_;
  bool ready_ = false;  // the peer's SETTINGS have come
  bool over_ = false;
  bool pinging_ = false;
  Instant ping_sent_{};
  std::uint64_t most_read_ = 0;  // by the peer, when the connection was lost
};

}  // namespace parley::net
