// For tests: an HTTP/1.1 server on the test's own loop that answers each request with the bytes a test gives.
#pragma once

#include <charconv>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/fake_upstream.h"

namespace parley::net {

class FakeHttp1Upstream {
 public:
  struct Request {
    std::string head;  // as received, without the empty line
    std::string body;  // chunks joined
    int connection;    // 0, 1, …
    std::string line() const { return head.substr(0, head.find("\r\n")); }
    bool has(std::string_view field) const { return head.contains(field); }
  };
  // What to do with the connection: `send`, then maybe close it.
  struct Answer {
    std::string send;
    bool close = false;
    bool abort = false;
  };
  using OnRequest = std::function<Answer(const Request&)>;

  explicit FakeHttp1Upstream(Shard& shard)
      : shard_(shard), watch_([](void* self, bool, bool) { static_cast<FakeHttp1Upstream*>(self)->accept(); }, this) {
    fd_ = listen_on_loopback(port);
    watch_.start(shard, fd_);
  }
  ~FakeHttp1Upstream() {
    watch_.stop();
    ::close(fd_);
  }
  FakeHttp1Upstream(const FakeHttp1Upstream&) = delete;
  FakeHttp1Upstream& operator=(const FakeHttp1Upstream&) = delete;

  std::uint16_t port = 0;
  OnRequest on_request;
  std::vector<Request> requests;
  std::size_t connection_count() const { return connections_.size(); }
  bool is_open(std::size_t connection) const { return connections_[connection]->fd >= 0; }
  void send_on(std::size_t connection, std::string_view bytes) { connections_[connection]->send_bytes(bytes); }
  void close(std::size_t connection) { connections_[connection]->close(false); }

 private:
  struct Connection {
    Connection(FakeHttp1Upstream& o, int number, int socket)
        : owner(o),
          index(number),
          fd(socket),
          watch([](void* self, bool, bool) { static_cast<Connection*>(self)->readable(); }, this) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch.start(owner.shard_, fd);
    }
    ~Connection() { close(false); }
    void close(bool abort) {
      if (fd < 0) return;
      watch.stop();
      const linger none{.l_onoff = 1, .l_linger = 0};
      if (abort) setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
      ::close(fd);
      fd = -1;
    }
    void send_bytes(std::string_view bytes) {
      if (fd >= 0) [[maybe_unused]]
        const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    void readable() {
      char buffer[16384];
      bool ended = false;
      for (;;) {
        const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        ended = n == 0;
        if (n <= 0) break;
        in.append(buffer, static_cast<std::size_t>(n));
      }
      Request request;
      while (fd >= 0 && take(request)) {
        request.connection = index;
        owner.requests.push_back(request);
        const Answer answer = owner.on_request(request);
        send_bytes(answer.send);
        if (answer.close || answer.abort) close(answer.abort);
      }
      if (ended) close(false);
    }
    // Takes one whole request from the front of `in`.
    bool take(Request& out) {
      const std::size_t end = in.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      out = Request{.head = in.substr(0, end), .body = {}, .connection = 0};
      std::size_t at = end + 4;
      if (out.has("transfer-encoding: chunked")) {
        for (;;) {
          const std::size_t line = in.find("\r\n", at);
          if (line == std::string::npos) return false;
          std::size_t size = 0;
          std::from_chars(in.data() + at, in.data() + line, size, 16);
          if (in.size() < line + 2 + size + 2) return false;
          out.body += in.substr(line + 2, size);
          at = line + 2 + size + 2;
          if (size == 0) break;
        }
      } else if (const std::size_t field = out.head.find("content-length: "); field != std::string::npos) {
        std::size_t size = 0;
        std::from_chars(out.head.data() + field + 16, out.head.data() + out.head.size(), size);
        if (in.size() < at + size) return false;
        out.body = in.substr(at, size);
        at += size;
      }
      in.erase(0, at);
      return true;
    }

    FakeHttp1Upstream& owner;
    int index;
    int fd;
    Watch watch;
    std::string in;
  };

  void accept() {
    for (;;) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      connections_.push_back(std::make_unique<Connection>(*this, static_cast<int>(connections_.size()), fd));
    }
  }

  Shard& shard_;
  Watch watch_;
  int fd_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace parley::net
