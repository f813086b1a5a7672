#include "net/h2_client.h"

#include <algorithm>

#include "loop/shard.h"

namespace parley::net {
namespace {

// Room for a bulk reply without waiting for credit; a reader that is slow keeps no more than this in memory.
constexpr std::uint32_t stream_window = 512 * 1024;
constexpr std::uint32_t connection_window = 4 * 1024 * 1024;
// Streams of one connection, whatever the peer would allow: beyond that a second connection serves them better.
constexpr std::uint32_t most_streams = 1000;

constexpr std::uint32_t no_error = 0;

}  // namespace

// One request and its response. Owned by whoever opened it; ends its stream when it goes.
class H2ClientExchange final : public ClientExchange, private H2Stream {
 public:
  explicit H2ClientExchange(H2ClientConnection& connection)
      : H2Stream(body_, request_body_),
        connection_(&connection),
        started_(connection.shard().now()),
        written_before_(connection.socket_->transport().bytes_sent()) {}
  ~H2ClientExchange() override {
    if (connection_ != nullptr && !complete_) connection_->suspect(started_);
    leave_session();  // before the connection counts its free streams
    leave_connection();
  }

  void finish(Fields trailers) override { finish_leaving(std::move(trailers)); }

  void reset(Reset code) override {
    if (is_attached()) reset_stream(static_cast<std::uint32_t>(code));
    break_off(Error(Code::cancelled, Blame::us, "the exchange was given up").with_reason("cancelled"));
  }

  H2Stream& stream() { return *this; }
  // Never came onto the wire.
  void refuse(Error why) {
    leave_connection();
    break_off(std::move(why));
  }

 private:
  void h2_header(std::string_view name, std::string_view value) override {
    if (head_done_) {
      if (!name.starts_with(':')) ClientExchange::trailers_.add(name, value);
    } else if (name == ":status") {
      head_.status = 0;
      for (const char c : value)
        head_.status = head_.status * 10 + (c - '0');  // nghttp2 lets only three digits through
    } else if (!name.starts_with(':')) {
      head_.fields.add(name, value);
    }
  }

  void h2_headers_end(bool /*end_stream*/, bool too_large) override {
    if (too_large) {
      reset_stream(NGHTTP2_CANCEL);
      break_off(Error(Code::resource_exhausted, Blame::upstream, "the upstream's headers are larger than the limit")
                    .with_reason("upstream_headers_too_large"));
      return;
    }
    if (head_done_) return;
    if (head_.status < 200) {  // interim
      head_ = ResponseHead();
      return;
    }
    head_done_ = true;
    got_head(std::move(head_));
  }

  void h2_end() override { complete_ = true; }

  void h2_closed(std::uint32_t code) override {
    const bool lost = connection_ != nullptr && connection_->failure_ && code != NGHTTP2_REFUSED_STREAM;
    const bool unseen = lost && !head_done_ && written_before_ >= connection_->most_read_;
    std::optional<Error> failure = lost ? connection_->failure_ : std::nullopt;
    leave_connection();
    if (complete_) {
      if (is_leaving_finished()) return;
      // An early answer, maybe followed by RST_STREAM NO_ERROR: whoever still writes hears that nobody reads it.
      request_body_.abort(Error(Code::cancelled, Blame::upstream, "the upstream answered before the request's end")
                              .with_reason("upstream_answered_early"));
    } else if (failure) {
      break_off(lost_error(*failure, unseen));
    } else {
      break_off(reset_error(code));
    }
  }

  void leave_connection() {
    if (H2ClientConnection* connection = std::exchange(connection_, nullptr)) connection->exchange_ended();
  }

  H2ClientConnection* connection_;
  ResponseHead head_;
  Instant started_;
  std::uint64_t written_before_;
  bool head_done_ = false;
  bool complete_ = false;  // END_STREAM came
};

std::unique_ptr<H2ClientConnection> H2ClientConnection::start(Shard& shard, std::unique_ptr<ClientSocket> socket,
                                                              const Origin& origin, const ConnectionLimits& limits,
                                                              ConnectionOwner& owner) {
  std::unique_ptr<H2ClientConnection> connection(
      new H2ClientConnection(shard, std::move(socket), origin, limits, owner));
  connection->socket_->hand_to(*connection);
  connection->H2Session::start();
  return connection;
}

H2ClientConnection::H2ClientConnection(Shard& shard, std::unique_ptr<ClientSocket> socket, const Origin& origin,
                                       const ConnectionLimits& limits, ConnectionOwner& owner)
    : ClientConnection(owner),
      H2Session(shard, socket->transport(),
                H2Config{.server = false,
                         .stream_window = stream_window,
                         .connection_window = connection_window,
                         .concurrent_streams = 0,
                         .header_bytes = limits.header_bytes}),
      socket_(std::move(socket)),
      limits_(limits),
      authority_(authority_of(origin)),
      scheme_(origin.tls ? "https" : "http"),
      timer_([](void* self) { static_cast<H2ClientConnection*>(self)->timer_due(); }, this),
      last_heard_(shard.now()),
      idle_since_(shard.now()) {
  set_timer();
}

H2ClientConnection::~H2ClientConnection() {
  abandon(Error(Code::unavailable, Blame::us, "the connection pool was closed"));
}

std::unique_ptr<ClientExchange> H2ClientConnection::open(const RequestHead& head, bool has_body) {
  auto exchange = std::make_unique<H2ClientExchange>(*this);
  static thread_local H2Headers headers;
  headers.clear();
  headers.add(":method", head.method);
  headers.add(":scheme", head.scheme.empty() ? scheme_ : head.scheme);
  headers.add(":path", head.target);
  headers.add(":authority", head.authority.empty() ? authority_ : head.authority);
  headers.add_all(head.fields);
  ++exchanges_;
  if (Result<void> sent = submit_request(exchange->stream(), headers, has_body); !sent) {
    exchange->refuse(std::move(sent).error());
    go_out_of_use();
  }
  update_slots();
  return exchange;
}

void H2ClientConnection::exchange_ended() {
  --exchanges_;
  if (exchanges_ == 0) idle_since_ = shard().now();
  if (over_) return;
  update_slots();
  if (retired_ && exchanges_ == 0) wake();  // `h2_flushed` closes it
}

void H2ClientConnection::update_slots() {
  const std::uint32_t most = std::min(peer_concurrent_streams(), most_streams);
  const bool usable = ready_ && !retired_ && !over_ && can_open();
  const std::uint32_t before = std::exchange(free_slots_, usable && most > exchanges_ ? most - exchanges_ : 0);
  if (before == 0 && free_slots_ > 0) owner_->connection_freed(*this);
}

void H2ClientConnection::h2_settings() {
  ready_ = true;
  update_slots();
}

void H2ClientConnection::h2_goaway(std::int32_t /*last_id*/, std::uint32_t /*code*/) { go_out_of_use(); }

// What is open goes on; nothing new is opened.
void H2ClientConnection::go_out_of_use() {
  if (std::exchange(retired_, true)) return;
  free_slots_ = 0;
  owner_->connection_retired(*this);
  wake();
}

void H2ClientConnection::retire() {
  if (retired_ || over_) return;
  submit_goaway(no_error);
  go_out_of_use();
}

void H2ClientConnection::abandon(const Error& why) { h2_failed(why); }

void H2ClientConnection::h2_flushed() {
  if (over_ || has_unsent()) return;
  if (!retired_ || exchanges_ > 0) {
    // nghttp2 has said GOAWAY to a peer that broke the rules, and takes no more from it.
    if (is_over()) h2_failed(Error(Code::unavailable, Blame::upstream, "it does not keep to HTTP/2"));
    return;
  }
  over_ = true;
  timer_.clear();
  socket_->transport().shut_down();
  socket_->transport().close();
  owner_->connection_over(*this);
}

void H2ClientConnection::h2_failed(Error why) {
  if (std::exchange(over_, true)) return;
  free_slots_ = 0;
  timer_.clear();
  Transport& transport = socket_->transport();
  if (!transport.is_closed()) most_read_ = most_read(transport);
  failure_ = std::move(why);
  close_streams(NGHTTP2_INTERNAL_ERROR);
  transport.close();
  owner_->connection_over(*this);
}

void H2ClientConnection::transport_readable() {
  last_heard_ = shard().now();
  if (pinging_) {
    pinging_ = false;
    set_timer();
  }
  Transport& transport = socket_->transport();
  while (!over_) {
    const std::span<char> buffer = Transport::read_buffer();
    const IoResult got = transport.read(buffer);
    if (got.bytes > 0) receive({buffer.data(), got.bytes});
    if (over_ || got.state == IoState::blocked) return;
    if (got.state == IoState::ended)
      return h2_failed(Error(Code::unavailable, Blame::upstream, "it closed the connection"));
    if (got.state == IoState::failed) return h2_failed(transport.error());
  }
}

// Answers that are complete, and a GOAWAY, count for more than that the connection ended.
void H2ClientConnection::h2_write_failed() {
  for (IoState state = IoState::ok; state == IoState::ok && !over_;) {
    const std::span<char> buffer = Transport::read_buffer();
    const IoResult got = socket_->transport().read(buffer);
    if (got.bytes > 0) receive({buffer.data(), got.bytes});
    state = got.state;
  }
}

// Timers: one, looked at now and then, instead of one that every request moves.

void H2ClientConnection::set_timer() {
  const Instant now = shard().now();
  Instant due = now + std::min(limits_.idle_timeout, limits_.ping_after);
  if (exchanges_ == 0) due = std::min(due, idle_since_ + limits_.idle_timeout);
  if (exchanges_ > 0) due = std::min(due, last_heard_ + limits_.ping_after);
  if (pinging_) due = std::min(due, ping_sent_ + limits_.ping_timeout);
  timer_.set(shard().timers(), Deadline::at(due));
}

void H2ClientConnection::timer_due() {
  const Instant now = shard().now();
  if (pinging_ && now >= ping_sent_ + limits_.ping_timeout) {
    return h2_failed(Error(Code::unavailable, Blame::upstream, "it did not answer a PING"));
  }
  if (exchanges_ == 0 && now >= idle_since_ + limits_.idle_timeout) return retire();
  if (exchanges_ > 0 && now >= last_heard_ + limits_.ping_after) ask_if_alive();
  set_timer();
}

// An exchange that began at `since` was given up. If nothing at all came since then, the peer may be gone.
void H2ClientConnection::suspect(Instant since) {
  if (!over_ && last_heard_ < since) ask_if_alive();
}

void H2ClientConnection::ask_if_alive() {
  const Instant now = shard().now();
  if (pinging_ || (ping_sent_ != Instant() && now < ping_sent_ + limits_.ping_after)) return;
  pinging_ = true;
  ping_sent_ = now;
  submit_ping(0);
  set_timer();
}

}  // namespace parley::net
