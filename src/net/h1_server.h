// H1Server: the server's end of an HTTP/1.1 connection (RFC 9112): one exchange at a time; pipelined requests wait,
// bounded, in the input buffer, so that answers come in order by construction.
#pragma once

#include <memory>
#include <string>

#include "net/server_connection.h"
#include "net/watermark.h"
#include "wire/http1.h"

namespace parley::net {

class H1Server;

// One request and its answer. Owned by its H1Server until its handler's task has ended and both messages are over.
class H1Exchange final : public ServerExchange, private PipeObserver {
 public:
  H1Exchange(H1Server& server, wire::Http1Head& head);
  ~H1Exchange() override;

  void respond(ResponseHead head) override;
  void finish(Fields trailers) override;
  void reset(Reset code) override;
  void accept_upgrade(Fields fields) override;

 private:
  friend class H1Server;
  enum class Framing : std::uint8_t { none, length, chunked, until_close };

  void pipe_written(Pipe& pipe) override;
  void pipe_read(Pipe& pipe, std::size_t bytes) override;
  void pipe_awaited(Pipe& pipe) override;
  static Task<void> run(H1Exchange* exchange);
  void handler_ended();
  // The request asked for an upgrade, and is answered as a plain one: it has no body.
  void decline_upgrade();

  // Appends what can be sent to `out`. Sets `sent_` once the response is complete in it.
  void produce(std::string& out);
  void produce_head(std::string& out);
  void decide_framing();
  void produce_body(std::string& out);
  void produce_end(std::string& out);

  H1Server& server_;
  ResponseHead response_;
  Fields trailers_;
  std::uint64_t length_left_ = 0;  // of a response with Content-Length
  Framing framing_ = Framing::none;
  int version_;
  bool is_head_request_;
  bool takes_trailers_;
  bool keep_alive_;
  bool expects_continue_;
  bool has_length_;  // the request has Content-Length
  bool continue_wanted_ = false;
  bool upgrade_open_ = false;  // an upgrade was asked for, and neither accepted nor declined
  bool upgrade_seen_ = false;  // its request is complete
  bool request_ended_ = false;
  bool head_produced_ = false;
  bool finished_ = false;
  bool sent_ = false;
  bool running_ = true;
};

class H1Server final : public ServerProtocol {
 public:
  explicit H1Server(ServerConnection& connection);
  ~H1Server() override;

  void received(std::string_view bytes) override;
  void input_ended() override;
  void writable() override { flush(); }
  bool wants_input() const override;
  void drain() override;
  void abort(const Error& why) override;
  bool has_exchanges() const override { return exchange_ != nullptr; }
  void sweep(Instant now) override;

 private:
  friend class H1Exchange;
  ServerContext& context() { return connection_.context(); }
  void wake() { context().shard.at_turn_end(flush_hook_); }
  void process();
  // Returns how many of `bytes` were used.
  std::size_t process(std::string_view bytes);
  bool is_held_back(bool no_bytes_left) const;
  void take(wire::Http1Parser::Event event);
  std::size_t pass_on(std::string_view bytes);
  void end_upgraded();
  void drop(std::size_t bytes);
  void begin_exchange();
  // Why the request is refused; fills in what depends on the target's form.
  std::optional<wire::Http1Error> check_head(wire::Http1Head& head) const;
  void malformed(const wire::Http1Error& problem);
  void refuse(const wire::Http1Error& problem);
  void flush();
  bool send(std::string_view bytes);
  bool advance();
  bool may_drop_rest() const;
  void clean_up();
  void half_close_is_over();

  ServerConnection& connection_;
  TurnHook flush_hook_;
  Timer half_close_timer_;
  Timer drain_timer_;
  wire::Http1Parser parser_;
  std::unique_ptr<H1Exchange> exchange_;
  std::string input_;   // bytes that came and were not looked at: pipelined requests, a body nobody reads
  std::string unsent_;  // what the socket did not take
  std::string answer_;  // of a refused request
  Watermark mark_;
  std::uint64_t moved_ = 0;
  std::size_t dropped_ = 0;  // of a request body that nobody wants
  Instant head_since_;
  Instant idle_since_;
  bool head_coming_ = false;
  bool closing_ = false;  // no more requests: close in order once everything is sent
  bool draining_ = false;
  bool drain_is_over_ = false;
  bool dropping_ = false;  // the answer is complete: the rest of the request is discarded
  bool input_over_ = false;
  bool started_ = false;  // the exchange's handler
  bool cut_ = false;      // the response cannot be completed: abort the connection
};

}  // namespace parley::net
