// parley_load: the load generator of ./dev bench. One thread, HTTP/1.1 or HTTP/2 (plain text), one request again and
// again.
//
// Closed loop (throughput): each of `--connections` keeps `--streams` requests in flight. Open loop (latency): requests
// are due at a fixed `--rate`, whatever the answers do, and a latency counts from when its request was due; a server
// that stalls cannot hide it by slowing the generator down.
//
// Prints one JSON object: requests, errors, seconds, rate, latency percentiles in microseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/http1.h"

namespace {

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
};

struct Totals {
  std::uint64_t done = 0;
  std::uint64_t errors = 0;
  std::vector<float> latencies;  // microseconds
};

// One connection: `send(due)` starts a request if `free()`; `Run` hears of each end.
class Connection {
 public:
  Connection(const Options& options, Totals& totals) : options_(options), totals_(totals) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    }
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() { close(fd_); }

  int fd() const { return fd_; }
  int in_flight() const { return in_flight_; }
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
  int in_flight_ = 0;
  bool dead_ = false;
  int fd_ = -1;
};

class Http1 : public Connection {
 public:
  Http1(const Options& options, Totals& totals) : Connection(options, totals) {
    request_ = options.method + " " + options.path + " HTTP/1.1\r\nHost: " + options.authority + "\r\n";
    for (const auto& [name, value] : options.headers) request_ += name + ": " + value + "\r\n";
    if (!options.body.empty()) request_ += "Content-Length: " + std::to_string(options.body.size()) + "\r\n";
    request_ += "\r\n" + options.body;
  }
  void send(Instant due) override {
    started();
    due_.push_back(due);
    out_ += request_;
  }

 private:
  void received(std::string_view bytes) override {
    using Event = parley::wire::Http1Parser::Event;
    for (;;) {
      const auto event = parser_.next(bytes);
      if (!event) return die();
      if (*event == Event::need_more) return;
      if (*event == Event::head) status_ = parser_.head().status;
      if (*event != Event::end) continue;
      const Instant due = due_.front();
      due_.pop_front();
      ended(due, status_ == 200);
    }
  }

  std::string request_;
  parley::wire::Http1Parser parser_{parley::wire::Http1Parser::Kind::response, {}};
  int status_ = 0;
  std::deque<Instant> due_;
};

class Http2 : public Connection {
 public:
  Http2(const Options& options, Totals& totals) : Connection(options, totals) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void*) {
          auto* request = static_cast<Request*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
          if (request == nullptr) return 0;
          const std::string_view n(reinterpret_cast<const char*>(name), name_size);
          const std::string_view v(reinterpret_cast<const char*>(value), value_size);
          if (n == ":status") request->status_good = v == "200";
          if (n == "grpc-status") request->grpc_good = v == "0";
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session* session, int32_t id, uint32_t error, void* self) {
          auto* connection = static_cast<Http2*>(self);
          auto* request = static_cast<Request*>(nghttp2_session_get_stream_user_data(session, id));
          if (request == nullptr) return 0;
          connection->ended(request->due,
                            error == 0 && request->status_good && (!connection->options_.grpc || request->grpc_good));
          delete request;
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 24}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 26);
    add(":method", options.method);
    add(":scheme", "http");
    add(":authority", options.authority);
    add(":path", options.path);
    for (const auto& [name, value] : options.headers) add(name, value);
  }
  ~Http2() override { nghttp2_session_del(session_); }
  Http2(const Http2&) = delete;
  Http2& operator=(const Http2&) = delete;

  void send(Instant due) override {
    started();
    auto* request = new Request{.due = due};
    nghttp2_data_provider body{};
    body.source.ptr = request;
    body.read_callback = [](nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags,
                            nghttp2_data_source* source, void* self) -> ssize_t {
      auto* r = static_cast<Request*>(source->ptr);
      const std::string& all = static_cast<Http2*>(self)->options_.body;
      const std::size_t n = std::min(size, all.size() - r->sent);
      std::memcpy(into, all.data() + r->sent, n);
      r->sent += n;
      if (r->sent == all.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(n);
    };
    if (nghttp2_submit_request(session_, nullptr, headers_.data(), headers_.size(),
                               options_.body.empty() ? nullptr : &body, request) < 0)
      die();
  }

  void flush() override {
    for (;;) {
      const uint8_t* bytes = nullptr;
      const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
      if (n <= 0) break;
      out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n));
    }
    Connection::flush();
  }

 private:
  struct Request {
    Instant due;
    std::size_t sent = 0;
    bool status_good = false;
    bool grpc_good = false;
  };
  void add(const std::string& name, const std::string& value) {
    texts_.push_back(name);
    texts_.push_back(value);
    std::string& n = texts_[texts_.size() - 2];
    std::string& v = texts_.back();
    headers_.push_back({reinterpret_cast<uint8_t*>(n.data()), reinterpret_cast<uint8_t*>(v.data()), n.size(), v.size(),
                        NGHTTP2_NV_FLAG_NONE});
  }
  void received(std::string_view bytes) override {
    if (nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) < 0) die();
  }

  nghttp2_session* session_ = nullptr;
  std::deque<std::string> texts_;
  std::vector<nghttp2_nv> headers_;
};

double percentile(const std::vector<float>& sorted, double p) {
  if (sorted.empty()) return 0;
  return static_cast<double>(
      sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(p * static_cast<double>(sorted.size())))]);
}

class Run {
 public:
  explicit Run(const Options& options) : options_(options), epoll_(epoll_create1(0)) {
    for (int i = 0; i < options.connections; ++i) {
      if (options.h2) {
        connections_.push_back(std::make_unique<Http2>(options, totals_));
      } else {
        connections_.push_back(std::make_unique<Http1>(options, totals_));
      }
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = connections_.back().get()}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->fd(), &event);
    }
  }

  void go() {
    const Instant start = Clock::now();
    const auto in = [&](double s) {
      return start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
    };
    loop(start, in(options_.warmup));
    totals_ = {};
    const Instant measured = Clock::now();
    std::fprintf(stderr, "measuring\n");
    loop(measured, in(options_.warmup + options_.seconds));
    const double took = std::chrono::duration<double>(Clock::now() - measured).count();
    std::fprintf(stderr, "measured\n");
    report(took);
  }

 private:
  void loop(Instant start, Instant end) {
    std::uint64_t due_count = 0;
    for (;;) {
      const Instant now = Clock::now();
      if (now >= end) return;
      int wait = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(end - now).count());
      if (options_.rate > 0) {
        for (;;) {
          const Instant due = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                                          static_cast<double>(due_count) / options_.rate));
          if (due > now) {
            wait = due - now > std::chrono::milliseconds(1) ? 1 : 0;
            break;
          }
          // The least loaded of the next two: no connection is a queue of its own.
          Connection& a = *connections_[due_count % connections_.size()];
          ++due_count;
          a.send(due);
        }
      } else {
        for (auto& connection : connections_) {
          while (connection->free()) connection->send(now);
        }
      }
      for (auto& connection : connections_) connection->flush();
      epoll_event events[256];
      const int n = epoll_wait(epoll_, events, 256, wait);
      for (int i = 0; i < n; ++i) {
        auto* connection = static_cast<Connection*>(events[i].data.ptr);
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !connection->dead()) connection->readable();
      }
      if (std::ranges::all_of(connections_, [](const auto& c) { return c->dead(); }))
        throw std::runtime_error("every connection was lost");
    }
  }

  void report(double took) {
    auto& l = totals_.latencies;
    std::ranges::sort(l);
    std::printf(
        "{\"requests\":%llu,\"errors\":%llu,\"seconds\":%.3f,\"rate\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%"
        ".1f,\"p999_us\":%.1f,\"max_us\":%.1f}\n",
        static_cast<unsigned long long>(totals_.done), static_cast<unsigned long long>(totals_.errors), took,
        static_cast<double>(totals_.done) / took, percentile(l, 0.5), percentile(l, 0.9), percentile(l, 0.99),
        percentile(l, 0.999), l.empty() ? 0.0 : static_cast<double>(l.back()));
  }

  const Options& options_;
  Totals totals_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

std::string file_text(const char* path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(std::string("cannot read ") + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> const char* {
      if (++i >= argc) throw std::runtime_error(std::string(flag) + " needs a value");
      return argv[i];
    };
    if (flag == "--port")
      o.port = std::atoi(value());
    else if (flag == "--h2")
      o.h2 = true;
    else if (flag == "--grpc")
      o.h2 = o.grpc = true;
    else if (flag == "--method")
      o.method = value();
    else if (flag == "--path")
      o.path = value();
    else if (flag == "--authority")
      o.authority = value();
    else if (flag == "--header") {
      const std::string text = value();
      const auto colon = text.find(": ");
      o.headers.emplace_back(text.substr(0, colon), text.substr(colon + 2));
    } else if (flag == "--body")
      o.body = value();
    else if (flag == "--body-file")
      o.body = file_text(value());
    else if (flag == "--connections")
      o.connections = std::atoi(value());
    else if (flag == "--streams")
      o.streams = std::atoi(value());
    else if (flag == "--seconds")
      o.seconds = std::atof(value());
    else if (flag == "--warmup")
      o.warmup = std::atof(value());
    else if (flag == "--rate")
      o.rate = std::atof(value());
    else
      throw std::runtime_error("unknown flag " + std::string(flag));
  }
  if (o.grpc) {
    o.method = "POST";
    o.headers.insert(o.headers.end(), {{"content-type", "application/grpc"}, {"te", "trailers"}});
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    Run run(options);
    run.go();
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "parley_load: %s\n", e.what());
    return 1;
  }
}
