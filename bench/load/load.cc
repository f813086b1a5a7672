// parley_load: the load generator of ./dev bench. One thread, HTTP/1.1 or HTTP/2 (plain text), one request again and
// again; over HTTP/1.1 each "@SEED@" in its headers and body is another number in each request (seeds.h).
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
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/epoll.h>

#include "client.h"
#include "http1_client.h"
#include "http2_client.h"
#include "seeds.h"

namespace parley::bench {
namespace {

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
        clients_.push_back(std::make_unique<Http2Client>(options, totals_));
      } else {
        clients_.push_back(std::make_unique<Http1Client>(options, totals_, seeds_));
      }
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = clients_.back().get()}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, clients_.back()->fd(), &event);
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
          // In turn: no connection is a queue of its own.
          Client& a = *clients_[due_count % clients_.size()];
          ++due_count;
          a.send(due);
        }
      } else {
        for (auto& client : clients_) {
          while (client->free()) client->send(now);
        }
      }
      for (auto& client : clients_) client->flush();
      epoll_event events[256];
      const int n = epoll_wait(epoll_, events, 256, wait);
      for (int i = 0; i < n; ++i) {
        auto* client = static_cast<Client*>(events[i].data.ptr);
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !client->dead()) client->readable();
      }
      if (std::ranges::all_of(clients_, [](const auto& c) { return c->dead(); }))
        throw std::runtime_error("every connection was lost");
    }
  }

  void report(double took) {
    if (!totals_.first_error.empty()) std::fprintf(stderr, "bad answer: %s\n", totals_.first_error.c_str());
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
  Seeds seeds_;
  int epoll_;
  std::vector<std::unique_ptr<Client>> clients_;
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
    else if (flag == "--expect-bytes")
      o.expect_bytes = static_cast<std::size_t>(std::atoll(value()));
    else if (flag == "--reject")
      o.reject = value();
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
}  // namespace parley::bench

int main(int argc, char** argv) {
  try {
    const auto options = parley::bench::parse(argc, argv);
    parley::bench::Run run(options);
    run.go();
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "parley_load: %s\n", e.what());
    return 1;
  }
}
