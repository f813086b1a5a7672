// H2Server: the server's end of an HTTP/2 connection (RFC 9113): exchanges, limits against abuse, graceful end.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "loop/frame_pool.h"
#include "net/h2_session.h"
#include "net/server_connection.h"
#include "net/watermark.h"

namespace parley::net {

class H2Server;

// One stream, one exchange. Deletes itself when its handler's task has ended and its stream is closed.
class H2Exchange final : public ServerExchange, private H2Stream {
 public:
  explicit H2Exchange(H2Server& server);
  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { frame_pool::release(block, bytes); }
  ~H2Exchange() override;

  void respond(ResponseHead head) override;
  void finish(Fields trailers) override;
  void reset(Reset code) override;
  void accept_upgrade(Fields fields) override;

 private:
  friend class H2Server;
  void h2_header(std::string_view name, std::string_view value) override;
  void h2_headers_end(bool end_stream, bool too_large) override;
  void h2_data(std::size_t bytes) override;
  void h2_sent(std::size_t bytes) override;
  void h2_end() override { request_ended_ = true; }
  void h2_end_sent() override;
  void h2_closed(std::uint32_t error_code) override;
  void pipe_awaited(Pipe& pipe) override;

  void pseudo_header(std::string_view name, std::string_view value);
  // The status to refuse the request with, or 0.
  int check_head(bool too_large);
  void answer_plainly(int status);
  static Task<void> run(H2Exchange* exchange);
  void handler_ended();
  void submit_head();
  void sweep(const ServerLimits& limits, Instant now);
  // True while it waits for the peer: to send body bytes, or to take response bytes.
  bool waits_for_peer() const;
  // True if what is left of a request's body is dropped rather than reset, once the answer is complete.
  bool takes_rest() const;
  void delete_if_over();

  H2Server& server_;
  ResponseHead response_;
  std::string host_;
  std::string cookies_;  // crumbs put together again (RFC 9113 section 8.2.3)
  Instant began_;
  std::uint64_t moved_ = 0;  // body bytes in both directions
  Watermark mark_;
  bool head_arrived_ = false;
  bool request_ended_ = false;
  bool has_length_ = false;
  bool expects_continue_ = false;
  bool running_ = false;
  bool head_pending_ = false;
  bool head_submitted_ = false;
  bool end_sent_ = false;
  bool counted_ = true;  // its end counts against, or for, the peer's resets
};

// The last stream ids that ended in one way.
class RecentIds {
 public:
  void add(std::int32_t id) { ids_[next_++ % ids_.size()] = id; }
  bool has(std::int32_t id) const { return std::find(ids_.begin(), ids_.end(), id) != ids_.end(); }

 private:
  std::array<std::int32_t, 32> ids_{};
  std::size_t next_ = 0;
};

class H2Server final : public ServerProtocol, private H2Session {
 public:
  explicit H2Server(ServerConnection& connection);
  ~H2Server() override = default;

  void start() override { H2Session::start(); }
  void received(std::string_view bytes) override;
  void input_ended() override;
  void writable() override { H2Session::writable(); }
  // Always: flow control bounds the bodies, and a peer that is not read from could not open its windows.
  bool wants_input() const override { return true; }
  void drain() override;
  void abort(const Error& why) override;
  bool has_exchanges() const override { return exchanges_ > 0; }
  void sweep(Instant now) override;

 private:
  friend class H2Exchange;
  H2Stream* h2_open(std::int32_t id) override;
  void h2_frame(const nghttp2_frame_hd& head) override;
  void h2_ping_answered(std::uint64_t payload) override;
  void h2_before_flush() override;
  void h2_flushed() override;
  void h2_failed(Error why) override;

  ServerContext& context() { return connection_.context(); }
  void head_is_pending(H2Exchange& exchange);
  void head_is_gone(H2Exchange& exchange);
  void exchange_gone();
  void check_closed(const nghttp2_frame_hd& head);
  void stream_is_gone(std::int32_t id, bool by_peer);
  void count_control();
  void count_end(bool reset);
  void useful(double frames);

  ServerConnection& connection_;
  std::vector<H2Exchange*> pending_heads_;
  std::size_t exchanges_ = 0;
  std::int32_t last_id_ = 0;     // the highest stream that the peer opened
  std::int32_t peer_reset_ = 0;  // the stream of the RST_STREAM that is being received
  RecentIds ended_by_peer_;
  RecentIds ended_by_us_;
  const Error* closing_ = nullptr;  // while `abort` runs
  // Token buckets: control frames and resets that the peer may still send.
  double control_tokens_;
  double reset_tokens_;
  Instant refilled_;
  Instant resets_refilled_;
  Instant last_received_;
  Instant idle_since_;
  Watermark unsent_;
  Instant drain_began_;
  enum class Drain : std::uint8_t { no, noticed, goaway } drain_ = Drain::no;
  bool pinged_ = false;
};

}  // namespace parley::net
