#include "net/connector.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/shard.h"
#include "net/h1_client.h"
#include "net/h2_client.h"

namespace parley::net {
namespace {

// A peer whose machine is gone is noticed by the kernel, even where nothing may be sent above it.
void watch_for_dead_peer(int fd) {
  const auto set = [fd](int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);   // seconds
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);  // seconds
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);  // milliseconds without an acknowledgement of what was sent
}

// A socket whose connect is in progress, or -1 with errno.
int begin_connect(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  watch_for_dead_peer(fd);
  if (connect(fd, address.get(), address.size) == 0 || errno == EINPROGRESS) return fd;
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

}  // namespace

Dial::Dial(DialContext& context, const Origin& origin, Deadline deadline, ConnectionOwner& owner, Done done)
    : context_(context),
      origin_(origin),
      deadline_(deadline),
      owner_(owner),
      done_(std::move(done)),
      timer_([](void* self) { static_cast<Dial*>(self)->timed_out(); }, this) {}

Dial::~Dial() {
  done_ = nullptr;  // connections that go with this dial say so to it
}

void Dial::start() {
  timer_.set(context_.shard.timers(), deadline_);
  SocketAddress literal;
  if (SocketAddress::parse(origin_.host, origin_.port, literal)) return resolved(std::vector<SocketAddress>{literal});
  lookup_ = context_.resolver.look_up(origin_.host, origin_.port,
                                      [this](Result<std::vector<SocketAddress>> found) { resolved(std::move(found)); });
}

void Dial::resolved(Result<std::vector<SocketAddress>> addresses) {
  if (!done_) return;
  if (!addresses) return fail_all(std::move(addresses).error());
  addresses_ = std::move(*addresses);
  next_address();
}

void Dial::next_address() {
  if (connection_) dead_connections_.push_back(std::move(connection_));
  if (socket_) dead_sockets_.push_back(std::move(socket_));
  while (done_ && socket_ == nullptr) {
    if (next_ == addresses_.size()) return fail_all(std::move(*last_error_));
    connect_to(addresses_[next_++]);
  }
}

void Dial::connect_to(const SocketAddress& address) {
  SSL_CTX* tls = nullptr;
  if (origin_.tls) {
    Result<SSL_CTX*> context = context_.tls.get(origin_.tls_config, origin_.http2);
    if (!context) return fail_all(std::move(context).error());
    tls = *context;
  }
  const int fd = begin_connect(address);
  if (fd < 0) return attempt_failed(std::strerror(errno), "upstream_unreachable");
  const Instant now = context_.shard.now();
  if (const auto left = deadline_.left(now)) {
    const auto share = *left / static_cast<Duration::rep>(addresses_.size() - next_ + 1);
    timer_.set(context_.shard.timers(), Deadline::after(now, share));
  }
  TransportEvents& events = *this;
  socket_ = std::make_unique<ClientSocket>(context_.shard, fd, events);
  const std::string& name = origin_.tls_config.server_name;
  socket_->transport().start_client(tls, name.empty() ? origin_.host : name, origin_.tls_config.verify);
}

void Dial::attempt_failed(std::string_view what, std::string_view reason) {
  const std::string where = next_ == 0 ? "" : fmt::format(" at {}", addresses_[next_ - 1].text());
  last_error_ = Error(Code::unavailable, Blame::upstream,
                      fmt::format("connecting to {}:{}{}: {}", origin_.host, origin_.port, where, what))
                    .with_reason(std::string(reason))
                    .safe_to_retry();
}

void Dial::attempt_failed(const Error& why, std::string_view reason) {
  attempt_failed(why.message(), why.reason() == "tls_refused" ? "upstream_tls_failed" : reason);
}

void Dial::fail_all(Error why) {
  timer_.clear();
  lookup_.reset();
  if (const Done done = std::exchange(done_, nullptr)) done(*this, fail(std::move(why).safe_to_retry()));
}

void Dial::timed_out() {
  attempt_failed("timed out", "connect_timeout");
  if (addresses_.empty()) return fail_all(std::move(*last_error_));
  if (connection_) {
    dead_connections_.push_back(std::move(connection_));  // no longer the current one: its end is no news
    dead_connections_.back()->abandon(*last_error_);
  }
  if (socket_) socket_->transport().close();
  next_address();
}

void Dial::transport_failed(Error why) {
  attempt_failed(why, "upstream_unreachable");
  next_address();
}

void Dial::transport_open() {
  const std::string_view alpn = socket_->transport().alpn();
  if (origin_.http2 && origin_.tls && alpn != "h2") {
    attempt_failed("it does not offer HTTP/2 over TLS (ALPN h2)", "upstream_no_http2");
    socket_->transport().close();
    return next_address();
  }
  // The connection reports to this dial first: an HTTP/2 one is ready only when its peer's SETTINGS have come.
  if (origin_.http2 || alpn == "h2") {
    connection_ = H2ClientConnection::start(context_.shard, std::move(socket_), origin_, context_.limits, *this);
  } else {
    connection_ = H1ClientConnection::start(context_.shard, std::move(socket_), origin_, context_.limits, *this);
    connection_freed(*connection_);
  }
}

void Dial::connection_freed(ClientConnection& connection) {
  if (!done_ || connection_.get() != &connection) return;
  timer_.clear();
  connection.set_owner(owner_);
  const Done done = std::exchange(done_, nullptr);
  done(*this, std::move(connection_));
}

void Dial::connection_over(ClientConnection& connection) {
  if (!done_ || connection_.get() != &connection) return;
  static const Error closed(Code::unavailable, Blame::upstream, "it closed the connection at once");
  // In TLS 1.3 a server looks at the client's certificate when the client's handshake is over: its alert comes here.
  attempt_failed(connection.failure().value_or(closed), "upstream_no_http2");
  next_address();
}

}  // namespace parley::net
