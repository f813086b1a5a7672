#include "queue/rabbitmq/shard_broker.h"

#include <algorithm>

#include <fmt/format.h>

namespace parley::queue::rabbitmq {
namespace {

constexpr std::size_t most_headers = 100'000;  // they must fit into one frame of 128 KiB
constexpr std::chrono::milliseconds longest_expiration = std::chrono::hours(24 * 3650);  // RabbitMQ closes the channel
constexpr std::size_t most_bytes = 128U << 20;                                           // RabbitMQ's max_message_size

std::size_t header_bytes(const Envelope& e) {
  std::size_t out = 0;
  for (const Header& h : e.headers) {
    const auto* text = std::get_if<std::string>(&h.value);
    out += h.name.size() + 8 + (text == nullptr ? 8 : text->size());
  }
  return out;
}

}  // namespace

Result<Outgoing> outgoing_of(const Publish& request, Known::Kind kind, Duration ttl, WallTime now) {
  Outgoing out;
  out.message = envelope_of(request.message);
  if (request.message.payload.size() > most_bytes || header_bytes(out.message) > most_headers) {
    return invalid("RabbitMQ takes messages of 128 MiB, with 100,000 bytes of headers");
  }
  if (std::ranges::any_of(out.message.headers, [](const Header& h) { return h.name.size() > 255; })) {
    return invalid("RabbitMQ: a header's name is longer than 255 bytes");
  }
  if (kind == Known::Kind::topic) {
    if (request.due) {
      return fail(Error(Code::unimplemented, Blame::caller, "a topic's events cannot be scheduled")
                      .with_reason("not_by_this_backend"));
    }
    out.exchange = request.to;
    out.routing_key = request.message.type.size() <= 255 ? request.message.type : std::string();
    return out;
  }
  out.routing_key = request.to;
  std::optional<WallTime> expires = request.expires;
  if (!expires && ttl > Duration()) expires = now + std::chrono::ceil<std::chrono::milliseconds>(ttl);
  if (expires) out.message.set(headers::expires, expires->time_since_epoch().count());
  if (request.due && *request.due > now) {
    out.message.set(headers::due, request.due->time_since_epoch().count());
    out.exchange = delay_exchange(time_until(*request.due, now));
  } else if (expires && *expires - now <= longest_expiration) {  // later ones are in the header, for the consumer
    out.message.expiration = fmt::to_string(std::max<std::int64_t>(0, (*expires - now).count()));
  }
  return out;
}

ShardBroker::ShardBroker(RabbitBackend& backend, Shard& shard)
    : backend_(backend), door_(std::make_shared<Door>(shard)) {}
ShardBroker::~ShardBroker() { door_->close(); }

template <class T>
Task<Result<T>> ShardBroker::await(std::shared_ptr<Answer<T>> answer) {
  if (closed_) co_return fail(Error(Code::unavailable, Blame::us, "closing").safe_to_retry());
  open_.insert(answer.get());
  while (!answer->is_there()) co_await answer->changed().wait();
  open_.erase(answer.get());
  changed_.notify();
  co_return answer->take();
}

template <class T>
Task<Result<T>> ShardBroker::ask(std::function<Result<T>(Admin&)> what) {
  auto answer = std::make_shared<Answer<T>>(door_);
  Admin& admin = backend_.admin();
  if (!admin.post([answer, what = std::move(what), &admin] { answer->give(what(admin)); })) {
    co_return fail(Error(Code::unavailable, Blame::us, "closing").safe_to_retry());
  }
  co_return co_await await(answer);
}

Task<Result<Known::Kind>> ShardBroker::kind_of(std::string name) {
  if (const auto kind = backend_.kind_of(name)) co_return *kind;
  auto known = co_await ask<std::vector<Known>>([](Admin& a) { return a.list(); });
  if (!known) co_return fail(known.error());
  backend_.know(*known);
  if (const auto kind = backend_.kind_of(name)) co_return *kind;
  co_return fail(Error(Code::not_found, Blame::caller, fmt::format("RabbitMQ has no queue or topic {} of ours", name)));
}

Task<Result<Receipt>> ShardBroker::publish(Publish request) {
  auto kind = co_await kind_of(request.to);
  if (!kind) co_return fail(kind.error());
  const WallTime now = backend_.clock().now();
  auto outgoing = outgoing_of(request, *kind, backend_.ttl_of(request.to), now);
  if (!outgoing) co_return fail(outgoing.error());
  const Duration window = request.dedup.empty() ? Duration() : backend_.dedup_window_of(request.to);
  if (window > Duration()) {
    if (auto seen = backend_.dedup().begin(request.to, request.dedup, now)) {
      if (!seen->receipt) {
        co_return fail(Error(Code::aborted, Blame::caller, "the same message is being published right now")
                           .with_reason("dedup_in_flight"));
      }
      seen->receipt->duplicate = true;
      co_return *std::move(seen->receipt);
    }
  }
  auto answer = std::make_shared<Answer<void>>(door_);
  outgoing->done = [answer](Result<void> r) { answer->give(std::move(r)); };
  backend_.publisher().publish(*std::move(outgoing));
  auto published = co_await await(answer);
  Receipt receipt{request.message.id, "", false};
  if (window > Duration()) {
    if (published) {
      const auto until = backend_.clock().now() + std::chrono::ceil<std::chrono::milliseconds>(window);
      backend_.dedup().done(request.to, request.dedup, receipt, until);
    } else {
      backend_.dedup().failed(request.to, request.dedup);
    }
  }
  if (!published) co_return fail(published.error());
  co_return receipt;
}

Task<Result<std::vector<Delivery>>> ShardBroker::lease(LeaseRequest request) {
  // What comes when nobody waits any more is given back at once.
  auto late = [&consumer = backend_.consumer(), door = door_,
               source = request.source](const Result<std::vector<Delivery>>& came) {
    if (!came) return;
    for (const Delivery& d : *came) {
      consumer.settle(source, d.lease, {Settlement::Kind::release, {}, ""}, std::make_shared<Answer<void>>(door));
    }
  };
  auto answer = std::make_shared<Answer<std::vector<Delivery>>>(door_, std::move(late));
  if (draining_) request.wait = Deadline::at(Clock::now());
  leases_.insert(answer.get());
  backend_.consumer().lease(std::move(request), answer);
  auto out = co_await await(answer);
  leases_.erase(answer.get());
  co_return out;
}

void ShardBroker::stop_leasing() {
  draining_ = true;
  for (auto* answer : leases_) answer->put(std::vector<Delivery>());
}

Task<Result<void>> ShardBroker::extend(Source source, std::string lease, Duration by) {
  auto answer = std::make_shared<Answer<void>>(door_);
  backend_.consumer().extend(std::move(source), std::move(lease), by, answer);
  co_return co_await await(answer);
}

Task<Result<void>> ShardBroker::settle(Source source, std::string lease, Settlement how) {
  auto answer = std::make_shared<Answer<void>>(door_);
  backend_.consumer().settle(std::move(source), std::move(lease), std::move(how), answer);
  co_return co_await await(answer);
}

Task<Result<std::vector<Peeked>>> ShardBroker::peek(PeekRequest request) {
  co_return co_await ask<std::vector<Peeked>>([request = std::move(request)](Admin& a) { return a.peek(request); });
}
Task<Result<std::uint64_t>> ShardBroker::redrive(Source source, std::vector<Position> which) {
  co_return co_await ask<std::uint64_t>(
      [source = std::move(source), which = std::move(which)](Admin& a) { return a.redrive(source, which); });
}
Task<Result<std::uint64_t>> ShardBroker::purge(Source source, Shelf shelf) {
  co_return co_await ask<std::uint64_t>(
      [source = std::move(source), shelf](Admin& a) { return a.purge(source, shelf); });
}
Task<Result<void>> ShardBroker::pause(Source source, bool paused) {
  co_return co_await ask<void>([source = std::move(source), paused](Admin& a) { return a.pause(source, paused); });
}
Task<Result<Stats>> ShardBroker::stats(Source source) {
  co_return co_await ask<Stats>([source = std::move(source)](Admin& a) { return a.stats(source); });
}
Task<Result<void>> ShardBroker::commit(Source source, From to) {
  co_return co_await ask<void>(
      [source = std::move(source), to = std::move(to)](Admin& a) { return a.commit(source, to); });
}
Task<Result<Position>> ShardBroker::checkpoint(Source source) {
  co_return co_await ask<Position>([source = std::move(source)](Admin& a) { return a.checkpoint(source); });
}

Task<Result<void>> ShardBroker::delete_group(Source group) {
  co_return co_await ask<void>([group = std::move(group)](Admin& a) { return a.delete_group(group); });
}

Task<Result<Events>> ShardBroker::read(ReadRequest request) {
  Position end;
  const bool needs_end = request.from.kind == From::Kind::latest || request.from.kind == From::Kind::time;
  if (needs_end) {
    auto found = co_await ask<Position>([topic = request.topic](Admin& a) { return a.end_of_log(topic); });
    if (!found) co_return fail(found.error());
    end = *found;
    if (request.from.kind == From::Kind::latest) request.from = {From::Kind::after, {}, end};
  }
  auto answer = std::make_shared<Answer<Events>>(door_);
  const std::string topic = request.topic;
  backend_.reader().read(
      std::move(request), [answer] { return answer->is_wanted(); },
      [answer](Result<Events> e) { answer->give(std::move(e)); });
  auto events = co_await await(answer);
  if (!events && events.error().code() == Code::not_found) {
    co_return fail(Error(Code::not_found, Blame::caller, fmt::format("RabbitMQ has no topic {} of ours", topic)));
  }
  if (events && events->next.empty()) events->next = end;
  co_return events;
}

Task<void> ShardBroker::close() {
  closed_ = true;
  const Error closing = Error(Code::unavailable, Blame::us, "closing");
  for (AnswerBase* a : std::set<AnswerBase*>(open_)) a->end(closing);
  while (!open_.empty()) co_await changed_.wait();
  door_->close();
}

}  // namespace parley::queue::rabbitmq
