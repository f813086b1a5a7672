// What parley_load asks for, and a connection that asks it: the part that HTTP/1.1 and HTTP/2 share.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace parley::bench {

using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;

struct Options {
  int port = 0;
  bool h2 = false;
  std::string method = "GET";
  std::string path = "/";
  std::string authority = "localhost";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int connections = 1;
  int streams = 1;
  double seconds = 5;
  double warmup = 1;
  double rate = 0;  // a second; 0: closed loop
  bool grpc = false;
  // HTTP/1.1: what a good answer is, beside its status of 200.
  std::size_t expect_bytes = 0;  // of the body; 0: any
  std::string reject;            // a text that must not be in it; empty: none
};

struct Totals {
  std::uint64_t done = 0;
  std::uint64_t errors = 0;
  std::vector<float> latencies;  // microseconds
  std::string first_error;       // what was wrong with the first bad answer, for people
};

// A socket to the loopback's `port`, connected and not blocking.
inline int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

// One connection: `send(due)` starts a request if `free()`; `Totals` hears of each end.
class Client {
 public:
  Client(const Options& options, Totals& totals) : options_(options), totals_(totals), fd_(connect_to(options.port)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() { close(fd_); }

  int fd() const { return fd_; }
  bool free() const { return !dead_ && in_flight_ < options_.streams; }
  bool dead() const { return dead_; }
  virtual void send(Instant due) = 0;

  void readable() {
    char chunk[65536];
    for (;;) {
      const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
      if (n > 0) {
        received({chunk, static_cast<std::size_t>(n)});
        if (n < static_cast<ssize_t>(sizeof chunk)) return;
      } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        die();
        return;
      } else {
        return;
      }
    }
  }

  virtual void flush() {
    while (!out_.empty()) {
      const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (n < 0) {
        if (errno != EAGAIN) die();
        return;
      }
      out_.erase(0, static_cast<std::size_t>(n));
    }
  }

 protected:
  virtual void received(std::string_view bytes) = 0;
  void started() { ++in_flight_; }
  void ended(Instant due, bool good) {
    --in_flight_;
    ++totals_.done;
    if (!good) ++totals_.errors;
    totals_.latencies.push_back(std::chrono::duration<float, std::micro>(Clock::now() - due).count());
  }
  void die() {
    if (dead_) return;
    dead_ = true;
    totals_.errors += static_cast<std::uint64_t>(in_flight_);
    totals_.done += static_cast<std::uint64_t>(in_flight_);
    in_flight_ = 0;
  }

  const Options& options_;
  Totals& totals_;
  std::string out_;

 private:
  int in_flight_ = 0;
  bool dead_ = false;
  int fd_;
};

}  // namespace parley::bench
