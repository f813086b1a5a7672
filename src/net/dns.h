// Names to addresses, by c-ares on the shard's loop: no thread, no blocking call but the reading of /etc/hosts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "base/deadline.h"
#include "base/error.h"
#include "loop/task.h"

namespace parley {
class Shard;
}

namespace parley::net {

// An IPv4 or IPv6 address with a port, as the system's calls take it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  // "127.0.0.1:80", "[::1]:80"
  std::string text() const;
  // Nothing is looked up: `host` is a literal (IPv6 with or without brackets), or the result is false.
  static bool parse(std::string_view host, std::uint16_t port, SocketAddress& out);
};

// Owned by a shard's ClientPool, used on that shard only. Queries in flight end with the resolver, so it outlives their
// tasks.
class Resolver {
 public:
  // `servers`: "127.0.0.1:5353,…" instead of the system's; "" for those of /etc/resolv.conf.
  explicit Resolver(Shard& shard, const std::string& servers = "");
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  // All addresses of `host`, in the order to try them (RFC 6724); never an empty list. A literal needs no query.
  // Errors, all the upstream's fault: unavailable, safe to retry, for a name that does not exist (reason
  // "no_such_host") or servers that do not answer ("dns_failed"); deadline_exceeded.
  Task<Result<std::vector<SocketAddress>>> resolve(std::string host, std::uint16_t port, Deadline deadline);

  // The same for state machines: `found` is called once, maybe at once (the hosts file), unless the returned handle was
  // dropped before.
  using Found = std::function<void(Result<std::vector<SocketAddress>>)>;
  [[nodiscard]] std::shared_ptr<void> look_up(const std::string& host, std::uint16_t port, Found found);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace parley::net
