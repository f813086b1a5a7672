// H2Session and H2Stream: HTTP/2 over a Transport, the part that server and client share: a thin wrapper over nghttp2,
// which does frames, HPACK, flow control and the state machine (RFC 9113).
//
// What a turn of the loop produces leaves with one write at its end (`wake`). A stream's leaving body is taken from its
// Pipe frame by frame as the windows and the socket allow; an arriving body goes into its Pipe, and its flow-control
// credit returns as the Pipe is read.
//
// On one shard. The session is owned by its connection and must not be destroyed from within one of its virtual
// functions; a stream may be destroyed at any time (it is then reset if still open).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/error.h"
#include "base/fields.h"
#include "loop/pipe.h"
#include "loop/shard.h"
#include "net/transport.h"

namespace parley::net {

class H2Session;

// A header list on its way to nghttp2, without copies: names and values must outlive the submit.
class H2Headers {
 public:
  H2Headers() { list_.reserve(16); }
  void add(std::string_view name, std::string_view value) {
    list_.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                     NGHTTP2_NV_FLAG_NONE});
  }
  // Credentials and the like: never in the compression table (RFC 7541 section 7.1.3).
  void add_sensitive(std::string_view name, std::string_view value) {
    add(name, value);
    list_.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
  }
  // All of `fields`; authorization and cookies as sensitive.
  void add_all(const Fields& fields);
  void clear() { list_.clear(); }
  const nghttp2_nv* data() const { return list_.data(); }
  std::size_t size() const { return list_.size(); }

 private:
  std::vector<nghttp2_nv> list_;
};

// One stream: base of the server's and the client's exchange, which own the two pipes.
class H2Stream : public PipeObserver {
 public:
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;

  std::int32_t id() const { return id_; }  // 0 before it is submitted
  // True from `attach` or `submit_request` until `h2_closed`.
  bool is_attached() const { return session_ != nullptr; }

 protected:
  H2Stream(Pipe& arriving, Pipe& leaving);
  virtual ~H2Stream();  // leaves the session

  // Arrivals. Headers of a block come one by one (names in lower case; pseudo-headers too), then `h2_headers_end`.
  // Views are valid in the call only. A block over the limits comes with `too_large`, its further headers left out. The
  // first block is the head, with 1xx responses a client sees several; a block without `:status` or `:method` is the
  // trailers.
  virtual void h2_header(std::string_view name, std::string_view value) = 0;
  virtual void h2_headers_end(bool end_stream, bool too_large) = 0;
  // A DATA chunk went into the arriving pipe.
  virtual void h2_data(std::size_t /*bytes*/) {}
  // Bytes of the leaving body went out to the socket's buffer.
  virtual void h2_sent(std::size_t /*bytes*/) {}
  // The peer's side ended (END_STREAM); the arriving pipe was ended just before.
  virtual void h2_end() {}
  // Our END_STREAM went out.
  virtual void h2_end_sent() {}
  // The stream is over; `error_code` as in RFC 9113 section 7 (NO_ERROR after an orderly end). The stream is detached;
  // it may delete itself.
  virtual void h2_closed(std::uint32_t error_code) = 0;

  // Ends the leaving body after what its pipe holds; `trailers` go out after it. Once.
  void finish_leaving(Fields trailers);
  bool is_leaving_finished() const { return finished_; }
  // Queues RST_STREAM; `h2_closed` follows with that code. A no-op when detached.
  void reset_stream(std::uint32_t error_code);
  bool has_reset() const { return reset_; }
  // Resets the stream with CANCEL if it is still open, and has no more to do with it.
  void leave_session();
  H2Session* session() { return session_; }
  bool is_leaving_empty() const { return leaving_.bytes() == 0 && trailers_.empty(); }
  // Bytes that arrived and were not read yet.
  std::size_t unread() const { return uncredited_; }
  // The body waits for the peer's window, or its socket: there is something to send.
  bool is_send_blocked() const { return submitted_body_ && !deferred_ && leaving_.bytes() > 0; }

 private:
  friend class H2Session;
  void pipe_written(Pipe& pipe) final;
  void pipe_read(Pipe& pipe, std::size_t bytes) final;
  void detach();
  ssize_t next_data(std::size_t length, std::uint32_t* flags);
  void take_data(std::string& out, std::size_t length);

  Pipe& arriving_;
  Pipe& leaving_;
  H2Session* session_ = nullptr;
  H2Stream* next_ = nullptr;  // the session's list
  H2Stream* previous_ = nullptr;
  std::int32_t id_ = 0;
  std::size_t uncredited_ = 0;
  std::size_t header_bytes_ = 0;  // of the block that is arriving
  std::size_t header_count_ = 0;
  Fields trailers_;
  bool finished_ = false;
  bool deferred_ = false;  // nghttp2 waits for `resume_data`
  bool submitted_body_ = false;
  bool reset_ = false;
  bool too_large_ = false;
};

struct H2Config {
  bool server = false;
  std::uint32_t stream_window = 256 * 1024;  // bytes of an arriving body in flight
  std::uint32_t connection_window = 1024 * 1024;
  std::uint32_t concurrent_streams = 256;  // that the peer may open (server)
  std::size_t header_bytes = 64 * 1024;    // of an arriving block, names and values
  std::size_t header_count = 256;
  std::size_t output_bytes = 256 * 1024;  // unsent, beyond which no frames are taken from the streams
};

class H2Session {
 public:
  H2Session(Shard& shard, Transport& transport, const H2Config& config);
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;
  virtual ~H2Session();

  // Queues the preface (client) and SETTINGS. Call it once the transport is open.
  void start();
  // What arrived on the transport.
  void receive(std::string_view bytes);
  // The transport takes bytes again.
  void writable();
  // Something was queued: it is written at the end of this turn. Streams call it by themselves.
  void wake() { shard_.at_turn_end(flush_hook_); }
  // Writes now what is queued, as far as the transport takes it.
  void flush();

  // Client: opens `stream`. Without a body, END_STREAM goes with the head. Errors: unavailable, safe to retry: no
  // stream ids are left, or the peer said GOAWAY. More streams than the peer allows wait inside nghttp2: ask `can_open`
  // first.
  Result<void> submit_request(H2Stream& stream, const H2Headers& head, bool has_body);
  bool can_open() const;
  // Server: the final head. Without a body, END_STREAM goes with it.
  void submit_response(H2Stream& stream, const H2Headers& head, bool has_body);
  // A head that is not the last one: 1xx, or a response that only trailers follow.
  void submit_headers(H2Stream& stream, const H2Headers& head);
  void submit_ping(std::uint64_t payload);
  // GOAWAY with the last stream id that was processed; the session closes when its streams have ended.
  void submit_goaway(std::uint32_t error_code);
  // The first GOAWAY of a graceful end: id 2^31-1 (RFC 9113 section 6.8).
  void submit_shutdown_notice();

  std::uint32_t open_streams() const { return open_streams_; }
  // Neither side wants anything any more: GOAWAY was sent or received, and no stream is left. Close the transport.
  bool is_over() const;
  // The peer's SETTINGS_MAX_CONCURRENT_STREAMS.
  std::uint32_t peer_concurrent_streams() const;
  bool has_unsent() const { return !unsent_.empty(); }
  std::size_t unsent_bytes() const { return unsent_.size(); }
  // All that the socket took so far.
  std::uint64_t sent_bytes() const { return sent_bytes_; }
  Shard& shard() { return shard_; }
  nghttp2_session* raw() { return session_; }

 protected:
  // The peer opens a stream (server): who answers it, attached by the session; null refuses it (REFUSED_STREAM).
  virtual H2Stream* h2_open(std::int32_t /*id*/) { return nullptr; }
  // Each frame's head as it arrives, before nghttp2 looks at it: for counting, and for what nghttp2 lets pass. Frames
  // before it have been processed, where it belongs to a stream.
  virtual void h2_frame(const nghttp2_frame_hd& /*head*/) {}
  virtual void h2_settings() {}
  virtual void h2_ping_answered(std::uint64_t /*payload*/) {}
  // Client: the peer said GOAWAY. Streams above `last_id` are closed with REFUSED_STREAM right after.
  virtual void h2_goaway(std::int32_t /*last_id*/, std::uint32_t /*code*/) {}
  // Before frames are collected, at most once a flush: the last chance to submit.
  virtual void h2_before_flush() {}
  // The socket takes no more, ever: the last chance to read what came before its end.
  virtual void h2_write_failed() {}
  // After a flush: look at `is_over`, `has_unsent`.
  virtual void h2_flushed() {}
  // The connection is lost or the peer broke the protocol beyond repair (a GOAWAY was tried). Once. Close the
  // transport; streams are still attached: break them with `close_streams`.
  virtual void h2_failed(Error why) = 0;

  // Ends the session at once: GOAWAY with `error_code`, and nothing is read or sent any more.
  void terminate(std::uint32_t error_code);
  // Detaches every stream with `h2_closed(error_code)`.
  void close_streams(std::uint32_t error_code);
  // `look` may end the stream it is given.
  template <class Look>
  void each_stream(Look look) {
    for (H2Stream* stream = first_; stream != nullptr;) {
      H2Stream* next = stream->next_;
      look(*stream);
      stream = next;
    }
  }

 private:
  friend class H2Stream;
  struct Callbacks;
  friend struct Callbacks;
  void attach(H2Stream& stream, std::int32_t id);
  void fail_session(Error why);
  // Hands on to nghttp2; false: it failed.
  bool process(std::string_view bytes);
  // Follows the frames in `bytes` from `at` on, up to and with the next frame head; returns where the head began within
  // `bytes` (0 if it began in earlier bytes), nothing where no further head is complete.
  std::optional<std::size_t> next_frame(std::string_view bytes, std::size_t& at, nghttp2_frame_hd& head);
  // Takes frames from nghttp2 into `out`; false: it has no more.
  bool collect(std::string& out);
  // Sends `bytes`, keeping in `unsent_` what the socket does not take; false: it takes no more for now.
  bool send(std::string_view bytes);

  Shard& shard_;
  Transport& transport_;
  H2Config config_;
  nghttp2_session* session_ = nullptr;
  TurnHook flush_hook_;
  std::string unsent_;  // what the socket did not take
  std::uint64_t sent_bytes_ = 0;
  std::size_t skip_ = 0;  // arriving bytes until the next frame head: of the preface, or a payload
  std::array<std::uint8_t, 9> frame_head_{};
  std::size_t frame_head_size_ = 0;
  std::string* out_ = nullptr;  // where `collect` puts bodies
  H2Stream* first_ = nullptr;   // attached streams
  std::uint32_t open_streams_ = 0;
  bool failed_ = false;
  bool flushing_ = false;
};

}  // namespace parley::net
