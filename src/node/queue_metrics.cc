#include "node/queue_metrics.h"

namespace parley::node {
namespace {

using edge::deliveries::IntakeMetrics;
using edge::deliveries::Outcome;
using filter::Sample;
using Labels = std::vector<std::pair<std::string, std::string>>;

Labels labels_of(const queue::Source& source) { return {{"queue", source.name}, {"group", source.group}}; }

Labels with(Labels labels, std::string name, std::string_view value) {
  labels.emplace_back(std::move(name), value);
  return labels;
}

void put_depth(const SourceStats& one, std::string_view state, std::uint64_t count, std::vector<Sample>& samples) {
  samples.push_back({.name = "parley_queue_messages",
                     .help = "Messages by where they are; `dead` are the dead letters.",
                     .value = static_cast<double>(count),
                     .labels = with(labels_of(one.source), "state", state)});
}

void put_stats(const SourceStats& one, WallTime now, std::vector<Sample>& samples) {
  put_depth(one, "waiting", one.stats.waiting, samples);
  put_depth(one, "leased", one.stats.leased, samples);
  put_depth(one, "delayed", one.stats.delayed, samples);
  put_depth(one, "dead", one.stats.dead, samples);
  const double age = one.stats.oldest ? std::chrono::duration<double>(now - *one.stats.oldest).count() : 0;
  samples.push_back({.name = "parley_queue_oldest_age_seconds",
                     .help = "Of the oldest message that is not settled; 0 where there is none.",
                     .value = age,
                     .labels = labels_of(one.source)});
  samples.push_back({.name = "parley_queue_paused",
                     .help = "1 where nothing is delivered until somebody resumes it.",
                     .value = one.stats.paused ? 1.0 : 0.0,
                     .labels = labels_of(one.source)});
}

void put_deliveries(const IntakeMetrics& one, std::vector<Sample>& samples) {
  for (int i = 0; i < edge::deliveries::outcome_count; ++i) {
    samples.push_back({.name = "parley_deliveries_total",
                       .help = "Deliveries that ended, by how.",
                       .value = static_cast<double>(one.ended[static_cast<std::size_t>(i)]),
                       .labels = with(labels_of(one.source), "outcome", name(static_cast<Outcome>(i))),
                       .is_counter = true});
  }
  samples.push_back({.name = "parley_deliveries_in_flight",
                     .help = "Messages in the hands of handlers.",
                     .value = static_cast<double>(one.in_flight),
                     .labels = labels_of(one.source)});
}

}  // namespace

void QueueMetrics::add(const std::vector<IntakeMetrics>& deliveries, const std::vector<SourceStats>& stats) {
  for (const IntakeMetrics& one : deliveries) {
    const auto [at, is_new] = deliveries_.try_emplace({one.source.name, one.source.group}, one);
    if (is_new) continue;
    for (std::size_t i = 0; i < one.ended.size(); ++i) at->second.ended[i] += one.ended[i];
    at->second.in_flight += one.in_flight;
  }
  stats_.insert(stats_.end(), stats.begin(), stats.end());
}

void QueueMetrics::put(WallTime now, std::vector<Sample>& samples) const {
  for (const SourceStats& one : stats_) put_stats(one, now, samples);
  for (const auto& [key, one] : deliveries_) put_deliveries(one, samples);
}

}  // namespace parley::node
