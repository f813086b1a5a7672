// One HTTP exchange, the same for HTTP/1.1 and HTTP/2, on both sides: heads, two bodies, trailers. Protocol connections
// derive from these classes; edges and routes use them.
//
// Each body is a Pipe of chunks with bounded bytes. A chunk read from an arriving body returns its flow-control credit;
// a write to a leaving body waits for the peer's window. Both bodies are aborted when the exchange ends early (reset,
// connection lost, time-out), with an Error that says whose fault it was.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fields.h"
#include "loop/pipe.h"
#include "loop/signal.h"
#include "loop/task.h"

namespace parley::net {

struct RequestHead {
  std::string method;     // "GET"
  std::string scheme;     // "http" or "https"
  std::string authority;  // "shop.example:8080"
  std::string target;     // path and query as sent: "/v1/orders?page_size=2"; "*" for OPTIONS *
  Fields fields;          // without pseudo-headers and without `host`; no hop-by-hop fields (`te: trailers` stays)
  // "websocket": the client asks to talk WebSocket from here on, by HTTP/1.1's Upgrade (RFC 9110 section 7.8) or
  // HTTP/2's extended CONNECT (RFC 8441; `method` is then "CONNECT"). "" otherwise: other upgrades are not offered and
  // not shown.
  std::string upgrade = {};

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  // Without the question mark; "" if there is none.
  std::string_view query() const {
    const auto at = target.find('?');
    return at == std::string::npos ? std::string_view() : std::string_view(target).substr(at + 1);
  }
};

struct ResponseHead {
  int status = 200;
  Fields fields;
};

// How to end an exchange early: RFC 9113 section 7 codes over HTTP/2; over HTTP/1.1 the connection closes.
enum class Reset : std::uint32_t {
  no_error = 0x0,
  protocol_error = 0x1,
  internal_error = 0x2,
  refused_stream = 0x7,
  cancel = 0x8,
  enhance_your_calm = 0xb,
};

// What is known of the connection an exchange came on.
struct Peer {
  std::string address;  // "127.0.0.1:40312"
  bool tls = false;
  int http_version = 11;  // 10, 11 or 20
  std::string subject;    // of the verified client certificate; "" without one
};

// The server's side of one exchange. Owned by its connection, on the connection's shard, until the handler's task has
// ended.
class ServerExchange {
 public:
  virtual ~ServerExchange() = default;

  const RequestHead& request() const { return request_; }
  const Peer& peer() const { return *peer_; }

  // The request body; its end is the request's end. The first read sends `100 Continue` where the client expects it.
  Pipe& body() { return body_; }
  // Complete once `body` gave its end.
  const Fields& request_trailers() const { return request_trailers_; }

  // Queues the response's head. Once. What a turn of the loop queues leaves with one write.
  virtual void respond(ResponseHead head) = 0;
  bool has_responded() const { return responded_; }
  // The response body; only after `respond`. End it by `finish`, not by `end`.
  Pipe& response_body() { return response_body_; }
  // Ends the response. Over HTTP/1.1 trailers need `te: trailers` in the request and are dropped without it.
  virtual void finish(Fields trailers = {}) = 0;
  // Ends the exchange early, in both directions. A no-op after `finish` has been sent in full.
  virtual void reset(Reset code) = 0;
  // Instead of `respond`, where `request().upgrade` is set: agrees, with 101 or 200 as the version has it and `fields`.
  // From here on `body` and `response_body` carry the other protocol's bytes, and `finish` ends our side. A request
  // that asked is a plain one as soon as it is responded to, or as its body is read, without this.
  virtual void accept_upgrade(Fields fields) = 0;
  bool is_upgraded() const { return upgraded_; }

  // The server drains: what can end should. `listener(context)` runs once, at once if it does already. Null takes it
  // away.
  void on_drain(void (*listener)(void*), void* context);

  // Why the exchange ended before its response was sent in full (client gone, reset, drain limit); nothing while all is
  // well.
  const std::optional<Error>& broken() const { return broken_; }
  // `listener(context)` runs once, when `broken` becomes set; at once if it is already. Null takes it away.
  void on_broken(void (*listener)(void*), void* context);

 protected:
  // For the protocol: sets `broken`, aborts both bodies and tells the listener. Once; later calls do nothing.
  void break_off(Error why);
  // For the protocol: once, when its connection drains.
  void tell_drain();

  RequestHead request_;
  Fields request_trailers_;
  const Peer* peer_ = nullptr;
  Pipe body_;
  Pipe response_body_;
  bool responded_ = false;
  bool upgraded_ = false;

 private:
  std::optional<Error> broken_;
  void (*listener_)(void*) = nullptr;
  void* listener_context_ = nullptr;
  void (*drain_listener_)(void*) = nullptr;
  void* drain_context_ = nullptr;
  bool draining_ = false;
};

// The client's side of one exchange, as opened by a ClientPool. Owned by whoever opened it; destroying it before the
// end resets it.
class ClientExchange {
 public:
  virtual ~ClientExchange() = default;

  // The request's body; end it by `finish`.
  Pipe& request_body() { return request_body_; }
  virtual void finish(Fields trailers = {}) = 0;

  // Waits for the final response's head (1xx are skipped; 101 is final where the request's `upgrade` asked for it, over
  // HTTP/1.1: the two bodies then carry the other protocol's bytes). The head stays valid as long as the exchange.
  // Errors: unavailable (connection lost; safe to retry where nothing was processed), and trap 2 of edges.md for
  // resets.
  Task<Result<const ResponseHead*>> head();
  Pipe& body() { return body_; }
  // Complete once `body` gave its end.
  const Fields& trailers() const { return trailers_; }
  // Ends the exchange early; both bodies abort with `cancelled`.
  virtual void reset(Reset code) = 0;

 protected:
  // For the protocol.
  void got_head(ResponseHead head);
  void break_off(Error why);

  Pipe request_body_;
  Pipe body_;
  Fields trailers_;

 private:
  std::optional<ResponseHead> head_;
  std::optional<Error> broken_;
  Signal changed_;
};

// Answers exchanges. The task ends when the exchange needs nothing more; a task that returns without having responded
// is answered with 500 by the connection.
class ExchangeHandler {
 public:
  virtual ~ExchangeHandler() = default;
  virtual Task<void> serve(ServerExchange& exchange) = 0;
};

}  // namespace parley::net
