#include "queue/rabbitmq/admin.h"

#include <algorithm>
#include <random>
#include <set>

#include <fmt/format.h>

#include "queue/rabbitmq/names.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr int channel = 1;
// Always so many, whatever is asked for: RabbitMQ puts what is given back behind all else that was given back before,
// so a part of that would change places.
constexpr int looked_at = 500;
constexpr std::size_t looked_at_bytes = 64U << 20;

Error not_by_us(std::string_view what) {
  return Error(Code::unimplemented, Blame::caller, fmt::format("RabbitMQ: {}", what))
      .with_reason("not_by_this_backend");
}

Peeked peeked_of(const Envelope& e, Shelf shelf, std::int64_t finished) {
  Peeked out;
  out.message = message_of(e);
  out.position = position_of(out.message.id);
  out.attempts = static_cast<int>(finished);
  if (shelf != Shelf::dead) return out;
  out.reason = e.text(headers::reason);
  if (out.reason.empty() && e.text(headers::first_death) == "expired") {
    out.reason = expired_reason;
  }
  out.since = e.time(headers::dead_since);
  return out;
}

// Those behind `after`, at most so many.
std::vector<Peeked> page(std::vector<Peeked> all, const Position& after, int most) {
  auto first = all.begin();
  if (!after.empty()) {
    const auto at = std::ranges::find(all, after, &Peeked::position);
    if (at != all.end()) first = at + 1;
  }
  const auto count = std::min<std::ptrdiff_t>(std::max(0, most), all.end() - first);
  return {std::make_move_iterator(first), std::make_move_iterator(first + count)};
}

}  // namespace

Admin::Admin(Address address, std::string purpose, Others others)
    : Link(std::move(address), std::move(purpose)), others_(others), run_(random_name()) {
  start();
}
Admin::~Admin() { stop(); }

std::string Admin::random_name() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

Result<void> Admin::opened(Connection& c) { return c.open_channel(channel); }

Result<Connection*> Admin::connected() {
  if (Connection* c = connection()) return c;
  return fail(Error(away()).safe_to_retry());
}

std::future<Result<void>> Admin::publish_later(const std::string& queue, Envelope message) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto out = promise->get_future();
  others_.publisher.publish(
      {"", queue, std::move(message), [promise](Result<void> r) { promise->set_value(std::move(r)); }, {}});
  return out;
}

Result<std::uint32_t> Admin::count(const Source& source, const std::string& queue) {
  auto c = connected();
  if (!c) return fail(c.error());
  auto counted = (*c)->count(channel, queue);
  if (!counted && counted.error().code() == Code::not_found) {
    return fail(
        Error(Code::not_found, Blame::caller, fmt::format("RabbitMQ has no queue {} of ours", names::queue(source))));
  }
  return counted;
}

Result<Stats> Admin::stats(const Source& source) {
  const auto paused = count(source, names::paused(source));
  if (!paused) return fail(paused.error());
  const auto waiting = count(source, names::queue(source));
  if (!waiting) return fail(waiting.error());
  const auto dead = count(source, names::dead(source));
  if (!dead) return fail(dead.error());
  const Consumer::Here here = others_.consumer.here(source);
  Stats out;
  out.waiting = *waiting + here.waiting;
  out.leased = here.leased;
  out.delayed = here.delayed;
  out.dead = *dead;
  out.oldest = here.oldest;
  out.paused = *paused > 0;
  // What other nodes have in their hands, and what waits in the delay queues, RabbitMQ does not tell by queue.
  out.estimated = {"waiting", "leased", "delayed", "oldest"};
  return out;
}

Result<std::vector<Peeked>> Admin::peek(const PeekRequest& r) {
  if (auto there = count(r.source, names::paused(r.source)); !there) return fail(there.error());
  if (r.shelf == Shelf::delayed)
    return fail(not_by_us("what is delayed waits in queues that all share; it cannot be listed"));
  std::vector<Peeked> all;
  if (r.shelf != Shelf::dead) {
    if (r.shelf == Shelf::waiting) others_.consumer.look(r.source);
    all = others_.consumer.peek(r.source, r.shelf);
  }
  if (r.shelf == Shelf::leased) return page(std::move(all), r.after, r.max_messages);
  auto c = connected();
  if (!c) return fail(c.error());
  const std::string queue = r.shelf == Shelf::dead ? names::dead(r.source) : names::queue(r.source);
  std::uint64_t last = 0;
  std::size_t bytes = 0;
  for (int i = 0; i < looked_at && bytes < looked_at_bytes; ++i) {
    auto got = (*c)->get(channel, queue);
    if (!got && got.error().code() == Code::failed_precondition) break;  // one active consumer: what it holds is all
    if (!got) return fail(got.error());
    if (!*got) break;
    last = (*got)->tag;
    const Envelope& e = (*got)->envelope;
    const std::string id = message_of(e).id;
    const AttemptKey key(queue, id, e);
    const Attempts::Known known =
        e.find(headers::reason) != nullptr
            ? Attempts::Known{.finished = e.number(headers::attempts).value_or(0), .held = false}
            : others_.attempts.known(key, e, false);
    // Looking is no attempt, though RabbitMQ counts it.
    if (r.shelf != Shelf::dead)
      others_.attempts.note(key, {.at = delivery_count(e) + 1, .finished = known.finished, .held = known.held});
    bytes += e.body.size();
    all.push_back(peeked_of(e, r.shelf, known.finished));
  }
  if (last != 0) {
    if (auto back = (*c)->requeue(channel, last, true); !back) return fail(back.error());
  }
  return page(std::move(all), r.after, r.max_messages);
}

Result<std::uint64_t> Admin::redrive(const Source& source, const std::vector<Position>& which) {
  if (auto there = count(source, names::dead(source)); !there) return fail(there.error());
  auto c = connected();
  if (!c) return fail(c.error());
  const std::set<Position> wanted(which.begin(), which.end());
  const std::int64_t begun = others_.clock.now().time_since_epoch().count();
  std::uint64_t moved = 0;
  std::vector<std::uint64_t> others;
  std::optional<Error> error;
  while (!error && (wanted.empty() || moved < wanted.size())) {
    auto got = (*c)->get(channel, names::dead(source));
    if (!got) return fail(got.error());
    if (!*got) break;
    Envelope e = (*got)->envelope;
    const std::string id = message_of(e).id;
    // What dies again meanwhile stays dead, or this would not end.
    const bool is_new = e.number(headers::dead_since).value_or(0) > begun;
    if (is_new || (!wanted.empty() && !wanted.contains(position_of(id)))) {
      others.push_back((*got)->tag);
      if (is_new) break;
      continue;
    }
    strip_history(e);
    e.set(headers::expires, std::int64_t{0});  // its time to live is over, or would be
    e.set(headers::due, begun);  // at once; what is known of its attempts is about the one that was due before
    if (auto published = others_.publisher.publish_and_wait("", names::queue(source), std::move(e)); !published) {
      error = published.error();
      others.push_back((*got)->tag);
      break;
    }
    if (auto acked = (*c)->ack(channel, (*got)->tag); !acked) return fail(acked.error());
    ++moved;
  }
  for (const std::uint64_t tag : others) {
    if (auto back = (*c)->requeue(channel, tag); !back) return fail(back.error());
  }
  if (error) return fail(*error);
  return moved;
}

Result<std::uint64_t> Admin::purge(const Source& source, Shelf shelf) {
  if (auto there = count(source, names::paused(source)); !there) return fail(there.error());
  auto c = connected();
  if (!c) return fail(c.error());
  if (shelf == Shelf::dead) {
    auto purged = (*c)->purge(channel, names::dead(source));
    if (!purged) return fail(purged.error());
    return *purged;
  }
  if (shelf != Shelf::waiting) return fail(not_by_us("only what waits and what is dead can be purged"));
  auto purged = (*c)->purge(channel, names::queue(source));
  if (!purged) return fail(purged.error());
  return *purged + others_.consumer.purge(source);
}

Result<void> Admin::pause(const Source& source, bool paused) {
  auto marks = count(source, names::paused(source));
  if (!marks) return fail(marks.error());
  if (paused && *marks == 0) {
    Envelope mark;
    mark.content_type = "text/plain";
    mark.body = Bytes::literal("paused");
    if (auto put = others_.publisher.publish_and_wait("", names::paused(source), std::move(mark)); !put) return put;
  }
  if (!paused && *marks > 0) {
    auto c = connected();
    if (!c) return fail(c.error());
    if (auto purged = (*c)->purge(channel, names::paused(source)); !purged) return fail(purged.error());
  }
  others_.consumer.pause(source, paused);
  return {};
}

Result<Events> Admin::read(const ReadRequest& request) {
  auto promise = std::make_shared<std::promise<Result<Events>>>();
  auto done = promise->get_future();
  others_.reader.read(
      request, [] { return true; }, [promise](Result<Events> e) { promise->set_value(std::move(e)); }, true);
  return done.get();
}

Result<Position> Admin::resolve(const std::string& topic, const From& from) {
  switch (from.kind) {
    case From::Kind::earliest: return Position();
    case From::Kind::latest: return end_of_log(topic);
    case From::Kind::after: return from.position;
    case From::Kind::time: break;
  }
  auto end = end_of_log(topic);
  if (!end) return end;
  ReadRequest request;
  request.topic = topic;
  request.from = from;
  request.max_messages = 1;
  request.wait = Deadline::after(Clock::now(), std::chrono::seconds(1));
  auto first = read(request);
  if (!first) return fail(first.error());
  if (first->events.empty()) return end;
  const auto offset = std::stoll(first->events.front().position);
  return offset == 0 ? Position() : fmt::to_string(offset - 1);
}

Result<void> Admin::commit(const Source& source, const From& to) {
  auto c = connected();
  if (!c) return fail(c.error());
  auto topic = exists(**c, names::log(source.name));
  if (!topic) return fail(topic.error());
  if (!*topic || source.group.empty()) {
    return fail(Error(Code::not_found, Blame::caller, fmt::format("RabbitMQ has no topic {} of ours", source.name)));
  }
  auto delivered = exists(**c, names::paused(source));
  if (!delivered) return fail(delivered.error());
  if (*delivered) return fill(**c, source, to);
  auto position = resolve(source.name, to);
  if (!position) return fail(position.error());
  auto made = (*c)->declare_queue(channel, names::place(source),
                                  {{"x-queue-type", std::string("quorum")}, {"x-max-length", 1L}});
  if (!made) return fail(made.error());
  auto known = list();
  if (!known) return fail(known.error());
  if (auto noted = note(**c, *known, {Known::Kind::group, source.name, source.group}); !noted) return noted;
  Envelope place;
  place.content_type = "text/plain";
  place.body = Bytes(*std::move(position));
  return others_.publisher.publish_and_wait("", names::place(source), std::move(place));
}

Result<Position> Admin::checkpoint(const Source& source) {
  auto c = connected();
  if (!c) return fail(c.error());
  auto got = (*c)->get(channel, names::place(source));
  if (!got && got.error().code() == Code::not_found) {
    auto delivered = exists(**c, names::paused(source));
    if (delivered && *delivered) {
      return fail(not_by_us("a group that has messages delivered is a queue here, and has no position"));
    }
    return fail(
        Error(Code::not_found, Blame::caller, fmt::format("no group {} of topic {}", source.group, source.name)));
  }
  if (!got) return fail(got.error());
  if (!*got) return Position();
  if (auto back = (*c)->requeue(channel, (*got)->tag); !back) return fail(back.error());
  return Position((*got)->envelope.body.view());
}

Result<Position> Admin::end_of_log(const std::string& topic) {
  // RabbitMQ does not tell how long a stream is; a mark that we put there does.
  if (auto there = count({topic, ""}, names::log(topic)); !there) return fail(there.error());
  auto fence = put_fence(topic);
  if (!fence) return fail(fence.error());
  From from{From::Kind::earliest, {}, {}};
  from.kind = From::Kind::after;
  from.position = last_chunk;
  for (;;) {
    ReadRequest request;
    request.topic = topic;
    request.from = from;
    request.wait = Deadline::after(Clock::now(), std::chrono::seconds(10));
    auto events = read(request);
    if (!events) return fail(events.error());
    if (events->events.empty()) return fail(Error(Code::unavailable, Blame::upstream, "RabbitMQ: the log is silent"));
    for (const Event& e : events->events) {
      if (e.message.id == *fence) return e.position;
    }
    from = {From::Kind::after, {}, events->next};
  }
}

}  // namespace parley::queue::rabbitmq
