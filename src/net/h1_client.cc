#include "net/h1_client.h"

#include <fmt/format.h>

namespace parley::net {
namespace {

constexpr std::size_t output_limit = 256 * 1024;  // unsent bytes, beyond which no more is taken from a body

}  // namespace

// One request and its response. Owned by whoever opened it; if it goes before its end, the connection closes.
class H1ClientExchange final : public ClientExchange, private PipeObserver {
 public:
  explicit H1ClientExchange(H1ClientConnection& connection) : connection_(&connection) {
    request_body_.observe(this);
    body_.observe(this);
  }
  ~H1ClientExchange() override {
    if (connection_ != nullptr) give_up();
  }

  void finish(Fields trailers) override {
    request_trailers_ = std::move(trailers);
    request_body_.end();
    if (connection_ != nullptr) connection_->wake();
  }

  void reset(Reset /*code*/) override {
    if (connection_ != nullptr) give_up();
    break_off(Error(Code::cancelled, Blame::us, "the exchange was given up").with_reason("cancelled"));
  }

 private:
  friend class H1ClientConnection;
  void pipe_written(Pipe& pipe) override {
    if (connection_ == nullptr || &pipe != &request_body_) return;
    if (pipe.aborted()) {  // the body will never be whole, and HTTP/1.1 has no other way to say so
      give_up();
    } else {
      connection_->wake();
    }
  }
  void pipe_read(Pipe& pipe, std::size_t /*bytes*/) override {
    if (connection_ != nullptr && &pipe == &body_ && !body_.is_full()) connection_->wake();  // reading goes on
  }
  void give_up() {
    H1ClientConnection* connection = std::exchange(connection_, nullptr);
    connection->exchange_ = nullptr;
    connection->end_connection();
  }

  H1ClientConnection* connection_;
  Fields request_trailers_;
};

std::unique_ptr<H1ClientConnection> H1ClientConnection::start(Shard& shard, std::unique_ptr<ClientSocket> socket,
                                                              const Origin& origin, const ConnectionLimits& limits,
                                                              ConnectionOwner& owner) {
  std::unique_ptr<H1ClientConnection> connection(
      new H1ClientConnection(shard, std::move(socket), origin, limits, owner));
  connection->socket_->hand_to(*connection);
  return connection;
}

H1ClientConnection::H1ClientConnection(Shard& shard, std::unique_ptr<ClientSocket> socket, const Origin& origin,
                                       const ConnectionLimits& limits, ConnectionOwner& owner)
    : ClientConnection(owner),
      shard_(shard),
      socket_(std::move(socket)),
      limits_(limits),
      authority_(authority_of(origin)),
      idle_timer_([](void* self) { static_cast<H1ClientConnection*>(self)->end_connection(); }, this),
      flush_hook_([](void* self) { static_cast<H1ClientConnection*>(self)->flush(); }, this),
      parser_(wire::Http1Parser::Kind::response, wire::Http1Limits{.field_bytes = limits.header_bytes}) {
  free_slots_ = 1;
  idle_timer_.set(shard_.timers(), Deadline::after(shard_.now(), limits_.idle_timeout));
}

H1ClientConnection::~H1ClientConnection() {
  fail_exchange(Error(Code::unavailable, Blame::us, "the connection pool was closed"));
}

// Sending.

std::unique_ptr<ClientExchange> H1ClientConnection::open(const RequestHead& head, bool has_body) {
  auto exchange = std::make_unique<H1ClientExchange>(*this);
  exchange_ = exchange.get();
  exchanges_ = 1;
  free_slots_ = 0;
  idle_timer_.clear();
  heard_ = false;
  request_sent_ = false;
  keep_alive_ = true;
  written_before_ = socket_->transport().bytes_sent();
  parser_.expect_no_body(head.method == "HEAD");
  wire::append_request_line(out_, head.method, head.target);
  wire::append_field(out_, "host", head.authority.empty() ? authority_ : head.authority);
  wire::append_fields(out_, head.fields);
  upgrading_ = !head.upgrade.empty();
  if (upgrading_) {
    wire::append_field(out_, "connection", "Upgrade");
    wire::append_field(out_, "upgrade", head.upgrade);
  }
  framing_ = Framing::none;
  if (has_body) {
    framing_ = head.fields.has("content-length") ? Framing::length : Framing::undecided;
  } else if (head.method != "GET" && head.method != "HEAD" && !head.fields.has("content-length")) {
    wire::append_field(out_, "content-length", "0");  // RFC 9110 section 8.6: methods that anticipate content
  }
  if (framing_ != Framing::undecided) wire::append_head_end(out_);
  wake();
  return exchange;
}

// By the end of the turn that opened the exchange a short body is often whole: then its length is known.
void H1ClientConnection::choose_framing() {
  const Pipe& body = exchange_->request_body();
  if (body.is_ended() && exchange_->request_trailers_.empty()) {
    framing_ = Framing::length;
    wire::append_field(out_, "content-length", fmt::format_int(body.bytes()).str());
  } else {
    framing_ = Framing::chunked;
    wire::append_field(out_, "transfer-encoding", "chunked");
  }
  wire::append_head_end(out_);
}

void H1ClientConnection::collect() {
  if (exchange_ == nullptr || (request_sent_ && !upgraded_)) return;
  if (framing_ == Framing::undecided) choose_framing();
  Pipe& body = exchange_->request_body();
  while (body.count() > 0 && out_.size() - out_at_ < output_limit) {
    const Result<std::optional<Bytes>> slice = body.take();
    if (framing_ == Framing::chunked && !(*slice)->empty()) wire::append_chunk_head(out_, (*slice)->size());
    out_ += (*slice)->view();
    if (framing_ == Framing::chunked && !(*slice)->empty()) out_ += "\r\n";
  }
  if (upgraded_ || (framing_ != Framing::none && !body.is_done())) return;
  if (framing_ == Framing::chunked) wire::append_last_chunk(out_, exchange_->request_trailers_);
  request_sent_ = true;
}

void H1ClientConnection::flush() {
  for (;;) {
    if (over_) return;
    collect();
    if (out_at_ == out_.size()) break;
    const IoResult put = socket_->transport().write(std::string_view(out_).substr(out_at_));
    if (put.state == IoState::failed) {
      // What the peer said before it closed counts for more than that it closed.
      read();
      return fail_exchange(socket_->transport().error());
    }
    out_at_ += put.bytes;
    if (out_at_ == out_.size()) {
      out_.clear();
      out_at_ = 0;
    }
    if (put.state == IoState::blocked) break;
  }
  if (upgraded_ && exchange_ != nullptr && out_.empty() && exchange_->request_body().is_done())
    socket_->transport().shut_down();
  if (exchange_ != nullptr && !exchange_->body().is_full()) read();
}

// Receiving.

void H1ClientConnection::read() {
  Transport& transport = socket_->transport();
  while (!over_ && (exchange_ == nullptr || !exchange_->body().is_full())) {
    const std::span<char> buffer = Transport::read_buffer();
    const IoResult got = transport.read(buffer);
    if (got.bytes > 0 && !parse({buffer.data(), got.bytes})) return;
    if (over_ || got.state == IoState::blocked) return;
    if (got.state == IoState::ended) return input_ended();
    if (got.state == IoState::failed) return fail_exchange(transport.error());
  }
}

// False once the connection is over.
bool H1ClientConnection::parse(std::string_view bytes) {
  heard_ = true;
  for (;;) {
    if (exchange_ == nullptr) {
      if (bytes.empty()) return true;
      end_connection();  // nothing was asked: a late 408, or rubbish
      return false;
    }
    if (upgraded_) {
      if (!bytes.empty()) exchange_->body_.push(Bytes::copy_of(bytes));
      return true;
    }
    const auto event = parser_.next(bytes);
    if (!event) {
      fail_exchange(Error(Code::internal, Blame::upstream, fmt::format("a malformed answer: {}", event.error().text)));
      return false;
    }
    switch (*event) {
      case wire::Http1Parser::Event::need_more: return true;
      case wire::Http1Parser::Event::head: on_head(); break;
      case wire::Http1Parser::Event::data: exchange_->body_.push(Bytes::copy_of(parser_.data())); break;
      case wire::Http1Parser::Event::end: on_end(); break;
    }
    if (over_) return false;
  }
}

void H1ClientConnection::on_head() {
  wire::Http1Head& head = parser_.head();
  interim_ = head.status < 200;
  if (head.status == 101 && upgrading_) return take_upgrade();
  if (head.status == 101) {
    return fail_exchange(Error(Code::internal, Blame::upstream, "it switched to a protocol that nobody asked for"));
  }
  if (interim_) return;
  keep_alive_ = head.keep_alive && head.body != wire::Http1Body::until_close;
  exchange_->got_head(ResponseHead{.status = head.status, .fields = std::move(head.fields)});
}

// The connection is this exchange's from here on, and no longer counts among those that the pool may have.
void H1ClientConnection::take_upgrade() {
  upgraded_ = true;
  free_slots_ = 0;
  exchange_->got_head(ResponseHead{.status = 101, .fields = std::move(parser_.head().fields)});
  if (!std::exchange(retired_, true)) owner_->connection_retired(*this);
}

void H1ClientConnection::on_end() {
  if (std::exchange(interim_, false)) return;
  exchange_->trailers_ = std::move(parser_.trailers());
  exchange_->body_.end();
  exchange_done();
}

void H1ClientConnection::exchange_done() {
  H1ClientExchange* exchange = std::exchange(exchange_, nullptr);
  exchange->connection_ = nullptr;
  exchanges_ = 0;
  if (!request_sent_ || out_at_ != out_.size() || !keep_alive_ || retired_) {
    exchange->request_body_.abort(
        Error(Code::cancelled, Blame::upstream, "the upstream answered before the request's end")
            .with_reason("upstream_answered_early"));
    return end_connection();
  }
  idle_timer_.set(shard_.timers(), Deadline::after(shard_.now(), limits_.idle_timeout));
  free_slots_ = 1;
  owner_->connection_freed(*this);
}

void H1ClientConnection::input_ended() {
  if (exchange_ != nullptr && upgraded_) {
    H1ClientExchange* exchange = std::exchange(exchange_, nullptr);
    exchange->connection_ = nullptr;
    exchange->body_.end();
    return end_connection();
  }
  if (exchange_ != nullptr) {
    const auto event = parser_.finish();
    if (event && *event == wire::Http1Parser::Event::end) return on_end();
  }
  fail_exchange(Error(Code::unavailable, Blame::upstream, "it closed the connection"));
}

// Ending.

void H1ClientConnection::fail_exchange(Error why) {
  if (over_) return;
  Transport& transport = socket_->transport();
  if (H1ClientExchange* exchange = std::exchange(exchange_, nullptr)) {
    const bool unseen = !heard_ && !transport.is_closed() && written_before_ >= most_read(transport);
    exchange->connection_ = nullptr;
    // A malformed answer keeps its code; a lost connection is `unavailable`.
    exchange->break_off(why.code() == Code::unavailable ? lost_error(why, unseen) : why);
  }
  failure_ = std::move(why);
  end_connection();
}

void H1ClientConnection::end_connection() {
  if (std::exchange(over_, true)) return;
  exchanges_ = 0;
  free_slots_ = 0;
  idle_timer_.clear();
  socket_->transport().close();
  owner_->connection_over(*this);
}

void H1ClientConnection::retire() {
  if (std::exchange(retired_, true) || over_) return;
  free_slots_ = 0;
  owner_->connection_retired(*this);
  if (exchange_ == nullptr) end_connection();
}

}  // namespace parley::net
