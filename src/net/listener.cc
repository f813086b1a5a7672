#include "net/listener.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

namespace parley::net {
namespace {

constexpr int backlog = 4096;
constexpr Duration pause = std::chrono::milliseconds(50);  // where the system has no descriptor, or no memory, for more

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool dual_stack = false;
};

std::optional<SocketAddress> parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc() || at != end) return std::nullopt;
  std::string host = text.substr(0, colon);
  SocketAddress out;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find(':') != std::string::npos) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    out.size = sizeof v6;
    out.dual_stack = host.empty();
    if (!host.empty() && inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
    return out;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  out.size = sizeof v4;
  if (inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host.c_str(), &v4.sin_addr) != 1) return std::nullopt;
  return out;
}

// A machine without IPv6 still serves ":8080".
void fall_back_to_v4(SocketAddress& address) {
  const auto port = reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port;
  address = {};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = port;
  address.size = sizeof v4;
}

void set_option(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

std::uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                            : reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(Shard& shard, const std::string& address, bool reuse_port,
                                                 Accepted accepted, void* context) {
  std::optional<SocketAddress> where = parse(address);
  if (!where)
    return invalid(
        fmt::format("\"{}\" is not an address to listen on: give it as 127.0.0.1:8080 or [::1]:8080", address));
  int fd = socket(where->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 && where->dual_stack) {
    fall_back_to_v4(*where);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  const auto refused = [&](const char* what) {
    Error error(Code::failed_precondition, Blame::us, fmt::format("{} {}: {}", what, address, std::strerror(errno)));
    if (fd >= 0) close(fd);
    return fail(std::move(error));
  };
  if (fd < 0) return refused("cannot listen on");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (where->storage.ss_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, where->dual_stack ? 0 : 1);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&where->storage), where->size) != 0)
    return refused("cannot listen on");
  if (::listen(fd, backlog) != 0) return refused("cannot listen on");
  std::unique_ptr<Listener> listener(new Listener(shard, fd, accepted, context));
  listener->watch_.start(shard, fd);
  return listener;
}

Listener::Listener(Shard& shard, int fd, Accepted accepted, void* context)
    : shard_(shard),
      fd_(fd),
      port_(bound_port(fd)),
      accepted_(accepted),
      context_(context),
      watch_([](void* self, bool, bool) { static_cast<Listener*>(self)->accept_all(); }, this),
      again_([](void* self) { static_cast<Listener*>(self)->accept_all(); }, this),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Listener::~Listener() {
  watch_.stop();
  close(fd_);
  if (spare_ >= 0) close(spare_);
}

// What waits stays in the queue, of which edge-triggered readiness does not tell again.
void Listener::try_later() { again_.set(shard_.timers(), Deadline::after(shard_.now(), pause)); }

void Listener::accept_all() {
  if (spare_ < 0) spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (;;) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted_(context_, fd);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if ((errno == EMFILE || errno == ENFILE) && spare_ >= 0) {
      // Without a free descriptor the connection would stay in the queue, and edge-triggered readiness would never tell
      // of it again.
      close(spare_);
      const int shed = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (shed >= 0) close(shed);
      spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (shed < 0) return try_later();  // another thread was quicker to take it
      log::warn("out of file descriptors: a connection was closed unserved");
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
      if (!again_.is_set()) log::error("accepting connections: {}", std::strerror(errno));
      return try_later();
    }
  }
}

}  // namespace parley::net
