#include "queue/kafka/topic_reader.h"

#include <algorithm>

#include "queue/kafka/error.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration step = std::chrono::milliseconds(500);
constexpr Duration keep_for = std::chrono::seconds(30);
constexpr std::size_t most_kept = 16;

// Waits for the first, then takes what has been fetched already.
Result<Events> collect(const ReadRequest& request, LogReader& reader, const std::string& topic, const ReadStop& stop) {
  Events out;
  std::size_t bytes = 0;
  while (std::ssize(out.events) < std::max(request.max_messages, 1) && bytes < request.max_bytes) {
    if (stop.stopped()) return fail(closing_error());
    const Instant now = Clock::now();
    const Duration wait = out.events.empty() ? request.wait.left(now).value_or(step) : Duration::zero();
    auto item = reader.next(std::min(wait, step));
    if (!item) return fail(item.error());
    if (!*item && (!out.events.empty() || request.wait.passed(Clock::now()))) break;
    if (!*item) continue;
    auto position = to_position(reader.places());
    if (!position) return fail(position.error());
    bytes += (*item)->record.value.size();
    out.events.push_back({.message = to_message((*item)->record, topic, (*item)->partition), .position = *position});
  }
  auto next = to_position(reader.places());
  if (!next) return fail(next.error());
  out.next = *std::move(next);
  return out;
}

}  // namespace

void ReadStop::stop() {
  stopped_ = true;
  const std::lock_guard lock(lock_);
  for (LogReader* reader : readers_) reader->cancel();
}
void ReadStop::enter(LogReader* reader) {
  const std::lock_guard lock(lock_);
  readers_.insert(reader);
}
void ReadStop::leave(LogReader* reader) {
  const std::lock_guard lock(lock_);
  readers_.erase(reader);
}

std::unique_ptr<LogReader> TopicReaders::take(const ReadRequest& request, const std::string& topic) {
  const std::lock_guard lock(lock_);
  std::erase_if(kept_, [](const Kept& k) { return Clock::now() - k.since > keep_for; });
  if (request.from.kind != From::Kind::after || request.from.position.empty()) return nullptr;
  const auto found = std::ranges::find_if(
      kept_, [&](const Kept& k) { return k.next == request.from.position && k.reader->topic() == topic; });
  if (found == kept_.end()) return nullptr;
  auto reader = std::move(found->reader);
  kept_.erase(found);
  return reader;
}

void TopicReaders::keep(Position next, std::unique_ptr<LogReader> reader) {
  const std::lock_guard lock(lock_);
  kept_.push_back({.next = std::move(next), .since = Clock::now(), .reader = std::move(reader)});
  if (kept_.size() > most_kept) kept_.pop_front();
}

Result<Events> TopicReaders::read(Core& core, const ReadRequest& request, ReadStop& stop) {
  const std::string topic = core.names({.name = request.topic, .group = ""}).log;
  auto reader = take(request, topic);
  if (!reader) {
    if (auto there = core.check_topic(request.topic); !there) return fail(there.error());
    auto places = core.places(request.topic, request.from);
    if (!places) return fail(places.error());
    auto opened = LogReader::open(core.cluster(), topic, *std::move(places));
    if (!opened) return fail(opened.error());
    reader = *std::move(opened);
  }
  stop.enter(reader.get());
  auto events = collect(request, *reader, topic, stop);
  stop.leave(reader.get());
  if (events) keep(events->next, std::move(reader));
  return events;
}

}  // namespace parley::queue::kafka
