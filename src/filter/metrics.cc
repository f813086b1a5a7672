#include "filter/metrics.h"

#include <algorithm>
#include <tuple>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace parley::filter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::vector<ClientMetric::Label> labels(const CallMetrics& m) {
  return {{"service", m.service}, {"method", m.method}, {"edge", m.edge}};
}

void add(CallMetrics& sum, const CallMetrics& part) {
  for (std::size_t i = 0; i < sum.ended.size(); ++i) sum.ended[i] += part.ended[i];
  for (std::size_t i = 0; i < sum.latency.size(); ++i) sum.latency[i] += part.latency[i];
  sum.latency_sum += part.latency_sum;
  sum.in_flight += part.in_flight;
}

MetricFamily family(std::string name, std::string help, MetricType type) {
  return {.name = std::move(name), .help = std::move(help), .type = type, .metric = {}};
}

ClientMetric histogram(const CallMetrics& m) {
  ClientMetric metric;
  metric.label = labels(m);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < m.latency.size(); ++i) {
    below += m.latency[i];
    const double bound = i < latency_bounds.size() ? latency_bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({.cumulative_count = below, .upper_bound = bound});
  }
  metric.histogram.sample_count = below;
  metric.histogram.sample_sum = m.latency_sum;
  return metric;
}

}  // namespace

void CallMetrics::end(Code code, Duration took) {
  ++ended[static_cast<std::size_t>(code)];
  const double seconds = std::chrono::duration<double>(took).count();
  std::size_t bucket = 0;
  while (bucket < latency_bounds.size() && seconds > latency_bounds[bucket]) ++bucket;
  ++latency[bucket];
  latency_sum += seconds;
}

CallMetrics& Metrics::of(std::string_view service, std::string_view method, std::string_view edge) {
  std::string key;
  key.append(service).append("/").append(method).append(" ").append(edge);
  auto& slot = by_key_[key];
  if (slot == nullptr) {
    slot = std::make_unique<CallMetrics>();
    slot->service = service;
    slot->method = method;
    slot->edge = edge;
  }
  return *slot;
}

std::vector<CallMetrics> Metrics::copy() const {
  std::vector<CallMetrics> all;
  all.reserve(by_key_.size());
  for (const auto& [key, metrics] : by_key_) all.push_back(*metrics);
  return all;
}

namespace {

void put(const Sample& sample, std::vector<MetricFamily>& families) {
  auto at = std::ranges::find(families, sample.name, &MetricFamily::name);
  if (at == families.end())
    at = families.insert(at,
                         family(sample.name, sample.help, sample.is_counter ? MetricType::Counter : MetricType::Gauge));
  ClientMetric& metric = at->metric.emplace_back();
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
  (sample.is_counter ? metric.counter.value : metric.gauge.value) = sample.value;
}

}  // namespace

std::string render_prometheus(const std::vector<std::vector<CallMetrics>>& shards, const std::vector<Sample>& samples) {
  std::map<std::tuple<std::string, std::string, std::string>, CallMetrics> sums;
  for (const auto& shard : shards) {
    for (const CallMetrics& m : shard) {
      const auto [at, is_new] = sums.try_emplace({m.service, m.method, m.edge}, m);
      if (!is_new) add(at->second, m);
    }
  }
  MetricFamily calls =
      family("parley_calls_total", "Calls that ended, by status; without a method, requests that were for none.",
             MetricType::Counter);
  MetricFamily seconds =
      family("parley_call_duration_seconds", "From a call's first byte to its status.", MetricType::Histogram);
  MetricFamily in_flight = family("parley_calls_in_flight", "Calls under way.", MetricType::Gauge);
  for (const auto& [key, m] : sums) {
    for (std::size_t code = 0; code < m.ended.size(); ++code) {
      if (m.ended[code] == 0) continue;
      ClientMetric& metric = calls.metric.emplace_back();
      metric.label = labels(m);
      metric.label.push_back({"code", std::string(name(static_cast<Code>(code)))});
      metric.counter.value = static_cast<double>(m.ended[code]);
    }
    seconds.metric.push_back(histogram(m));
    ClientMetric& gauge = in_flight.metric.emplace_back();
    gauge.label = labels(m);
    gauge.gauge.value = static_cast<double>(m.in_flight);
  }
  std::vector<MetricFamily> families{std::move(calls), std::move(seconds), std::move(in_flight)};
  for (const Sample& sample : samples) put(sample, families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace parley::filter
