// parley_messages: the load generator of the queue rows of ./dev bench, for Parley and its peers alike. One thread.
//
// publish  each of `--producers` keeps `--depth` messages in flight; counts those that the broker called durable
// handle   the same, and the messages are handled here; no more than producers * depth are published and not handled
// latency  messages are due at a fixed `--rate`; counts the time until their handler has them
// fill     publishes `--count` messages and ends
//
// Prints one JSON object: confirmed, handled, seconds, rates and latency percentiles in microseconds.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bus.h"

namespace parley::bench {
namespace {

struct Options : BusOptions {
  std::string job = "publish";
  double seconds = 3;
  double warmup = 1;
  double rate = 1000;
  std::uint64_t count = 0;
};

std::unique_ptr<Bus> make_bus(const BusOptions& options) {
  if (options.kind == "parley") return parley_bus(options);
  if (options.kind == "rabbitmq") return rabbitmq_bus(options);
  if (options.kind == "nats") return nats_bus(options);
  if (options.kind == "postgres") return postgres_bus(options);
  if (options.kind == "kafka") return kafka_bus(options);
  throw std::runtime_error("no bus is called " + options.kind);
}

double percentile(std::vector<float>& values, double p) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return static_cast<double>(
      values[std::min(values.size() - 1, static_cast<std::size_t>(p * static_cast<double>(values.size())))]);
}

class Run {
 public:
  explicit Run(const Options& options) : options_(options), bus_(make_bus(options)) {}

  void go() {
    if (options_.job == "fill") {
      while (bus_->counts.confirmed < options_.count) {
        publish_closed(options_.count);
        bus_->poll(100);
      }
      std::printf("{\"confirmed\":%llu}\n", static_cast<unsigned long long>(bus_->counts.confirmed));
      return;
    }
    loop(options_.warmup);
    before_ = {.confirmed = bus_->counts.confirmed, .handled = bus_->counts.handled, .confirm_us = {}, .handle_us = {}};
    bus_->counts.confirm_us.clear();
    bus_->counts.handle_us.clear();
    std::fprintf(stderr, "measuring\n");
    const Instant began = Clock::now();
    loop(options_.seconds);
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    std::fprintf(stderr, "measured\n");
    report(took);
  }

 private:
  void loop(double seconds) {
    const Instant start = Clock::now();
    const auto after = [&](double s) {
      return start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
    };
    const Instant end = after(seconds);
    std::uint64_t due_count = 0;
    for (;;) {
      const Instant now = Clock::now();
      if (now >= end) return;
      int wait = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(end - now).count());
      if (options_.job == "latency") {
        for (; after(static_cast<double>(due_count) / options_.rate) <= now; ++due_count) {
          bus_->publish(static_cast<int>(due_count % static_cast<std::uint64_t>(options_.producers)),
                        after(static_cast<double>(due_count) / options_.rate));
          ++sent_;
        }
        wait = after(static_cast<double>(due_count) / options_.rate) - now > std::chrono::milliseconds(1) ? 1 : 0;
      } else {
        publish_closed(UINT64_MAX);
      }
      bus_->poll(wait);
    }
  }

  void publish_closed(std::uint64_t limit) {
    const auto window = static_cast<std::uint64_t>(options_.producers) * static_cast<std::uint64_t>(options_.depth);
    const Instant now = Clock::now();
    for (int producer = 0; producer < options_.producers; ++producer) {
      // More may have been handled than were sent: others were waiting before.
      while (bus_->free(producer) && sent_ < limit && (!options_.handling || sent_ < bus_->counts.handled + window)) {
        bus_->publish(producer, now);
        ++sent_;
      }
    }
  }

  void report(double took) {
    BusCounts& counts = bus_->counts;
    const std::uint64_t confirmed = counts.confirmed - before_.confirmed;
    const std::uint64_t handled = counts.handled - before_.handled;
    std::printf(
        "{\"confirmed\":%llu,\"handled\":%llu,\"seconds\":%.3f,\"confirm_rate\":%.1f,\"handle_rate\":%.1f,"
        "\"confirm_p50_us\":%.1f,\"confirm_p99_us\":%.1f,\"handle_p50_us\":%.1f,\"handle_p99_us\":%.1f}\n",
        static_cast<unsigned long long>(confirmed), static_cast<unsigned long long>(handled), took,
        static_cast<double>(confirmed) / took, static_cast<double>(handled) / took, percentile(counts.confirm_us, 0.5),
        percentile(counts.confirm_us, 0.99), percentile(counts.handle_us, 0.5), percentile(counts.handle_us, 0.99));
  }

  const Options& options_;
  std::unique_ptr<Bus> bus_;
  BusCounts before_;
  std::uint64_t sent_ = 0;
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> const char* {
      if (++i >= argc) throw std::runtime_error(std::string(flag) + " needs a value");
      return argv[i];
    };
    if (flag == "--bus")
      o.kind = value();
    else if (flag == "--job")
      o.job = value();
    else if (flag == "--port")
      o.port = std::atoi(value());
    else if (flag == "--socket")
      o.socket = value();
    else if (flag == "--name")
      o.name = value();
    else if (flag == "--handler-port")
      o.handler_port = std::atoi(value());
    else if (flag == "--stream")
      o.stream = true;
    else if (flag == "--producers")
      o.producers = std::atoi(value());
    else if (flag == "--depth")
      o.depth = std::atoi(value());
    else if (flag == "--bytes")
      o.bytes = static_cast<std::size_t>(std::atoll(value()));
    else if (flag == "--seconds")
      o.seconds = std::atof(value());
    else if (flag == "--warmup")
      o.warmup = std::atof(value());
    else if (flag == "--rate")
      o.rate = std::atof(value());
    else if (flag == "--count")
      o.count = static_cast<std::uint64_t>(std::atoll(value()));
    else
      throw std::runtime_error("unknown flag " + std::string(flag));
  }
  o.handling = o.job == "handle" || o.job == "latency";
  return o;
}

}  // namespace
}  // namespace parley::bench

int main(int argc, char** argv) {
  try {
    const auto options = parley::bench::parse(argc, argv);
    parley::bench::Run(options).go();
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "parley_messages: %s\n", e.what());
    return 1;
  }
}
