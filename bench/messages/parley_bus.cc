// Parley: publishing is a gRPC call of the queue's rpc, answered once it is durable, or with `stream` a message on a
// stream that each producer keeps open. The handler is a gRPC service that this process is, or with `stream` it takes
// and settles messages over streams of its own.
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include <sys/epoll.h>

#include "../load/h2_service.h"
#include "../load/http2_client.h"
#include "../load/lines.h"
#include "bus.h"
#include "grpc_stream.h"

namespace parley::bench {
namespace {

// bench.Work with that payload.
std::string work(std::string_view payload) {
  std::string out;
  append_field(out, 1, payload);
  return out;
}

constexpr std::string_view queue_name = "bench.Queue/Handle";

// parley.PublishRequest: the queue, and a message of the payload alone.
std::string publish_request(std::string_view work) {
  std::string message;
  append_field(message, 7, work);
  std::string out;
  append_field(out, 1, queue_name);
  append_field(out, 2, message);
  return out;
}

// A producer that keeps a stream open: parley.Queues/PublishStream. The tag of a message is when it was due.
class StreamProducer final : public GrpcStream {
 public:
  using GrpcStream::GrpcStream;

  // `options.body` is the parley.PublishRequest.
  void send(Instant due) override {
    started();
    message_.clear();
    append_field(message_, 1, static_cast<std::uint64_t>(due.time_since_epoch().count()));
    append_field(message_, 2, options_.body);
    send_message(message_);
  }

 private:
  // parley.PublishStreamResponse: the tag, then the receipt or the error.
  void received_message(std::string_view message) override {
    const WireField tag = take_field(message);
    const bool good = tag.number == 1 && !message.empty() && take_field(message).number == 2;
    ended(Instant(Clock::duration(static_cast<Clock::rep>(tag.value))), good);
  }

  std::string message_;
};

// A consumer that keeps a stream open: parley.Queues/LeaseStream. Each delivery is handled at once, and settled.
class StreamConsumer final : public GrpcStream {
 public:
  using Handled = std::function<void(std::string_view payload)>;
  StreamConsumer(const Options& options, Totals& totals, int credit, Handled handled)
      : GrpcStream(options, totals), handled_(std::move(handled)), credit_(credit) {
    std::string start;
    append_field(start, 1, queue_name);
    std::string lease;  // google.protobuf.Duration: who comes next does not wait long for what this one had at its end
    append_field(lease, 1, std::uint64_t{3});
    append_field(start, 3, lease);
    std::string message;
    append_field(message, 1, start);
    send_message(message);
  }

  void send(Instant) override {}

  void flush() override {
    if (credit_ > 0) {
      std::string message;
      append_field(message, 2, static_cast<std::uint64_t>(credit_));
      send_message(message);
      credit_ = 0;
    }
    GrpcStream::flush();
  }

 private:
  // parley.LeaseStreamResponse: a delivery, or how a settlement was taken.
  void received_message(std::string_view message) override {
    const WireField response = take_field(message);
    if (response.number == 1) {
      delivered(response.bytes);
    } else if (response.number != 2 || has_error(response.bytes)) {
      throw std::runtime_error("a lease was lost");
    }
  }

  static bool has_error(std::string_view settled) {
    while (!settled.empty()) {
      if (take_field(settled).number == 2) return true;
    }
    return false;
  }

  void delivered(std::string_view delivery) {
    std::string_view message;
    std::string_view lease;
    while (!delivery.empty()) {
      const WireField field = take_field(delivery);
      if (field.number == 1) message = field.bytes;
      if (field.number == 3) lease = field.bytes;
    }
    while (!message.empty()) {
      const WireField field = take_field(message);
      if (field.number != 7) continue;
      std::string_view work = field.bytes;
      handled_(take_field(work).bytes);
    }
    std::string settlement;
    append_field(settlement, 1, lease);
    std::string request;
    append_field(request, 3, settlement);
    send_message(request);
    ++credit_;
  }

  Handled handled_;
  int credit_;
};

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
    if (options.handling && !options.stream) {
      listener_ = listen_on(options.handler_port);
      watch(listener_, nullptr, EPOLLIN);
    }
    load_.port = options.port;
    load_.h2 = load_.grpc = true;
    load_.method = "POST";
    load_.path = options.stream ? "/parley.Queues/PublishStream" : "/bench.Queue/Handle";
    load_.headers = {{"content-type", "application/grpc"}, {"te", "trailers"}};
    const std::string message = work(stamped(Clock::now()));
    if (options.stream) {
      load_.body = publish_request(message);
    } else {
      append_framed(load_.body, message);
    }
    load_.streams = options.depth;
    for (int i = 0; i < options.producers; ++i) {
      add(producer());
    }
    if (!options.handling || !options.stream) return;
    pull_ = load_;
    pull_.path = "/parley.Queues/LeaseStream";
    for (int i = 0; i < consumers; ++i) {
      add(std::make_unique<StreamConsumer>(pull_, totals_, options.producers * options.depth / consumers,
                                           [this](std::string_view payload) { handled(payload); }));
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
  static constexpr int consumers = 4;

  void add(std::unique_ptr<Client> client) {
    clients_.push_back(std::move(client));
    watch(clients_.back()->fd(), clients_.back().get(), EPOLLIN | EPOLLOUT | EPOLLET);
  }

  std::unique_ptr<Client> producer() {
    if (options_.stream) return std::make_unique<StreamProducer>(load_, totals_);
    return std::make_unique<Http2Client>(load_, totals_);
  }

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
  Options pull_;
  Totals totals_;
  Service service_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unordered_map<void*, std::unique_ptr<HandlerConnection>> handlers_;
};

}  // namespace

std::unique_ptr<Bus> parley_bus(const BusOptions& options) { return std::make_unique<ParleyBus>(options); }

}  // namespace parley::bench
