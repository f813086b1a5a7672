// parley_backend: the service behind every proxy in ./dev bench. One thread; any HTTP/2 request gets one gRPC reply
// (the bytes of --grpc-reply, framed by whoever wrote the file), any HTTP/1.1 request gets --http-bytes of text. It
// does so little that the proxy is what is measured.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/http1.h"

namespace {

std::string grpc_reply;
std::string http_reply;

nghttp2_nv nv(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (session_ != nullptr) nghttp2_session_del(session_);
    close(fd_);
  }
  int fd() const { return fd_; }

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

 private:
  bool received(std::string_view bytes) {
    if (session_ == nullptr && !http1_) {
      if (bytes.starts_with("PRI ")) {
        start_h2();
      } else {
        http1_ = true;
      }
    }
    if (http1_) return received_http1(bytes);
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) >= 0;
  }

  bool received_http1(std::string_view bytes) {
    using Event = parley::wire::Http1Parser::Event;
    for (;;) {
      const auto event = parser_.next(bytes);
      if (!event) return false;
      if (*event == Event::need_more) return true;
      if (*event == Event::end) out_ += http_reply;
    }
  }

  void start_h2() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session* session, const nghttp2_frame* frame, void*) {
          if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
              (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            answer(session, frame->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 24}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 26);
  }

  static void answer(nghttp2_session* session, int32_t id) {
    const nghttp2_nv head[] = {nv(":status", "200"), nv("content-type", "application/grpc")};
    nghttp2_data_provider body{};
    body.read_callback = [](nghttp2_session* s, int32_t stream, uint8_t* into, size_t size, uint32_t* flags,
                            nghttp2_data_source* source, void*) -> ssize_t {
      const auto sent = reinterpret_cast<std::size_t>(source->ptr);
      const std::size_t n = std::min(size, grpc_reply.size() - sent);
      std::memcpy(into, grpc_reply.data() + sent, n);
      source->ptr = reinterpret_cast<void*>(sent + n);
      if (sent + n == grpc_reply.size()) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const nghttp2_nv trailers[] = {nv("grpc-status", "0")};
        nghttp2_submit_trailer(s, stream, trailers, 1);
      }
      return static_cast<ssize_t>(n);
    };
    nghttp2_submit_response(session, id, head, 2, &body);
  }

  bool flush() {
    if (session_ != nullptr) {
      for (;;) {
        const uint8_t* bytes = nullptr;
        const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
        if (n < 0) return false;
        if (n == 0) break;
        out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n));
      }
    }
    while (!out_.empty()) {
      const ssize_t n = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN;
      out_.erase(0, static_cast<std::size_t>(n));
    }
    return true;
  }

  int fd_;
  nghttp2_session* session_ = nullptr;
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

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  int http_bytes = 1024;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--port") port = std::atoi(argv[i + 1]);
    if (flag == "--http-bytes") http_bytes = std::atoi(argv[i + 1]);
    if (flag == "--grpc-reply") {
      std::ifstream in(argv[i + 1], std::ios::binary);
      std::ostringstream text;
      text << in.rdbuf();
      grpc_reply = text.str();
    }
  }
  if (grpc_reply.empty()) grpc_reply.assign(5, '\0');
  http_reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(http_bytes) +
               "\r\n\r\n" + std::string(static_cast<std::size_t>(http_bytes), 'x');
  const int listener = listen_on(port);
  const int epoll = epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    epoll_event events[256];
    const int n = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < n; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (connection == nullptr) {
        const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) continue;
        const int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_event readable{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = new Connection(fd)}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &readable);
      } else if (!connection->ready()) {
        delete connection;
      }
    }
  }
}
