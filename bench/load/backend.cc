// parley_backend: the service behind every proxy in ./dev bench. One thread. HTTP/2 is gRPC (h2_service.h): the
// bytes of --grpc-reply, framed by whoever wrote the file, but for the rpcs of bench/*/contracts. Any HTTP/1.1
// request gets --http-bytes of text, and GET /counts what the rpcs were asked. It does so little that the proxy is what
// is measured.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "h2_service.h"
#include "wire/http1.h"

namespace parley::bench {
namespace {

Service service;
std::string http_reply;

std::string http_text(std::string_view type, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  bool watched() const { return h2_ != nullptr && h2_->watched(); }

  // False: the connection is over.
  bool ready() {
    char chunk[65536];
    for (;;) {
      const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
      if (n < 0) break;
      if (!received({chunk, static_cast<std::size_t>(n)})) return false;
      if (n < static_cast<ssize_t>(sizeof chunk)) break;
    }
    return flush();
  }

  bool tick(std::chrono::steady_clock::time_point now) {
    h2_->tick(now);
    return flush();
  }

 private:
  bool received(std::string_view bytes) {
    if (h2_ == nullptr && !http1_) {
      if (bytes.starts_with("PRI ")) {
        h2_ = std::make_unique<H2Service>(service);
      } else {
        http1_ = true;
      }
    }
    return http1_ ? received_http1(bytes) : h2_->received(bytes);
  }

  bool received_http1(std::string_view bytes) {
    using Event = parley::wire::Http1Parser::Event;
    for (;;) {
      const auto event = parser_.next(bytes);
      if (!event) return false;
      if (*event == Event::need_more) return true;
      if (*event != Event::end) continue;
      out_ += parser_.head().target == "/counts" ? http_text("application/json", service.counts.json()) : http_reply;
    }
  }

  bool flush() {
    if (h2_ != nullptr && !h2_->take(out_)) return false;
    while (!out_.empty()) {
      const ssize_t n = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN;
      out_.erase(0, static_cast<std::size_t>(n));
    }
    return true;
  }

  int fd_;
  std::unique_ptr<H2Service> h2_;
  bool http1_ = false;
  parley::wire::Http1Parser parser_{parley::wire::Http1Parser::Kind::request, {}};
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
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1024) != 0) {
    std::perror("parley_backend: listen");
    std::exit(1);
  }
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

class Server {
 public:
  explicit Server(int port) : listener_(listen_on(port)), epoll_(epoll_create1(0)) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    for (;;) {
      epoll_event events[256];
      const int n = epoll_wait(epoll_, events, 256, watched_.empty() ? -1 : 1);
      for (int i = 0; i < n; ++i) {
        auto* connection = static_cast<Connection*>(events[i].data.ptr);
        if (connection == nullptr) {
          accept_one();
        } else if (!connection->ready()) {
          end(connection);
        } else if (connection->watched()) {
          watched_.insert(connection);
        }
      }
      tick();
    }
  }

 private:
  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event readable{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = new Connection(fd)}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &readable);
  }

  void end(Connection* connection) {
    watched_.erase(connection);
    delete connection;
  }

  void tick() {
    const auto now = std::chrono::steady_clock::now();
    for (auto at = watched_.begin(); at != watched_.end();) {
      Connection* connection = *at;
      ++at;
      if (!connection->watched()) {
        watched_.erase(connection);
      } else if (!connection->tick(now)) {
        end(connection);
      }
    }
  }

  int listener_;
  int epoll_;
  std::unordered_set<Connection*> watched_;
};

std::string file_text(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace
}  // namespace parley::bench

int main(int argc, char** argv) {
  using namespace parley::bench;
  int port = 0;
  int http_bytes = 1024;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--port") port = std::atoi(argv[i + 1]);
    if (flag == "--http-bytes") http_bytes = std::atoi(argv[i + 1]);
    if (flag == "--grpc-reply") service.grpc_reply = file_text(argv[i + 1]);
  }
  if (service.grpc_reply.empty()) service.grpc_reply.assign(5, '\0');
  http_reply = http_text("text/plain", std::string(static_cast<std::size_t>(http_bytes), 'x'));
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Server(port).run();
}
