#include "net/dns.h"

#include <cstring>
#include <map>
#include <stdexcept>

#include <ares.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>

#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/timer.h"

namespace parley::net {
namespace {

constexpr int query_timeout_ms = 2000;  // of the first try to a server; c-ares doubles it
constexpr int query_tries = 3;
constexpr int reads_a_turn = 64;

Error dns_error(const std::string& host, int status) {
  const bool no_such_host = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
  return Error(Code::unavailable, Blame::upstream, fmt::format("resolving {}: {}", host, ares_strerror(status)))
      .with_reason(no_such_host ? "no_such_host" : "dns_failed")
      .safe_to_retry();
}

}  // namespace

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    return fmt::format("[{}]:{}", host, ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
  inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
  return fmt::format("{}:{}", host, ntohs(v4->sin_port));
}

bool SocketAddress::parse(std::string_view host, std::uint16_t port, SocketAddress& out) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string name(host);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (inet_pton(AF_INET, name.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof(sockaddr_in);
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET6, name.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.size = sizeof(sockaddr_in6);
    return true;
  }
  return false;
}

struct Resolver::Rep {
  // One question; c-ares holds it weakly, so that whoever asked can forget it.
  struct Query {
    std::string host;
    Found found;
  };
  struct Socket {
    Rep* rep;
    ares_socket_t fd;
    Watch watch;
    Socket(Rep* owner, ares_socket_t descriptor)
        : rep(owner),
          fd(descriptor),
          watch([](void* self, bool r, bool w) { static_cast<Socket*>(self)->ready(r, w); }, this) {}
    void ready(bool readable, bool writable) { rep->socket_ready(fd, readable, writable); }
  };

  Rep(Shard& shard, const std::string& servers)
      : shard_(shard), timer_([](void* self) { static_cast<Rep*>(self)->tick(); }, this) {
    ares_options options{};
    options.sock_state_cb = [](void* self, ares_socket_t fd, int r, int w) {
      static_cast<Rep*>(self)->socket_state(fd, r, w);
    };
    options.sock_state_cb_data = this;
    options.timeout = query_timeout_ms;
    options.tries = query_tries;
    const int status =
        ares_init_options(&channel_, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status != ARES_SUCCESS)
      throw std::runtime_error(std::string("starting the resolver: ") + ares_strerror(status));
    if (!servers.empty() && ares_set_servers_ports_csv(channel_, servers.c_str()) != ARES_SUCCESS) {
      ares_destroy(channel_);
      throw std::runtime_error("the resolver's servers are not addresses: " + servers);
    }
  }
  ~Rep() {
    ares_destroy(channel_);  // every query's callback runs, with ARES_EDESTRUCTION
  }

  void socket_state(ares_socket_t fd, int readable, int writable) {
    if (readable == 0 && writable == 0) {
      sockets_.erase(fd);
    } else if (!sockets_.contains(fd)) {
      auto& socket = sockets_[fd];
      socket = std::make_unique<Socket>(this, fd);
      socket->watch.start(shard_, fd);
    }
  }

  // The loop reports edges, and c-ares reads a TCP answer only in part: read until nothing is left.
  void socket_ready(ares_socket_t fd, bool readable, bool writable) {
    for (int i = 0; i < reads_a_turn && (readable || writable); ++i) {
      ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
      writable = false;
      if (!sockets_.contains(fd)) break;  // this object is gone as well
      pollfd more{.fd = fd, .events = POLLIN, .revents = 0};
      readable = poll(&more, 1, 0) > 0;
    }
    set_timer();
  }

  void tick() {
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer();
  }

  void set_timer() {
    timeval left{};
    if (ares_timeout(channel_, nullptr, &left) == nullptr) {
      timer_.clear();
      return;
    }
    const auto wait = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
    timer_.set(shard_.timers(), Deadline::after(shard_.now(), wait));
  }

  static void answered(void* context, int status, int /*timeouts*/, ares_addrinfo* info) {
    const std::unique_ptr<std::weak_ptr<Query>> query(static_cast<std::weak_ptr<Query>*>(context));
    std::vector<SocketAddress> addresses;
    for (const ares_addrinfo_node* node = info == nullptr ? nullptr : info->nodes; node != nullptr;
         node = node->ai_next) {
      SocketAddress address;
      if (node->ai_addrlen > sizeof address.storage) continue;
      std::memcpy(&address.storage, node->ai_addr, node->ai_addrlen);
      address.size = node->ai_addrlen;
      addresses.push_back(address);
    }
    if (info != nullptr) ares_freeaddrinfo(info);
    const std::shared_ptr<Query> asked = query->lock();
    if (!asked || status == ARES_EDESTRUCTION) return;
    if (status == ARES_SUCCESS && addresses.empty()) status = ARES_ENODATA;
    if (status != ARES_SUCCESS) return asked->found(fail(dns_error(asked->host, status)));
    asked->found(std::move(addresses));
  }

  void ask(const std::shared_ptr<Query>& query, std::uint16_t port) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NUMERICSERV;
    const std::string service = std::to_string(port);
    ares_getaddrinfo(channel_, query->host.c_str(), service.c_str(), &hints, answered, new std::weak_ptr<Query>(query));
    set_timer();
  }

  Shard& shard_;
  Timer timer_;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
  ares_channel channel_ = nullptr;
};

Resolver::Resolver(Shard& shard, const std::string& servers) : rep_(std::make_unique<Rep>(shard, servers)) {}
Resolver::~Resolver() = default;

std::shared_ptr<void> Resolver::look_up(const std::string& host, std::uint16_t port, Found found) {
  auto query = std::make_shared<Rep::Query>(host, std::move(found));
  rep_->ask(query, port);
  return query;
}

Task<Result<std::vector<SocketAddress>>> Resolver::resolve(std::string host, std::uint16_t port, Deadline deadline) {
  SocketAddress literal;
  if (SocketAddress::parse(host, port, literal)) co_return std::vector<SocketAddress>{literal};
  std::optional<Result<std::vector<SocketAddress>>> answer;
  Signal changed;
  const std::shared_ptr<void> query =
      look_up(host, port, [&answer, &changed](Result<std::vector<SocketAddress>> found) {
        answer.emplace(std::move(found));
        changed.notify();
      });
  Timer late([](void* signal) { static_cast<Signal*>(signal)->notify(); }, &changed);
  late.set(rep_->shard_.timers(), deadline);
  while (!answer && !deadline.passed(rep_->shard_.now())) co_await changed.wait();
  if (answer) co_return std::move(*answer);
  co_return fail(Error(Code::deadline_exceeded, Blame::upstream, "resolving " + host + " took too long")
                     .with_reason("dns_failed")
                     .safe_to_retry());
}

}  // namespace parley::net
