// The client's side of HTTP/1.1: a connection that carries one exchange at a time.
#pragma once

#include <memory>

#include "loop/shard.h"
#include "loop/timer.h"
#include "net/client_connection.h"
#include "net/connector.h"
#include "wire/http1.h"

namespace parley::net {

class H1ClientExchange;

class H1ClientConnection final : public ClientConnection, private TransportEvents {
 public:
  // Takes over an open socket; the connection can be used at once. Called from within the socket's `transport_open`.
  static std::unique_ptr<H1ClientConnection> start(Shard& shard, std::unique_ptr<ClientSocket> socket,
                                                   const Origin& origin, const ConnectionLimits& limits,
                                                   ConnectionOwner& owner);
  ~H1ClientConnection() override;

  std::unique_ptr<ClientExchange> open(const RequestHead& head, bool has_body) override;
  void retire() override;
  void abandon(const Error& why) override { fail_exchange(why); }

 private:
  friend class H1ClientExchange;
  H1ClientConnection(Shard& shard, std::unique_ptr<ClientSocket> socket, const Origin& origin,
                     const ConnectionLimits& limits, ConnectionOwner& owner);

  void transport_open() override {}
  void transport_readable() override { read(); }
  void transport_writable() override { flush(); }
  void transport_failed(Error why) override { fail_exchange(std::move(why)); }

  void read();
  bool parse(std::string_view bytes);
  void on_head();
  void on_end();
  void take_upgrade();
  void wake() { shard_.at_turn_end(flush_hook_); }
  void flush();
  void collect();
  void choose_framing();
  void exchange_done();
  void input_ended();
  void fail_exchange(Error why);
  void end_connection();

  Shard& shard_;
  std::unique_ptr<ClientSocket> socket_;
  const ConnectionLimits limits_;
  std::string authority_;
  Timer idle_timer_;
  TurnHook flush_hook_;
  wire::Http1Parser parser_;
  H1ClientExchange* exchange_ = nullptr;
  std::string out_;
  std::size_t out_at_ = 0;
  std::uint64_t written_before_ = 0;  // bytes on the socket before the current request
  enum class Framing : std::uint8_t { undecided, none, length, chunked };
  Framing framing_ = Framing::none;
  bool keep_alive_ = true;
  bool interim_ = false;       // the head that is parsed is a 1xx
  bool heard_ = false;         // any byte of the current response
  bool request_sent_ = false;  // in full
  bool upgrading_ = false;     // asked for in the current request
  bool upgraded_ = false;      // the peer agreed: raw bytes from here on
  bool over_ = false;
};

}  // namespace parley::net
