#include "queue/rabbitmq/reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "queue/rabbitmq/names.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr int ahead = 256;  // messages that RabbitMQ sends before they are asked for
constexpr Duration idle_time = std::chrono::seconds(20);
constexpr std::size_t most_idle = 32;
constexpr int last_channel = 2000;

std::optional<std::int64_t> offset_of(const Position& position) {
  std::int64_t out = 0;
  const char* end = position.data() + position.size();
  const auto parsed = std::from_chars(position.data(), end, out);
  if (position.empty() || parsed.ec != std::errc() || parsed.ptr != end || out < 0) return std::nullopt;
  return out;
}

// RabbitMQ's consumer argument for where to begin.
Result<Arguments> where(const From& from) {
  const std::string offset(headers::offset);
  switch (from.kind) {
    case From::Kind::earliest: return Arguments{{offset, std::string("first")}};
    case From::Kind::latest: return Arguments{{offset, std::string("next")}};
    case From::Kind::time: {
      const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(from.time).time_since_epoch().count();
      return Arguments{{"x-stream-offset-time", std::max<std::int64_t>(0, seconds)}};
    }
    case From::Kind::after: break;
  }
  if (from.position.empty()) return Arguments{{offset, std::string("first")}};
  if (from.position == last_chunk) return Arguments{{offset, std::string("last")}};
  const auto at = offset_of(from.position);
  if (!at) return invalid(fmt::format("\"{}\" is no position of a topic on RabbitMQ", from.position));
  return Arguments{{offset, *at + 1}};
}

}  // namespace

Reader::Reader(Address address, std::string purpose) : Link(std::move(address), std::move(purpose)) { start(); }
Reader::~Reader() { stop(); }

void Reader::read(ReadRequest request, std::function<bool()> wanted, Done done, bool fences) {
  auto shared = std::make_shared<Done>(std::move(done));
  const bool taken = post([this, request = std::move(request), wanted = std::move(wanted), shared, fences] {
    if (Cursor* at = find(request, fences)) {
      at->request = request;
      at->wanted = wanted;
      at->done = *shared;
      return;
    }
    begin(request, wanted, *shared, fences);
  });
  if (!taken) (*shared)(fail(Error(Code::unavailable, Blame::us, "RabbitMQ: closing").safe_to_retry()));
}

Reader::Cursor* Reader::find(const ReadRequest& request, bool fences) {
  if (request.from.kind != From::Kind::after || request.from.position.empty()) return nullptr;
  for (auto& [channel, c] : cursors_) {
    if (!c->done && c->fences == fences && c->topic == request.topic && c->next == request.from.position) {
      return c.get();
    }
  }
  return nullptr;
}

void Reader::begin(ReadRequest request, std::function<bool()> wanted, Done done, bool fences) {
  Connection* c = connection();
  if (c == nullptr) return done(fail(Error(away()).safe_to_retry()));
  auto from = where(request.from);
  if (!from) return done(fail(from.error()));
  if (cursors_.size() >= most_idle) {
    for (auto& [channel, cursor] : cursors_) {
      if (cursor->done) continue;
      drop(channel);
      break;
    }
  }
  while (cursors_.contains(next_channel_)) next_channel_ = next_channel_ % last_channel + 1;
  auto cursor = std::make_unique<Cursor>();
  cursor->channel = next_channel_;
  next_channel_ = next_channel_ % last_channel + 1;
  cursor->topic = request.topic;
  cursor->tag = fmt::format("parley-read-{}", cursor->channel);
  cursor->fences = fences;
  if (request.from.kind == From::Kind::time) cursor->from_time = request.from.time;
  if (request.from.kind == From::Kind::after) {
    cursor->next = request.from.position;
    cursor->first = offset_of(request.from.position).value_or(-1) + 1;
  }
  auto ready = c->open_channel(cursor->channel);
  if (ready) ready = c->prefetch(cursor->channel, ahead);
  if (ready) ready = c->consume(cursor->channel, names::log(request.topic), cursor->tag, *from);
  if (!ready) {
    if (!c->is_dead()) c->close_channel(cursor->channel);
    return done(fail(ready.error()));
  }
  cursor->request = std::move(request);
  cursor->wanted = std::move(wanted);
  cursor->done = std::move(done);
  cursors_[cursor->channel] = std::move(cursor);
}

Result<void> Reader::opened(Connection& c) {
  c.take_larger_frames();
  return {};
}

void Reader::method(Connection& c, int channel, const amqp_method_t& m) {
  const auto at = cursors_.find(channel);
  if (at == cursors_.end()) return;
  if (m.id == AMQP_BASIC_DELIVER_METHOD) {
    return deliver(c, *at->second, static_cast<amqp_basic_deliver_t*>(m.decoded)->delivery_tag);
  }
  if (m.id == AMQP_BASIC_CANCEL_METHOD || m.id == AMQP_CHANNEL_CLOSE_METHOD) {
    if (m.id == AMQP_CHANNEL_CLOSE_METHOD) met_later(c.reopen_channel(channel));
    if (at->second->done) {
      at->second->done(fail(Error(Code::unavailable, Blame::upstream, "RabbitMQ ended the reading of the log")));
    }
    at->second->done = nullptr;
    drop(channel);
  }
}

void Reader::deliver(Connection& c, Cursor& cursor, std::uint64_t tag) {
  auto contents = c.read_contents(cursor.channel);
  if (!contents) return;
  Event event;
  const std::int64_t offset = contents->number(headers::offset).value_or(0);
  event.position = fmt::to_string(offset);
  event.message = message_of(*contents);
  const bool fence = contents->find(headers::fence) != nullptr;
  const bool early =
      offset < cursor.first || (cursor.from_time && event.message.time < *cursor.from_time && cursor.events.empty());
  if ((fence && !cursor.fences) || early) {
    cursor.passed = tag;
    if (offset >= cursor.first) cursor.passed_position = event.position;
    if (cursor.events.empty()) met_later(c.ack(cursor.channel, tag, true));
    return;
  }
  if (fence) event.message.type = headers::fence;
  cursor.from_time.reset();
  cursor.events.emplace_back(tag, std::move(event));
}

void Reader::serve(Cursor& cursor, Instant now) {
  if (!cursor.done) return;
  if (!cursor.wanted()) {
    cursor.done = nullptr;
    cursor.request.reset();
    cursor.idle_since = now;
    return;
  }
  const ReadRequest& r = *cursor.request;
  if (cursor.events.empty() && !r.wait.passed(now)) return;
  Events out;
  std::size_t bytes = 0;
  std::uint64_t last = 0;
  while (!cursor.events.empty() && static_cast<int>(out.events.size()) < std::max(1, r.max_messages)) {
    auto& [tag, event] = cursor.events.front();
    bytes += event.message.payload.size();
    if (!out.events.empty() && bytes > r.max_bytes) break;
    last = tag;
    cursor.next = event.position;
    out.events.push_back(std::move(event));
    cursor.events.pop_front();
  }
  if (last == 0 && !cursor.passed_position.empty() && cursor.events.empty()) cursor.next = cursor.passed_position;
  if (Connection* c = connection(); c != nullptr && last != 0) met_later(c->ack(cursor.channel, last, true));
  out.next = cursor.next;
  cursor.idle_since = now;
  cursor.request.reset();
  std::exchange(cursor.done, nullptr)(std::move(out));
}

void Reader::drop(int channel) {
  cursors_.erase(channel);
  if (Connection* c = connection()) c->close_channel(channel);
}

void Reader::lost(const Error& why) {
  for (auto& [channel, c] : std::exchange(cursors_, {})) {
    if (c->done) c->done(fail(Error(why).safe_to_retry()));
  }
}

Instant Reader::turn(Instant now) {
  Instant next = Instant::max();
  std::vector<int> idle;
  for (auto& [channel, c] : cursors_) {
    serve(*c, now);
    if (c->done) {
      if (!c->request->wait.is_never()) next = std::min(next, c->request->wait.when());
      next = std::min(next, now + std::chrono::seconds(1));  // to see whether anybody still waits
    } else if (c->next.empty() || now - c->idle_since > idle_time) {
      idle.push_back(channel);
    } else {
      next = std::min(next, c->idle_since + idle_time + std::chrono::milliseconds(1));
    }
  }
  for (const int channel : idle) drop(channel);
  return next;
}

void Reader::stopping() { lost(Error(Code::unavailable, Blame::us, "RabbitMQ: closing")); }

}  // namespace parley::queue::rabbitmq
