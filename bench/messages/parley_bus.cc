// Parley: publishing is a gRPC call of the queue's rpc, answered once it is durable; the handler is a gRPC service that
// this process is.
#include <memory>
#include <string>
#include <unordered_map>

#include <sys/epoll.h>

#include "../load/h2_service.h"
#include "../load/http2_client.h"
#include "../load/lines.h"
#include "bus.h"

namespace parley::bench {
namespace {

void append_varint(std::string& out, std::size_t n) {
  for (; n >= 0x80; n >>= 7U) out += static_cast<char>((n & 0x7FU) | 0x80U);
  out += static_cast<char>(n);
}

// bench.Work with that payload, framed as gRPC frames messages.
std::string framed_work(std::string_view payload) {
  std::string message = "\x0a";
  append_varint(message, payload.size());
  message += payload;
  std::string out(1, '\0');
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(message.size() >> shift);
  return out + message;
}

// A connection from Parley to the handler.
class HandlerConnection {
 public:
  HandlerConnection(int fd, Service& service) : fd_(fd), h2_(service) {}
  HandlerConnection(const HandlerConnection&) = delete;
  HandlerConnection& operator=(const HandlerConnection&) = delete;
  ~HandlerConnection() { close(fd_); }

  bool ready() {
    char chunk[65536];
    for (;;) {
      const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
      if (n < 0) break;
      if (!h2_.received({chunk, static_cast<std::size_t>(n)})) return false;
    }
    if (!h2_.take(out_)) return false;
    const ssize_t n = out_.empty() ? 0 : send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n > 0) out_.erase(0, static_cast<std::size_t>(n));
    return n >= 0 || errno == EAGAIN;
  }

 private:
  int fd_;
  H2Service h2_;
  std::string out_;
};

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 64) != 0)
    throw std::runtime_error("the handler cannot listen on port " + std::to_string(port));
  return fd;
}

class ParleyBus : public Bus {
 public:
  explicit ParleyBus(const BusOptions& options) : Bus(options), epoll_(epoll_create1(0)) {
    service_.grpc_reply.assign(5, '\0');
    service_.on_request = [this](std::string_view framed) { handled(framed); };
    if (options.handling) {
      listener_ = listen_on(options.handler_port);
      watch(listener_, nullptr, EPOLLIN);
    }
    load_.port = options.port;
    load_.h2 = load_.grpc = true;
    load_.method = "POST";
    load_.path = "/bench.Queue/Handle";
    load_.headers = {{"content-type", "application/grpc"}, {"te", "trailers"}};
    load_.body = framed_work(stamped(Clock::now()));
    load_.streams = options.depth;
    for (int i = 0; i < options.producers; ++i) {
      clients_.push_back(std::make_unique<Http2Client>(load_, totals_));
      watch(clients_.back()->fd(), clients_.back().get(), EPOLLIN | EPOLLOUT | EPOLLET);
    }
  }

  bool free(int producer) const override { return clients_[static_cast<std::size_t>(producer)]->free(); }

  void publish(int producer, Instant due) override {
    const std::string_view payload = stamped(due);
    load_.body.replace(load_.body.size() - payload.size(), payload.size(), payload);
    clients_[static_cast<std::size_t>(producer)]->send(due);
  }

  void poll(int wait_ms) override {
    for (auto& client : clients_) client->flush();
    epoll_event events[256];
    const int n = epoll_wait(epoll_, events, 256, wait_ms);
    for (int i = 0; i < n; ++i) ready(events[i]);
    if (totals_.errors > 0) throw std::runtime_error("a call was not answered with OK");
    counts.confirmed += totals_.done;
    counts.confirm_us.insert(counts.confirm_us.end(), totals_.latencies.begin(), totals_.latencies.end());
    totals_ = {};
  }

 private:
  void watch(int fd, void* whose, std::uint32_t what) const {
    epoll_event event{.events = what, .data = {.ptr = whose}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void ready(const epoll_event& event) {
    if (event.data.ptr == nullptr) {
      accept_one();
    } else if (const auto handler = handlers_.find(event.data.ptr); handler != handlers_.end()) {
      if (!handler->second->ready()) handlers_.erase(handler);
    } else if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      static_cast<Client*>(event.data.ptr)->readable();
    }
  }

  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    auto connection = std::make_unique<HandlerConnection>(fd, service_);
    watch(fd, connection.get(), EPOLLIN | EPOLLOUT | EPOLLET);
    handlers_.emplace(connection.get(), std::move(connection));
  }

  int epoll_;
  int listener_ = -1;
  Options load_;
  Totals totals_;
  Service service_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unordered_map<void*, std::unique_ptr<HandlerConnection>> handlers_;
};

}  // namespace

std::unique_ptr<Bus> parley_bus(const BusOptions& options) { return std::make_unique<ParleyBus>(options); }

}  // namespace parley::bench
