#include "net/h2_session.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>

namespace parley::net {
namespace {

constexpr std::size_t collect_bytes = 128 * 1024;  // frames taken from nghttp2 for one write
constexpr std::size_t max_outbound_acks = 500;     // unsent answers to PING and SETTINGS: a flood beyond
constexpr std::size_t table_bytes = 4096;          // of the compression table for what we send

// One buffer a thread for what a flush collects: only what the socket refuses moves into the session.
thread_local std::string collect_buffer;

std::string_view view(const nghttp2_rcbuf* text) {
  const nghttp2_vec v = nghttp2_rcbuf_get_buf(const_cast<nghttp2_rcbuf*>(text));
  return {reinterpret_cast<const char*>(v.base), v.len};
}

// The GOAWAY frame for what nghttp2 calls fatal. The last stream id is the highest one: any may have been processed.
std::string last_goaway(int nghttp2_error) {
  std::uint32_t code = NGHTTP2_PROTOCOL_ERROR;
  if (nghttp2_error == NGHTTP2_ERR_FLOODED || nghttp2_error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
    code = NGHTTP2_ENHANCE_YOUR_CALM;
  if (nghttp2_error == NGHTTP2_ERR_NOMEM || nghttp2_error == NGHTTP2_ERR_CALLBACK_FAILURE)
    code = NGHTTP2_INTERNAL_ERROR;
  std::string frame("\0\0\x08\x07\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", 17);
  frame.back() = static_cast<char>(code);
  return frame;
}

bool is_sensitive(std::string_view name) {
  return name == "authorization" || name == "proxy-authorization" || name == "cookie" || name == "set-cookie";
}

// Other on every request: in the compression table they would only push out what repeats.
bool is_volatile(std::string_view name) {
  return name == "grpc-timeout" || name == "traceparent" || name == "x-request-id" || name == "grpc-message";
}

}  // namespace

void H2Headers::add_all(const Fields& fields) {
  for (const Field f : fields) {
    if (is_sensitive(f.name) || is_volatile(f.name)) {
      add_sensitive(f.name, f.value);
    } else {
      add(f.name, f.value);
    }
  }
}

// The stream.

H2Stream::H2Stream(Pipe& arriving, Pipe& leaving) : arriving_(arriving), leaving_(leaving) {
  arriving_.observe(this);
  leaving_.observe(this);
}

H2Stream::~H2Stream() {
  arriving_.observe(nullptr);
  leaving_.observe(nullptr);
  leave_session();
}

void H2Stream::leave_session() {
  if (session_ == nullptr) return;
  reset_stream(NGHTTP2_CANCEL);
  detach();
}

void H2Stream::detach() {
  nghttp2_session_set_stream_user_data(session_->session_, id_, nullptr);
  if (uncredited_ > 0) {
    nghttp2_session_consume_connection(session_->session_, std::exchange(uncredited_, 0));
    session_->wake();
  }
  (previous_ != nullptr ? previous_->next_ : session_->first_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  next_ = previous_ = nullptr;
  --session_->open_streams_;
  session_ = nullptr;
}

void H2Stream::pipe_written(Pipe& pipe) {
  if (session_ == nullptr) return;
  if (&pipe == &arriving_) {
    // Aborted by its reader: what was queued is gone, its share of the connection's window must not be.
    if (pipe.aborted() && uncredited_ > 0) pipe_read(pipe, uncredited_);
    return;
  }
  if (pipe.aborted()) {
    reset_stream(NGHTTP2_INTERNAL_ERROR);
  } else if (deferred_) {
    deferred_ = false;
    nghttp2_session_resume_data(session_->session_, id_);
    session_->wake();
  }
}

void H2Stream::pipe_read(Pipe& pipe, std::size_t bytes) {
  if (session_ == nullptr || &pipe != &arriving_ || bytes == 0) return;
  uncredited_ -= std::min(bytes, uncredited_);
  nghttp2_session_consume(session_->session_, id_, bytes);
  session_->wake();
}

void H2Stream::finish_leaving(Fields trailers) {
  if (finished_) return;
  finished_ = true;
  trailers_ = std::move(trailers);
  if (session_ == nullptr) return;
  if (deferred_) {
    deferred_ = false;
    nghttp2_session_resume_data(session_->session_, id_);
  }
  session_->wake();
}

void H2Stream::reset_stream(std::uint32_t error_code) {
  if (session_ == nullptr || reset_) return;
  reset_ = true;
  nghttp2_submit_rst_stream(session_->session_, NGHTTP2_FLAG_NONE, id_, error_code);
  session_->wake();
}

ssize_t H2Stream::next_data(std::size_t length, std::uint32_t* flags) {
  const std::size_t have = leaving_.bytes();
  if (have == 0 && !finished_) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t taken = std::min(length, have);
  if (taken > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (taken == have && finished_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!trailers_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      static thread_local H2Headers trailers;
      trailers.clear();
      trailers.add_all(trailers_);
      nghttp2_submit_trailer(session_->session_, id_, trailers.data(), trailers.size());
    }
  }
  return static_cast<ssize_t>(taken);
}

void H2Stream::take_data(std::string& out, std::size_t length) {
  h2_sent(length);
  while (length > 0) {
    const std::string_view front = leaving_.front()->view();
    const std::size_t part = std::min(front.size(), length);
    out.append(front.substr(0, part));
    leaving_.consume(part);
    length -= part;
  }
}

// nghttp2's callbacks. None may throw: what throws ends the session.

struct H2Session::Callbacks {
  static H2Session& of(void* user) { return *static_cast<H2Session*>(user); }
  static H2Stream* stream(nghttp2_session* session, std::int32_t id) {
    return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    H2Session& self = of(user);
    const std::int32_t id = frame->hd.stream_id;
    H2Stream* stream = Callbacks::stream(session, id);
    if (stream == nullptr && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      stream = self.h2_open(id);
      if (stream == nullptr) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return 0;
      }
      self.attach(*stream, id);
      nghttp2_session_set_stream_user_data(session, id, stream);
    }
    if (stream == nullptr) return 0;
    stream->header_bytes_ = stream->header_count_ = 0;
    stream->too_large_ = false;
    return 0;
  }

  static int header(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                    std::uint8_t, void* user) {
    H2Stream* stream = Callbacks::stream(session, frame->hd.stream_id);
    if (stream == nullptr || stream->too_large_) return 0;
    const H2Config& limits = of(user).config_;
    const std::string_view n = view(name);
    const std::string_view v = view(value);
    stream->header_bytes_ += n.size() + v.size();
    stream->too_large_ = stream->header_bytes_ > limits.header_bytes || ++stream->header_count_ > limits.header_count;
    if (!stream->too_large_) stream->h2_header(n, v);
    return 0;
  }

  // A name or value with characters that no HTTP field has: the message is malformed (RFC 9113 section 8.2.1).
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*, std::uint8_t,
                            void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    H2Session& self = of(user);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: arrived(session, *frame); break;
      case NGHTTP2_SETTINGS:
        if (!ack) self.h2_settings();
        break;
      case NGHTTP2_PING:
        if (ack) self.h2_ping_answered(read_ping(frame->ping.opaque_data));
        break;
      case NGHTTP2_GOAWAY: self.h2_goaway(frame->goaway.last_stream_id, frame->goaway.error_code); break;
      default: break;
    }
    return 0;
  }

  static void arrived(nghttp2_session* session, const nghttp2_frame& frame) {
    H2Stream* stream = Callbacks::stream(session, frame.hd.stream_id);
    if (stream == nullptr) return;
    const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame.hd.type == NGHTTP2_HEADERS) stream->h2_headers_end(end, stream->too_large_);
    if (!end) return;
    stream = Callbacks::stream(session, frame.hd.stream_id);  // the callback may have destroyed it
    if (stream == nullptr) return;
    stream->arriving_.end();
    stream->h2_end();
  }

  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                  void*) {
    H2Stream* stream = Callbacks::stream(session, id);
    if (stream == nullptr || stream->arriving_.aborted()) {
      nghttp2_session_consume(session, id, size);
      return 0;
    }
    stream->uncredited_ += size;
    stream->arriving_.push(Bytes::copy_of({reinterpret_cast<const char*>(bytes), size}));
    stream->h2_data(size);
    return 0;
  }

  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 || frame->hd.type > NGHTTP2_HEADERS) return 0;
    if (H2Stream* stream = Callbacks::stream(session, frame->hd.stream_id)) stream->h2_end_sent();
    return 0;
  }

  // A head that could not be sent: nghttp2 tells it nowhere else. For a request that is GOAWAY, or a head that is too
  // large, as for a response.
  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    for (H2Stream* s = of(user).first_; s != nullptr; s = s->next_) {
      if (s->id_ != frame->hd.stream_id) continue;
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        s->detach();
        s->h2_closed(error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED ? NGHTTP2_REFUSED_STREAM : NGHTTP2_INTERNAL_ERROR);
      } else {
        s->reset_stream(NGHTTP2_INTERNAL_ERROR);
      }
      break;
    }
    return 0;
  }

  static int stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t error_code, void*) {
    H2Stream* stream = Callbacks::stream(session, id);
    if (stream == nullptr) return 0;
    stream->detach();
    stream->h2_closed(error_code);
    return 0;
  }

  static ssize_t read_data(nghttp2_session* session, std::int32_t id, std::uint8_t*, std::size_t length,
                           std::uint32_t* flags, nghttp2_data_source*, void*) {
    H2Stream* stream = Callbacks::stream(session, id);
    return stream == nullptr ? static_cast<ssize_t>(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE)
                             : stream->next_data(length, flags);
  }

  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head, std::size_t length,
                       nghttp2_data_source*, void* user) {
    constexpr std::size_t head_size = 9;
    of(user).out_->append(reinterpret_cast<const char*>(head), head_size);
    Callbacks::stream(session, frame->hd.stream_id)->take_data(*of(user).out_, length);
    return 0;
  }

  static std::uint64_t read_ping(const std::uint8_t* bytes) {
    std::uint64_t payload = 0;
    for (int i = 0; i < 8; ++i) payload = payload << 8 | bytes[i];
    return payload;
  }

  static const nghttp2_session_callbacks* table() {
    static const nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* c = nullptr;
      if (nghttp2_session_callbacks_new(&c) != 0) throw std::bad_alloc();
      nghttp2_session_callbacks_set_on_begin_headers_callback(c, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback2(c, header);
      nghttp2_session_callbacks_set_on_invalid_header_callback2(c, invalid_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(c, frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, data);
      nghttp2_session_callbacks_set_on_frame_send_callback(c, frame_sent);
      nghttp2_session_callbacks_set_on_frame_not_send_callback(c, frame_not_sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(c, stream_close);
      nghttp2_session_callbacks_set_send_data_callback(c, send_data);
      return c;
    }();
    return callbacks;
  }

  static const nghttp2_option* options() {
    static const nghttp2_option* const option = [] {
      nghttp2_option* o = nullptr;
      if (nghttp2_option_new(&o) != 0) throw std::bad_alloc();
      nghttp2_option_set_no_auto_window_update(o, 1);
      nghttp2_option_set_no_closed_streams(o, 1);
      nghttp2_option_set_max_outbound_ack(o, max_outbound_acks);
      nghttp2_option_set_max_deflate_dynamic_table_size(o, table_bytes);
      return o;
    }();
    return option;
  }
};

// The session.

H2Session::H2Session(Shard& shard, Transport& transport, const H2Config& config)
    : shard_(shard),
      transport_(transport),
      config_(config),
      flush_hook_([](void* self) { static_cast<H2Session*>(self)->flush(); }, this) {
  const auto create = config.server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  if (config.server) skip_ = NGHTTP2_CLIENT_MAGIC_LEN;
  if (create(&session_, Callbacks::table(), this, Callbacks::options()) != 0) throw std::bad_alloc();
}

H2Session::~H2Session() {
  while (first_ != nullptr) first_->detach();
  nghttp2_session_del(session_);
}

void H2Session::start() {
  std::array<nghttp2_settings_entry, 5> entries;
  std::size_t count = 0;
  const auto set = [&](std::int32_t id, std::size_t value) {
    entries[count++] = {id, static_cast<std::uint32_t>(value)};
  };
  set(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config_.stream_window);
  set(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, config_.header_bytes);
  if (config_.server) {
    set(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config_.concurrent_streams);
    set(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);  // RFC 8441 section 3
  } else {
    set(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  }
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), count);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(config_.connection_window));
  wake();
}

void H2Session::attach(H2Stream& stream, std::int32_t id) {
  stream.session_ = this;
  stream.id_ = id;
  stream.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &stream;
  first_ = &stream;
  ++open_streams_;
}

void H2Session::receive(std::string_view bytes) {
  std::size_t done = 0;
  nghttp2_frame_hd head;
  for (std::size_t at = 0; !failed_ && nghttp2_session_want_read(session_) != 0;) {
    const std::optional<std::size_t> began = next_frame(bytes, at, head);
    if (!began) break;
    const bool of_stream = head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS;
    if (of_stream && *began > done) {
      if (!process(bytes.substr(done, *began - done))) return;
      done = *began;
    }
    h2_frame(head);
  }
  if (!failed_ && process(bytes.substr(done))) wake();
}

bool H2Session::process(std::string_view bytes) {
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return true;
  if (!has_unsent()) {
    transport_.write(last_goaway(static_cast<int>(taken)));  // nghttp2 has given up: it makes none
  }
  fail_session(
      Error(Code::unavailable, Blame::caller, nghttp2_strerror(static_cast<int>(taken))).with_reason("http2_broken"));
  return false;
}

std::optional<std::size_t> H2Session::next_frame(std::string_view bytes, std::size_t& at, nghttp2_frame_hd& head) {
  const std::size_t skipped = std::min(skip_, bytes.size() - at);
  at += skipped;
  skip_ -= skipped;
  const std::size_t began = frame_head_size_ > 0 ? 0 : at;
  while (at < bytes.size() && frame_head_size_ < frame_head_.size())
    frame_head_[frame_head_size_++] = static_cast<std::uint8_t>(bytes[at++]);
  if (skip_ > 0 || frame_head_size_ < frame_head_.size()) return std::nullopt;
  frame_head_size_ = 0;
  const auto& h = frame_head_;
  head.length = static_cast<std::size_t>(h[0]) << 16 | static_cast<std::size_t>(h[1]) << 8 | h[2];
  head.type = h[3];
  head.flags = h[4];
  head.stream_id = static_cast<std::int32_t>((h[5] & 0x7fU) << 24 | static_cast<unsigned>(h[6]) << 16 |
                                             static_cast<unsigned>(h[7]) << 8 | h[8]);
  head.reserved = 0;
  skip_ = head.length;
  return began;
}

bool H2Session::collect(std::string& out) {
  out_ = &out;
  while (out.size() < std::min(collect_bytes, config_.output_bytes)) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) {
      fail_session(
          Error(Code::internal, Blame::us, nghttp2_strerror(static_cast<int>(size))).with_reason("http2_broken"));
      return false;
    }
    if (size == 0) return false;
    out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  return true;
}

bool H2Session::send(std::string_view bytes) {
  const IoResult result = transport_.write(bytes);
  if (result.state == IoState::failed) {
    h2_write_failed();
    fail_session(transport_.error());
    return false;
  }
  sent_bytes_ += result.bytes;
  unsent_.append(bytes.substr(result.bytes));
  return result.state == IoState::ok;
}

void H2Session::flush() {
  if (failed_ || flushing_ || !transport_.is_open()) return;
  flushing_ = true;
  h2_before_flush();
  bool more = !failed_;
  if (more && has_unsent()) {
    const std::string waiting = std::exchange(unsent_, {});
    more = send(waiting);
  }
  while (more) {
    std::string& out = collect_buffer;
    out.clear();
    more = collect(out);
    if (failed_) break;
    if (!out.empty() && !send(out)) break;
  }
  flushing_ = false;
  if (!failed_) h2_flushed();
}

void H2Session::writable() { flush(); }

void H2Session::fail_session(Error why) {
  if (std::exchange(failed_, true)) return;
  h2_failed(std::move(why));
}

void H2Session::terminate(std::uint32_t error_code) {
  nghttp2_session_terminate_session(session_, error_code);
  wake();
}

void H2Session::close_streams(std::uint32_t error_code) {
  while (first_ != nullptr) {
    H2Stream* stream = first_;
    stream->detach();
    stream->h2_closed(error_code);
  }
}

// Submitting. nghttp2 fails here only for want of memory, or for want of stream ids.

namespace {
nghttp2_data_provider body_source(ssize_t (*read)(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t,
                                                  std::uint32_t*, nghttp2_data_source*, void*)) {
  return {.source = {.ptr = nullptr}, .read_callback = read};
}
}  // namespace

Result<void> H2Session::submit_request(H2Stream& stream, const H2Headers& head, bool has_body) {
  const nghttp2_data_provider body = body_source(Callbacks::read_data);
  const std::int32_t id = failed_ ? NGHTTP2_ERR_START_STREAM_NOT_ALLOWED
                                  : nghttp2_submit_request(session_, nullptr, head.data(), head.size(),
                                                           has_body ? &body : nullptr, &stream);
  if (id < 0) {
    return fail(
        Error(Code::unavailable, Blame::upstream, nghttp2_strerror(id)).with_reason("http2_no_stream").safe_to_retry());
  }
  attach(stream, id);
  stream.submitted_body_ = has_body;
  if (!has_body) stream.finished_ = true;
  wake();
  return {};
}

bool H2Session::can_open() const {
  return !failed_ && nghttp2_session_check_request_allowed(session_) != 0 && open_streams_ < peer_concurrent_streams();
}

std::uint32_t H2Session::peer_concurrent_streams() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void H2Session::submit_response(H2Stream& stream, const H2Headers& head, bool has_body) {
  if (stream.session_ != this) return;
  const nghttp2_data_provider body = body_source(Callbacks::read_data);
  nghttp2_submit_response(session_, stream.id_, head.data(), head.size(), has_body ? &body : nullptr);
  stream.submitted_body_ = has_body;
  wake();
}

void H2Session::submit_headers(H2Stream& stream, const H2Headers& head) {
  if (stream.session_ != this) return;
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, head.data(), head.size(), nullptr);
  wake();
}

void H2Session::submit_ping(std::uint64_t payload) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(payload >> (8 * (7 - i)));
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, bytes.data());
  wake();
}

void H2Session::submit_goaway(std::uint32_t error_code) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), error_code,
                        nullptr, 0);
  wake();
}

void H2Session::submit_shutdown_notice() {
  nghttp2_submit_shutdown_notice(session_);
  wake();
}

bool H2Session::is_over() const {
  return failed_ ||
         (!has_unsent() && nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

}  // namespace parley::net
