// Metrics: the counters of one shard, written only there without atomics. A scrape posts to each shard for a copy.
// Counters live as long as the shard, across reloads of the contract, because a counter must not fall.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"

namespace parley::filter {

// Upper bounds of the latency histogram, in seconds; one more bucket for what is beyond.
inline constexpr std::array latency_bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                              0.1,    0.25,  0.5,    1.0,   2.5,  5.0,   10.0};

// What is counted for one method called over one edge.
struct CallMetrics {
  std::string service;
  std::string method;
  std::string edge;
  std::array<std::uint64_t, code_count> ended{};  // by code
  std::array<std::uint64_t, latency_bounds.size() + 1> latency{};
  double latency_sum = 0;  // seconds
  std::int64_t in_flight = 0;

  void end(Code code, Duration took);
};

class Metrics {
 public:
  // The counters of a method over an edge; made on first use, valid as long as this object.
  CallMetrics& of(std::string_view service, std::string_view method, std::string_view edge);
  std::vector<CallMetrics> copy() const;

 private:
  std::map<std::string, std::unique_ptr<CallMetrics>, std::less<>> by_key_;
};

// Sums the copies of all shards and renders them with `samples` in Prometheus' text format, version 0.0.4. Samples of
// one name are one family, whose help is the first one's.
struct Sample {
  std::string name;
  std::string help;
  double value;
  std::vector<std::pair<std::string, std::string>> labels = {};
  bool is_counter = false;
};
std::string render_prometheus(const std::vector<std::vector<CallMetrics>>& shards, const std::vector<Sample>& samples);

}  // namespace parley::filter
