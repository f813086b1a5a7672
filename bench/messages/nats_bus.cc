// NATS JetStream over its text protocol: a publish with a reply subject is acknowledged by the stream; a push consumer
// delivers, and an empty message to a delivery's reply subject settles it.
#include <charconv>
#include <deque>
#include <string>

#include <poll.h>

#include "bus.h"

namespace parley::bench {
namespace {

constexpr std::string_view stream_config =
    R"({"name":"BENCH","subjects":["bench.work"],"retention":"workqueue","storage":"file","num_replicas":1})";
constexpr std::string_view consumer_config =
    R"({"stream_name":"BENCH","config":{"durable_name":"worker","deliver_subject":"deliver.worker","ack_policy":"explicit","max_ack_pending":2000}})";

class NatsBus : public Bus {
 public:
  explicit NatsBus(const BusOptions& options) : Bus(options), fd_(connect_to(options.port)) {
    due_.resize(static_cast<std::size_t>(options.producers));
    out_ =
        "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nSUB api 2\r\nSUB " + acks_ + "* 1\r\n";
    ask("$JS.API.STREAM.CREATE.BENCH", stream_config);
    if (!options.handling) return;
    out_ += "SUB deliver.worker 3\r\n";
    ask("$JS.API.CONSUMER.DURABLE.CREATE.BENCH.worker", consumer_config);
  }
  ~NatsBus() override { close(fd_); }
  NatsBus(const NatsBus&) = delete;
  NatsBus& operator=(const NatsBus&) = delete;

  void publish(int producer, Instant due) override {
    const std::string_view payload = stamped(due);
    put("bench.work", acks_ + std::to_string(producer), payload);
    due_[static_cast<std::size_t>(producer)].push_back(due);
    published(producer);
  }

  void poll(int wait_ms) override {
    flush();
    pollfd p{.fd = fd_, .events = static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT)), .revents = 0};
    if (::poll(&p, 1, wait_ms) <= 0) return;
    char chunk[262144];
    const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) throw std::runtime_error("NATS closed the connection");
    if (n > 0) in_.append(chunk, static_cast<std::size_t>(n));
    take();
    flush();
  }

 private:
  void put(std::string_view subject, std::string_view reply, std::string_view payload) {
    out_ += "PUB ";
    out_ += subject;
    if (!reply.empty()) {
      out_ += ' ';
      out_ += reply;
    }
    out_ += ' ' + std::to_string(payload.size()) + "\r\n";
    out_ += payload;
    out_ += "\r\n";
  }

  void ask(std::string_view subject, std::string_view config) {
    answers_wanted_ += 1;
    put(subject, "api", config);
    while (answers_wanted_ > 0) poll(1000);
  }

  void flush() {
    while (!out_.empty()) {
      const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (n < 0) return;
      out_.erase(0, static_cast<std::size_t>(n));
    }
  }

  // MSG SUBJECT SID [REPLY] SIZE
  void take() {
    std::size_t at = 0;
    for (;;) {
      const std::size_t line_end = in_.find("\r\n", at);
      if (line_end == std::string::npos) break;
      const std::string_view line = std::string_view(in_).substr(at, line_end - at);
      if (!line.starts_with("MSG ")) {
        if (line == "PING") out_ += "PONG\r\n";
        if (line.starts_with("-ERR")) throw std::runtime_error("NATS: " + std::string(line));
        at = line_end + 2;
        continue;
      }
      std::size_t size = 0;
      const std::size_t last = line.rfind(' ');
      std::from_chars(line.data() + last + 1, line.data() + line.size(), size);
      if (in_.size() < line_end + 2 + size + 2) break;
      message(line.substr(4, last - 4), std::string_view(in_).substr(line_end + 2, size));
      at = line_end + 2 + size + 2;
    }
    in_.erase(0, at);
  }

  // `head`: SUBJECT SID [REPLY]
  void message(std::string_view head, std::string_view payload) {
    if (head.starts_with(acks_)) {
      if (payload.find("\"error\"") != std::string_view::npos)
        throw std::runtime_error("NATS: " + std::string(payload));
      int producer = 0;
      std::from_chars(head.data() + acks_.size(), head.data() + head.size(), producer);
      auto& due = due_[static_cast<std::size_t>(producer)];
      confirmed(producer, due.front());
      due.pop_front();
    } else if (head.starts_with("api")) {
      if (payload.find("\"error\"") != std::string_view::npos &&
          payload.find("already in use") == std::string_view::npos)
        throw std::runtime_error("NATS: " + std::string(payload));
      --answers_wanted_;
    } else {
      handled(payload);
      put(head.substr(head.rfind(' ') + 1), "", "");
    }
  }

  int fd_;
  // Of this process: an earlier one's acknowledgements may still be on their way.
  const std::string acks_ = "ack." + std::to_string(getpid()) + ".";
  std::string out_;
  std::string in_;
  int answers_wanted_ = 0;
  std::vector<std::deque<Instant>> due_;  // of a producer's messages in flight: acknowledged in order
};

}  // namespace

std::unique_ptr<Bus> nats_bus(const BusOptions& options) { return std::make_unique<NatsBus>(options); }

}  // namespace parley::bench
