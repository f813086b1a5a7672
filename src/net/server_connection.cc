#include "net/server_connection.h"

#include <algorithm>

#include "net/h1_server.h"
#include "net/h2_server.h"

namespace parley::net {
namespace {

constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 section 3.4
constexpr int sweeps_a_timeout = 4;
constexpr Duration linger_time = std::chrono::seconds(1);
constexpr Duration drain_grace = std::chrono::seconds(1);
constexpr std::size_t linger_bytes = 1024 * 1024;

}  // namespace

Error client_gone(std::string_view how) {
  return Error(Code::cancelled, Blame::caller, std::string(how)).with_reason("client_gone");
}

ServerConnection::ServerConnection(ServerContext& context, int fd)
    : context_(context),
      transport_(context.shard, fd, *this, Blame::caller),
      read_hook_([](void* self) { static_cast<ServerConnection*>(self)->transport_readable(); }, this),
      sweep_timer_([](void* self) { static_cast<ServerConnection*>(self)->sweep(); }, this),
      began_(context.shard.now()) {}

void ServerConnection::start() {
  transport_.start_server(context_.tls);
  sweep_timer_.set(context_.shard.timers(), Deadline::after(context_.shard.now(), sweep_interval()));
}

Duration ServerConnection::sweep_interval() const {
  const ServerLimits& l = context_.limits;
  return std::min({l.header_timeout, l.idle_timeout, l.body_timeout}) / sweeps_a_timeout;
}

void ServerConnection::transport_open() {
  peer_.address = transport_.peer_address();
  peer_.tls = transport_.is_tls();
  peer_.subject = transport_.peer_subject();
  if (transport_.alpn() == "h2") {
    speak(true);
  } else if (!transport_.alpn().empty()) {
    speak(false);
  }
}

// Over TLS without ALPN, and in plain text, the first bytes tell.
void ServerConnection::detect(std::string_view bytes) {
  first_bytes_.append(bytes);
  const std::size_t common = std::min(first_bytes_.size(), http2_preface.size());
  const bool same = std::string_view(first_bytes_).substr(0, common) == http2_preface.substr(0, common);
  if (same && common < http2_preface.size()) return;
  const std::string first = std::move(first_bytes_);
  first_bytes_ = {};
  speak(same);
  if (protocol_ != nullptr) protocol_->received(first);
}

void ServerConnection::speak(bool http2) {
  peer_.http_version = http2 ? 20 : 11;
  if (http2) {
    protocol_ = std::make_unique<H2Server>(*this);
  } else {
    protocol_ = std::make_unique<H1Server>(*this);
  }
  protocol_->start();
  if (context_.draining) protocol_->drain();
}

void ServerConnection::transport_readable() {
  const std::span<char> buffer = Transport::read_buffer();
  while (transport_.is_open() && !input_ended_ && (lingering_ || protocol_ == nullptr || protocol_->wants_input())) {
    const IoResult result = transport_.read(buffer);
    const std::string_view bytes(buffer.data(), result.bytes);
    if (!bytes.empty()) {
      if (lingering_) {
        discard(bytes.size());
      } else if (protocol_ != nullptr) {
        protocol_->received(bytes);
      } else {
        detect(bytes);
      }
    }
    if (result.state == IoState::failed) return close(client_gone(transport_.error().message()));
    if (result.state == IoState::ended) {
      input_ended_ = true;
      if (lingering_ || protocol_ == nullptr) return close(client_gone("closed before a request"));
      protocol_->input_ended();
    }
    if (result.state != IoState::ok) return;
  }
}

void ServerConnection::transport_writable() {
  if (protocol_ != nullptr) protocol_->writable();
}

void ServerConnection::transport_failed(Error why) { close(client_gone(why.message())); }

void ServerConnection::drain() {
  // Its first request may be on its way; or it does not answer what the drain asks it.
  sweep_timer_.set(context_.shard.timers(), Deadline::after(context_.shard.now(), drain_grace));
  if (protocol_ != nullptr) protocol_->drain();
}

void ServerConnection::sweep() {
  const Instant now = context_.shard.now();
  if (lingering_) return close(client_gone("the connection is over"));
  sweep_timer_.set(context_.shard.timers(), Deadline::after(now, sweep_interval()));
  if (protocol_ != nullptr) return protocol_->sweep(now);
  if (context_.draining) return close(client_gone("the server drains"));
  if (now - began_ >= context_.limits.header_timeout) close(client_gone("no request in time"));
}

void ServerConnection::close(const Error& why, bool reset) {
  if (retired_) return;
  transport_.close(reset);
  sweep_timer_.clear();
  if (protocol_ != nullptr) protocol_->abort(why);
  retire_if_over();
}

void ServerConnection::close_in_order(const Error& why) {
  if (!transport_.is_open() || lingering_) return;
  lingering_ = true;
  if (protocol_ != nullptr) protocol_->abort(why);
  transport_.shut_down();
  if (input_ended_) return close(why);
  sweep_timer_.set(context_.shard.timers(), Deadline::after(context_.shard.now(), linger_time));
  resume_reading();
}

void ServerConnection::discard(std::size_t bytes) {
  discarded_ += bytes;
  if (discarded_ > linger_bytes) close(client_gone("the connection is over"));
}

void ServerConnection::retire_if_over() {
  if (retired_ || !transport_.is_closed() || (protocol_ != nullptr && protocol_->has_exchanges())) return;
  retired_ = true;
  context_.retire(*this);
}

}  // namespace parley::net
