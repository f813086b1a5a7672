#include "net/h1_server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "net/server_date.h"

namespace parley::net {
namespace {

constexpr std::size_t input_bytes = 64 * 1024;  // of pipelined requests that wait
// Of a request body nobody reads: what is announced and short is dropped, so that the connection can be used again.
constexpr std::size_t short_rest = 256 * 1024;
// Where the answer has promised that the connection stays, its client may have sent the next request already: closing
// is the last resort.
constexpr std::size_t longest_rest = 16 * 1024 * 1024;
constexpr std::size_t output_at_once = 256 * 1024;
// A client that closed its side may still read a quick answer; a slow one is cancelled then: it is the only sign of a
// client that went away.
constexpr Duration half_close_grace = std::chrono::milliseconds(100);
// A draining connection stays open so long for a request that may be on its way, whose answer then says close.
constexpr Duration drain_grace = std::chrono::seconds(1);

thread_local std::string output_buffer;  // what a flush puts together; only what the socket refuses is kept

bool is_bodiless(int status) { return status == 204 || status == 304; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_host(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// Upgrade is a list of protocols (RFC 9110 section 7.8).
bool names_websocket(std::string_view upgrade) {
  while (!upgrade.empty()) {
    const std::size_t end = std::min(upgrade.find(','), upgrade.size());
    if (same_host(trim(upgrade.substr(0, end)), "websocket")) return true;
    upgrade.remove_prefix(std::min(end + 1, upgrade.size()));
  }
  return false;
}

void append_length(std::string& out, std::uint64_t length) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), length);
  wire::append_field(out, "content-length", {digits.data(), end});
}

// Splits "http://host/path" (RFC 9112 section 3.2.2). False: it is malformed.
bool split_absolute(std::string_view target, std::string_view method, std::string& authority, std::string& path) {
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos ||
      (!same_host(target.substr(0, scheme), "http") && !same_host(target.substr(0, scheme), "https"))) {
    return false;
  }
  target.remove_prefix(scheme + 3);
  const std::size_t end = std::min(target.find_first_of("/?"), target.size());
  authority = target.substr(0, end);
  path = target.substr(end);
  if (path.empty() && method == "OPTIONS") {
    path = "*";
  } else if (path.empty() || path.front() == '?') {
    path.insert(0, "/");
  }
  return !authority.empty() && authority.find('@') == std::string::npos;
}

}  // namespace

// The exchange.

H1Exchange::H1Exchange(H1Server& server, wire::Http1Head& head)
    : server_(server),
      version_(head.version),
      is_head_request_(head.method == "HEAD"),
      takes_trailers_(head.version >= 11 && head.fields.has("te")),
      keep_alive_(head.keep_alive),
      expects_continue_(head.expect_continue && head.body != wire::Http1Body::none),
      has_length_(head.body == wire::Http1Body::length) {
  peer_ = &server.connection_.peer();
  request_.method = std::move(head.method);
  request_.target = std::move(head.target);
  request_.authority = std::move(head.host);
  request_.scheme = peer_->tls ? "https" : "http";
  request_.fields = std::move(head.fields);
  // RFC 6455 section 4.1: a GET of HTTP/1.1 without a body.
  upgrade_open_ = head.version >= 11 && head.body == wire::Http1Body::none && request_.method == "GET" &&
                  names_websocket(head.upgrade);
  if (upgrade_open_) request_.upgrade = "websocket";
  if (server.draining_) tell_drain();
  body_.observe(this);
  response_body_.observe(this);
}

H1Exchange::~H1Exchange() {
  body_.observe(nullptr);
  response_body_.observe(nullptr);
}

Task<void> H1Exchange::run(H1Exchange* exchange) {
  try {
    co_await exchange->server_.context().handler.serve(*exchange);
  } catch (const std::exception& e) {
    log::error("a handler ended with an exception: {}", e.what());
  }
  exchange->handler_ended();
}

void H1Exchange::handler_ended() {
  running_ = false;
  if (!broken() && !responded_) {
    ResponseHead head;
    head.status = 500;
    respond(std::move(head));
    finish({});
  } else if (!broken() && !finished_) {
    reset(Reset::internal_error);
  }
  server_.wake();
}

void H1Exchange::respond(ResponseHead head) {
  if (responded_) return;
  decline_upgrade();
  responded_ = true;
  response_ = std::move(head);
  server_.wake();
}

void H1Exchange::decline_upgrade() {
  if (!std::exchange(upgrade_open_, false)) return;
  request_ended_ = true;
  body_.end();
}

void H1Exchange::accept_upgrade(Fields fields) {
  if (responded_ || !std::exchange(upgrade_open_, false)) return;
  responded_ = upgraded_ = true;
  response_ = {.status = 101, .fields = std::move(fields)};
  server_.wake();  // what came behind the head is looked at then
}

void H1Exchange::finish(Fields trailers) {
  if (!responded_ || finished_) return;
  finished_ = true;
  trailers_ = std::move(trailers);
  server_.wake();
}

void H1Exchange::reset(Reset) {
  if (sent_) return;
  const Error why = Error(Code::cancelled, Blame::us, "the exchange was reset").with_reason("reset");
  break_off(why);
  server_.connection_.close(why, true);
}

void H1Exchange::pipe_written(Pipe& pipe) {
  if (&pipe != &response_body_ || broken()) return;
  if (pipe.aborted()) return reset(Reset::internal_error);
  server_.wake();
}

void H1Exchange::pipe_read(Pipe& pipe, std::size_t) {
  if (&pipe == &body_ && !request_ended_) server_.wake();
}

void H1Exchange::pipe_awaited(Pipe& pipe) {
  if (&pipe == &body_) decline_upgrade();
  if (!expects_continue_ || &pipe != &body_ || responded_ || request_ended_) return;
  expects_continue_ = false;
  continue_wanted_ = true;
  server_.wake();
}

void H1Exchange::produce(std::string& out) {
  if (broken() || sent_) return;
  if (continue_wanted_ && !head_produced_) wire::append_status_line(out, 100), wire::append_head_end(out);
  continue_wanted_ = false;
  if (!responded_) return;
  if (!head_produced_) produce_head(out);
  produce_body(out);
  if (finished_ && response_body_.bytes() == 0) produce_end(out);
}

// RFC 9112 section 6.3, from the sender's side.
void H1Exchange::decide_framing() {
  const std::optional<std::string_view> given = response_.fields.find("content-length");
  if (upgraded_) {
    framing_ = Framing::until_close;
  } else if (is_head_request_ || is_bodiless(response_.status)) {
    framing_ = Framing::none;
    response_body_.discard();
  } else if (given && std::from_chars(given->data(), given->data() + given->size(), length_left_).ec == std::errc()) {
    framing_ = Framing::length;
  } else if (finished_ && (trailers_.empty() || !takes_trailers_)) {
    framing_ = Framing::length;
    length_left_ = response_body_.bytes();
  } else {
    framing_ = version_ >= 11 ? Framing::chunked : Framing::until_close;
  }
  // The rest of the request would be taken for the next one, or take too long to drop.
  const bool rest_is_unclear = finished_ && !request_ended_ && !server_.may_drop_rest();
  keep_alive_ = keep_alive_ && framing_ != Framing::until_close && !server_.draining_ && !rest_is_unclear;
}

void H1Exchange::produce_head(std::string& out) {
  head_produced_ = true;
  if (!upgraded_) response_.status = std::clamp(response_.status, 200, 599);
  decide_framing();
  wire::append_status_line(out, response_.status);
  if (upgraded_ || response_.status == 426) {  // RFC 9110 section 15.5.22
    wire::append_field(out, "upgrade", "websocket");
    wire::append_field(out, "connection", "Upgrade");
  }
  bool has_length = false;
  bool has_date = false;
  for (const Field f : response_.fields) {
    if (wire::is_hop_by_hop(f.name) || !wire::is_field(f)) continue;
    if (f.name == "content-length") {
      if (framing_ != Framing::length && !(framing_ == Framing::none && response_.status != 204)) continue;
      has_length = true;
    }
    has_date = has_date || f.name == "date";
    wire::append_field(out, f.name, f.value);
  }
  if (framing_ == Framing::length && !has_length) append_length(out, length_left_);
  if (framing_ == Framing::chunked) wire::append_field(out, "transfer-encoding", "chunked");
  if (!has_date) wire::append_field(out, "date", http_date());
  if (!keep_alive_ && !upgraded_) wire::append_field(out, "connection", "close");
  if (keep_alive_ && version_ < 11) wire::append_field(out, "connection", "keep-alive");
  wire::append_head_end(out);
}

void H1Exchange::produce_body(std::string& out) {
  std::size_t left = response_body_.bytes();
  if (left == 0) return;
  if (framing_ == Framing::chunked) wire::append_chunk_head(out, left);
  while (left > 0) {
    const std::string_view slice = response_body_.front()->view();
    std::size_t part = slice.size();
    if (framing_ == Framing::length) part = static_cast<std::size_t>(std::min<std::uint64_t>(part, length_left_));
    out.append(slice.substr(0, part));
    length_left_ -= framing_ == Framing::length ? part : 0;
    left -= slice.size();
    response_body_.consume(slice.size());
  }
  if (framing_ == Framing::chunked) out += "\r\n";
}

void H1Exchange::produce_end(std::string& out) {
  sent_ = true;
  if (framing_ == Framing::chunked) {
    Fields trailers;
    if (takes_trailers_) {
      for (const Field f : trailers_) {
        if (!wire::is_hop_by_hop(f.name) && wire::is_field(f)) trailers.add(f.name, f.value);
      }
    }
    wire::append_last_chunk(out, trailers);
  }
  if (!keep_alive_) server_.closing_ = true;
  // The handler promised more than it wrote: only an aborted connection tells the client.
  if (framing_ == Framing::length && length_left_ > 0) server_.cut_ = true;
}

// The connection.

H1Server::H1Server(ServerConnection& connection)
    : connection_(connection),
      flush_hook_([](void* self) { static_cast<H1Server*>(self)->flush(); }, this),
      half_close_timer_([](void* self) { static_cast<H1Server*>(self)->half_close_is_over(); }, this),
      drain_timer_(
          [](void* self) {
            static_cast<H1Server*>(self)->drain_is_over_ = true;
            static_cast<H1Server*>(self)->wake();
          },
          this),
      parser_(wire::Http1Parser::Kind::request, {.field_bytes = connection.context().limits.header_bytes,
                                                 .field_count = connection.context().limits.header_count,
                                                 .target_bytes = connection.context().limits.target_bytes}),
      head_since_(connection.context().shard.now()),
      idle_since_(head_since_) {}

H1Server::~H1Server() = default;

bool H1Server::wants_input() const {
  if (closing_ || input_over_ || input_.size() >= input_bytes) return false;
  return exchange_ == nullptr || exchange_->request_ended_ || dropping_ || !exchange_->body_.is_full();
}

void H1Server::received(std::string_view bytes) {
  moved_ += bytes.size();
  if (closing_) return;
  if (!input_.empty()) {
    input_.append(bytes);
    process();
  } else {
    const std::size_t used = process(bytes);
    if (!closing_) input_.append(bytes.substr(used));
  }
}

void H1Server::process() {
  const std::size_t used = process(std::string_view(input_));
  input_.erase(0, used);
  if (closing_) std::string().swap(input_);
}

// The next bytes are not to be looked at yet: the exchange before comes first, or its reader is slower than the client.
// A request's end needs no bytes and is never held back: nothing would come that could call for it later.
bool H1Server::is_held_back(bool no_bytes_left) const {
  if (exchange_ == nullptr) return closing_;
  if (exchange_->upgrade_open_) return exchange_->upgrade_seen_;
  return exchange_->request_ended_ || (!no_bytes_left && !dropping_ && exchange_->body_.is_full());
}

std::size_t H1Server::process(std::string_view bytes) {
  if (exchange_ != nullptr && exchange_->upgraded_) return pass_on(bytes);
  std::string_view in = bytes;
  while (!is_held_back(in.empty())) {
    const auto event = parser_.next(in);
    if (!event) {
      malformed(event.error());
      return bytes.size();
    }
    if (*event == wire::Http1Parser::Event::need_more) break;
    take(*event);
  }
  if (parser_.in_head() && !head_coming_) head_since_ = context().shard.now();
  head_coming_ = parser_.in_head();
  // Started here, so that it finds what came together with its head.
  if (exchange_ != nullptr && !std::exchange(started_, true)) context().tasks.spawn(H1Exchange::run(exchange_.get()));
  return bytes.size() - in.size();
}

void H1Server::take(wire::Http1Parser::Event event) {
  switch (event) {
    case wire::Http1Parser::Event::head: return begin_exchange();
    case wire::Http1Parser::Event::data:
      if (dropping_ || exchange_->body_.aborted()) {
        drop(parser_.data().size());
      } else {
        exchange_->body_.push(Bytes::copy_of(parser_.data()));
      }
      return;
    case wire::Http1Parser::Event::end:
      if (exchange_ == nullptr) return;
      if (exchange_->upgrade_open_) {
        exchange_->upgrade_seen_ = true;  // whether more comes, the handler decides
        return;
      }
      exchange_->request_ended_ = true;
      exchange_->request_trailers_ = std::move(parser_.trailers());
      exchange_->body_.end();
      if (exchange_->sent_) wake();
      return;
    case wire::Http1Parser::Event::need_more: return;
  }
}

// After an upgrade: the other protocol's bytes.
std::size_t H1Server::pass_on(std::string_view bytes) {
  if (exchange_->request_ended_ || exchange_->body_.aborted()) return bytes.size();
  if (bytes.empty() || exchange_->body_.is_full()) return 0;
  exchange_->body_.push(Bytes::copy_of(bytes));
  return bytes.size();
}

void H1Server::drop(std::size_t bytes) {
  dropped_ += bytes;
  if (dropped_ <= longest_rest) return;
  closing_ = true;
  wake();
}

std::optional<wire::Http1Error> H1Server::check_head(wire::Http1Head& head) const {
  using Refused = wire::Http1Error;
  if (head.version >= 11 && !head.has_host) return Refused{400, "HTTP/1.1 needs a Host field"};
  if (head.method == "CONNECT") return Refused{501, "CONNECT is not served"};
  if (head.target.find('#') != std::string::npos) return Refused{400, "a request target has no fragment"};
  if (head.target.front() == '/' || (head.target == "*" && head.method == "OPTIONS")) return std::nullopt;
  std::string authority;
  std::string path;
  if (!split_absolute(head.target, head.method, authority, path)) return Refused{400, "malformed request target"};
  if (head.has_host && !same_host(authority, head.host)) return Refused{400, "Host and the request target disagree"};
  head.host = std::move(authority);
  head.target = std::move(path);
  return std::nullopt;
}

void H1Server::begin_exchange() {
  head_coming_ = false;
  wire::Http1Head& head = parser_.head();
  connection_.set_http_version(head.version);
  if (const auto refused = check_head(head)) return malformed(*refused);
  started_ = dropping_ = false;
  dropped_ = 0;
  exchange_ = std::make_unique<H1Exchange>(*this, head);
}

void H1Server::malformed(const wire::Http1Error& problem) {
  closing_ = true;
  wake();
  if (exchange_ == nullptr && problem.other_protocol) return;  // RFC 9113 section 3.4 leaves the GOAWAY out, too
  if (exchange_ == nullptr) return refuse(problem);
  // In a body. An answer that has begun can only be cut off.
  exchange_->break_off(
      Error(Code::invalid_argument, Blame::caller, std::string(problem.text)).with_reason("malformed_http"));
  if (exchange_->sent_) return;
  if (exchange_->head_produced_) {
    cut_ = true;
  } else {
    refuse(problem);
  }
}

// Before there is an exchange that could answer: as plain text, for people.
void H1Server::refuse(const wire::Http1Error& problem) {
  closing_ = true;
  wire::append_status_line(answer_, problem.status);
  wire::append_field(answer_, "content-type", "text/plain; charset=utf-8");
  append_length(answer_, problem.text.size() + 1);
  wire::append_field(answer_, "date", http_date());
  wire::append_field(answer_, "connection", "close");
  wire::append_head_end(answer_);
  answer_.append(problem.text).append("\n");
  wake();
}

// Asked before the answer's head is sent, which says whether the connection stays.
bool H1Server::may_drop_rest() const {
  if (exchange_->expects_continue_) return false;  // the client may send it, or not
  return exchange_->has_length_ && parser_.body_left() <= short_rest;
}

void H1Server::flush() {
  if (connection_.is_closed()) return clean_up();
  if (!unsent_.empty()) {
    const std::string waiting = std::exchange(unsent_, {});
    if (!send(waiting)) return;
  }
  std::string& out = output_buffer;
  out.clear();
  bool advanced = false;
  do {
    if (exchange_ != nullptr) exchange_->produce(out);
    advanced = advance();
  } while (advanced && out.size() < output_at_once);
  if (advanced) wake();  // the next exchange may have its answer already
  out.append(answer_);
  answer_.clear();
  if (!out.empty() && !send(out)) return;
  if (connection_.is_closed()) return;
  if (cut_) return connection_.close(client_gone("the response ended early"), true);
  if (closing_ && (exchange_ == nullptr || exchange_->broken() || exchange_->sent_)) {
    return connection_.close_in_order(client_gone("the connection is over"));
  }
  if (wants_input()) connection_.resume_reading();
}

// True where the next exchange has begun.
bool H1Server::advance() {
  if (exchange_ != nullptr && exchange_->sent_ && !exchange_->request_ended_ && !closing_ && !dropping_) {
    dropping_ = !exchange_->expects_continue_;
    closing_ = !dropping_;
    dropped_ += exchange_->body_.bytes();
    exchange_->body_.discard();
  }
  const bool over = exchange_ != nullptr && exchange_->sent_ && exchange_->request_ended_ && !exchange_->running_;
  if (over) {
    exchange_.reset();
    idle_since_ = context().shard.now();
  }
  if (!input_.empty()) process();
  if (exchange_ != nullptr && exchange_->upgraded_ && input_over_ && !exchange_->request_ended_) end_upgraded();
  if (exchange_ == nullptr && (input_over_ || (drain_is_over_ && parser_.between_messages()))) closing_ = true;
  return over && exchange_ != nullptr;
}

bool H1Server::send(std::string_view bytes) {
  const IoResult result = connection_.transport().write(bytes);
  if (result.state == IoState::failed) {
    connection_.close(client_gone(connection_.transport().error().message()));
    return false;
  }
  moved_ += result.bytes;
  unsent_.append(bytes.substr(result.bytes));
  return result.state == IoState::ok;
}

// The transport is closed: what is left is to wait for the handler.
void H1Server::clean_up() {
  if (exchange_ == nullptr || (started_ && exchange_->running_)) return;
  exchange_.reset();
  connection_.exchange_gone();
}

void H1Server::abort(const Error& why) {
  half_close_timer_.clear();
  drain_timer_.clear();
  closing_ = true;
  if (exchange_ == nullptr) return;
  if (!exchange_->sent_) exchange_->break_off(why);
  wake();
}

void H1Server::input_ended() {
  input_over_ = true;
  if (exchange_ != nullptr && exchange_->upgraded_) return end_upgraded();
  if (exchange_ != nullptr && !exchange_->request_ended_ && !exchange_->upgrade_open_)
    return connection_.close(client_gone("the request ends early"));
  half_close_timer_.set(context().shard.timers(), Deadline::after(context().shard.now(), half_close_grace));
  wake();
}

// The other protocol's user decides when its side ends; `finish` then closes the connection.
void H1Server::end_upgraded() {
  if (!input_.empty()) return;  // still to be read: see `advance`
  exchange_->request_ended_ = true;
  exchange_->body_.end();
}

void H1Server::half_close_is_over() {
  if (exchange_ != nullptr && !exchange_->sent_) connection_.close(client_gone("the client closed the connection"));
}

void H1Server::drain() {
  draining_ = true;
  if (exchange_ != nullptr) exchange_->tell_drain();
  drain_timer_.set(context().shard.timers(), Deadline::after(context().shard.now(), drain_grace));
}

void H1Server::sweep(Instant now) {
  const ServerLimits& limits = context().limits;
  if (exchange_ == nullptr && unsent_.empty()) {
    if (head_coming_ && now - head_since_ >= limits.header_timeout)
      return refuse({408, "the request's head did not come in time"});
    if (!head_coming_ && now - idle_since_ >= limits.idle_timeout) closing_ = true, wake();
    return;
  }
  const bool wants_body = exchange_ != nullptr && !exchange_->request_ended_ && exchange_->body_.bytes() == 0 &&
                          (exchange_->has_length_ || !exchange_->responded_ || dropping_);
  // A client that went away while its bytes are not wanted: nothing else would tell.
  const bool left =
      exchange_ != nullptr && exchange_->upgraded_ && !wants_input() && connection_.transport().peer_hung_up();
  if (!mark_.is_late(wants_body || left || !unsent_.empty(), moved_, limits.body_timeout, now)) return;
  const Error late =
      Error(Code::deadline_exceeded, Blame::caller, "no progress of a body in time").with_reason("body_timeout");
  if (exchange_ == nullptr || exchange_->head_produced_ || !unsent_.empty()) return connection_.close(late, true);
  exchange_->break_off(late);
  refuse({408, "the request's body did not come in time"});
}

}  // namespace parley::net
