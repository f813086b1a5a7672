#include "node/queue_metrics.h"

#include <utility>

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
  // Messages without an oldest one: the backend does not tell, and 0 would say that nothing waits.
  if (one.stats.oldest || one.stats.waiting + one.stats.leased + one.stats.delayed == 0) {
    const double age = one.stats.oldest ? std::chrono::duration<double>(now - *one.stats.oldest).count() : 0;
    samples.push_back({.name = "parley_queue_oldest_age_seconds",
                       .help = "Of the oldest message that is not settled; 0 where there is none.",
                       .value = age,
                       .labels = labels_of(one.source)});
  }
  samples.push_back({.name = "parley_queue_held_keys",
                     .help = "Keys whose messages wait until a dead letter of theirs is redriven or purged.",
                     .value = static_cast<double>(one.stats.held_keys),
                     .labels = labels_of(one.source)});
  if (one.stats.busy_keys) {
    samples.push_back({.name = "parley_queue_busy_keys",
                       .help = "Keys with a message that is leased, between two attempts or ready for the next one, or "
                               "a dead letter that holds the key; the rest of their messages waits.",
                       .value = static_cast<double>(*one.stats.busy_keys),
                       .labels = labels_of(one.source)});
  }
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

void put_store(const queue::StoreState& state, std::vector<Sample>& samples) {
  const auto put = [&](std::string_view name, std::string_view help, double value, Labels labels = {}) {
    samples.push_back(
        {.name = std::string(name), .help = std::string(help), .value = value, .labels = std::move(labels)});
  };
  put("parley_store_disk_full", "1 where publishing is refused until the disk has space; consuming goes on.",
      state.disk_full ? 1 : 0);
  put("parley_store_halted", "1 where nothing is stored any more before a restart: a sync failed, or damage was found.",
      state.halted ? 1 : 0);
  constexpr std::string_view bytes = "parley_store_bytes";
  constexpr std::string_view help = "What the embedded store takes of the disk.";
  put(bytes, help, static_cast<double>(state.journal_bytes), {{"part", "journal"}});
  put(bytes, help, static_cast<double>(state.view_bytes), {{"part", "view"}});
  put("parley_store_free_bytes", "What its file system has left.", static_cast<double>(state.free_bytes));
  samples.push_back({.name = "parley_store_refused_total",
                     .help = "Records that were refused because the disk was full.",
                     .value = static_cast<double>(state.refused),
                     .is_counter = true});
}

}  // namespace parley::node
