// parley_sockets: the WebSocket side of ./dev bench. One thread, many sockets, one of three jobs:
//
// echo    each socket keeps `--depth` messages in flight and counts those that come back
// listen  each socket says `--hello` and counts the lines that come (lines.h)
// hold    each socket says `--hello`; prints "ready" when all are open, and holds them until its input ends
//
// Of `--sockets`, the first `--stalled` never read after they are open, and are not counted.
//
// Prints one JSON object: lines, rate, the fewest and most lines of one socket, latency percentiles in microseconds
// from when a line was made.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lines.h"
#include "socket_client.h"

namespace parley::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options : SocketOptions {
  std::string job = "listen";
  int sockets = 1;
  int stalled = 0;
  int depth = 1;
  double seconds = 3;
  double warmup = 1;
};

class Run : public SocketClient::Sink {
 public:
  explicit Run(const Options& options)
      : options_(options), frame_(options.message, options.binary), epoll_(epoll_create1(0)) {
    constexpr int at_once = 200;  // below every backlog
    for (int i = 0; i < options.sockets; ++i) {
      connect_one(i < options.stalled);
      if (i % at_once == at_once - 1) wait_until_open();
    }
    wait_until_open();
    for (int i = 0; i < options.stalled; ++i)
      epoll_ctl(epoll_, EPOLL_CTL_DEL, clients_[static_cast<std::size_t>(i)]->fd(), nullptr);
  }

  void hold() {
    std::printf("ready\n");
    std::fflush(stdout);
    epoll_event input{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    while (!input_ended_) poll(-1);
    check_alive();
  }

  void measure() {
    if (options_.job == "echo") {
      for (auto& client : clients_) {
        for (int i = 0; i < options_.depth; ++i) client->send(frame_.stamped(now_ns()));
        client->flush();
      }
    }
    poll_for(options_.warmup);
    for (auto& client : clients_) client->received = 0;
    latencies_.clear();
    lines_ = 0;
    std::fprintf(stderr, "measuring\n");
    const auto began = Clock::now();
    poll_for(options_.seconds);
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    std::fprintf(stderr, "measured\n");
    check_alive();
    report(took);
  }

 private:
  void connect_one(bool stalled) {
    constexpr int small = 4096;
    clients_.push_back(std::make_unique<SocketClient>(options_, *this, stalled ? small : 0));
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = clients_.back().get()}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, clients_.back()->fd(), &event);
  }

  void wait_until_open() {
    const auto late = Clock::now() + std::chrono::seconds(20);
    for (; opened_ < clients_.size();) {
      SocketClient& client = *clients_[opened_];
      if (client.dead()) throw std::runtime_error(client.why());
      if (client.open()) {
        ++opened_;
      } else if (Clock::now() > late) {
        throw std::runtime_error("a socket did not open within 20 s");
      } else {
        poll(100);
      }
    }
  }

  void poll_for(double seconds) {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
      if (left <= 0) return;
      poll(static_cast<int>(left));
    }
  }

  void poll(int wait_ms) {
    epoll_event events[512];
    const int n = epoll_wait(epoll_, events, 512, wait_ms);
    now_ = now_ns();
    for (int i = 0; i < n; ++i) {
      auto* client = static_cast<SocketClient*>(events[i].data.ptr);
      if (client == nullptr) {
        char ignored[64];
        input_ended_ = read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
        continue;
      }
      if (client->dead()) continue;
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) client->readable();
      client->flush();
    }
  }

  void lines(SocketClient& from, int count, long long made) override {
    if (count == 0) return;
    from.received += static_cast<std::uint64_t>(count);
    lines_ += static_cast<std::uint64_t>(count);
    if (made != 0) latencies_.push_back(static_cast<float>(now_ - made) / 1000.0F);
    if (options_.job == "echo") {
      for (int i = 0; i < count; ++i) from.send(frame_.stamped(now_));
    }
  }

  // Sockets that read have no reason to be lost.
  void check_alive() {
    for (std::size_t i = static_cast<std::size_t>(options_.stalled); i < clients_.size(); ++i) {
      if (clients_[i]->dead()) throw std::runtime_error("socket " + std::to_string(i) + ": " + clients_[i]->why());
    }
  }

  void report(double took) {
    std::ranges::sort(latencies_);
    const auto percentile = [this](double p) {
      if (latencies_.empty()) return 0.0;
      const auto at = static_cast<std::size_t>(p * static_cast<double>(latencies_.size()));
      return static_cast<double>(latencies_[std::min(latencies_.size() - 1, at)]);
    };
    std::uint64_t fewest = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t most = 0;
    for (std::size_t i = static_cast<std::size_t>(options_.stalled); i < clients_.size(); ++i) {
      fewest = std::min(fewest, clients_[i]->received);
      most = std::max(most, clients_[i]->received);
    }
    std::printf(
        "{\"lines\":%llu,\"seconds\":%.3f,\"rate\":%.1f,\"fewest\":%llu,\"most\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,"
        "\"max_us\":%.1f}\n",
        static_cast<unsigned long long>(lines_), took, static_cast<double>(lines_) / took,
        static_cast<unsigned long long>(fewest), static_cast<unsigned long long>(most), percentile(0.5),
        percentile(0.99), percentile(1));
  }

  const Options& options_;
  LineFrame frame_;
  int epoll_;
  std::vector<std::unique_ptr<SocketClient>> clients_;
  std::size_t opened_ = 0;
  bool input_ended_ = false;
  long long now_ = 0;
  std::uint64_t lines_ = 0;
  std::vector<float> latencies_;
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
    if (flag == "--binary") {
      o.binary = true;
      continue;
    }
    if (++i >= argc) throw std::runtime_error(std::string(flag) + " needs a value");
    const char* value = argv[i];
    if (flag == "--job") {
      o.job = value;
    } else if (flag == "--port") {
      o.port = std::atoi(value);
    } else if (flag == "--path") {
      o.path = value;
    } else if (flag == "--subprotocol") {
      o.subprotocol = value;
    } else if (flag == "--hello") {
      o.hello = value;
    } else if (flag == "--hello-file") {
      o.hello = file_text(value);
    } else if (flag == "--message-file") {
      o.message = file_text(value);
    } else if (flag == "--sockets") {
      o.sockets = std::atoi(value);
    } else if (flag == "--stalled") {
      o.stalled = std::atoi(value);
    } else if (flag == "--depth") {
      o.depth = std::atoi(value);
    } else if (flag == "--seconds") {
      o.seconds = std::atof(value);
    } else if (flag == "--warmup") {
      o.warmup = std::atof(value);
    } else {
      throw std::runtime_error("unknown flag " + std::string(flag));
    }
  }
  if (o.job != "echo" && o.job != "listen" && o.job != "hold") throw std::runtime_error("no job " + o.job);
  return o;
}

}  // namespace
}  // namespace parley::bench

int main(int argc, char** argv) {
  try {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const auto options = parley::bench::parse(argc, argv);
    parley::bench::Run run(options);
    if (options.job == "hold") {
      run.hold();
    } else {
      run.measure();
    }
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "parley_sockets: %s\n", e.what());
    return 1;
  }
}
