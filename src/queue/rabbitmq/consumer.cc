#include "queue/rabbitmq/consumer.h"

#include <algorithm>
#include <future>
#include <random>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/rabbitmq/names.h"
#include "queue/retry.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr Duration idle_time = std::chrono::seconds(2);         // nobody asks: unkeyed messages go back
constexpr Duration keyed_idle_time = std::chrono::seconds(10);  // and the queue's one consumer lets another node be it
constexpr Duration look_time = std::chrono::seconds(2);
constexpr Duration comeback_time = std::chrono::seconds(15);
constexpr int keyed_room = 512;  // messages that wait behind one of their key, beside those in flight
constexpr int records_channel = 1;

std::string random_prefix() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

}  // namespace

std::string delay_exchange(Duration delay) {
  int rung = -1;
  for (Duration d = std::chrono::seconds(1); d <= delay && rung + 1 < names::delays; d *= 4) ++rung;
  return rung < 0 ? "" : names::delay(rung);
}

Consumer::Consumer(Address address, std::string purpose, Publisher& publisher, Attempts& attempts,
                   const WallClock& clock)
    : Link(std::move(address), std::move(purpose)),
      publisher_(publisher),
      attempts_(attempts),
      clock_(clock),
      lease_prefix_(random_prefix()) {
  start();
}
Consumer::~Consumer() { stop(); }

// ---- from other threads

template <class T>
T Consumer::ask(std::function<T()> what) {
  auto promise = std::make_shared<std::promise<T>>();
  auto answer = promise->get_future();
  if (!post([promise, what = std::move(what)] { promise->set_value(what()); })) return T();
  return answer.get();
}

void Consumer::declare(const queue::Consumer& consumer, Duration ttl) {
  post([this, consumer, ttl] {
    Tap& t = tap({consumer.name, consumer.group});
    const bool keyed = t.consumer.keyed;
    t.consumer = consumer;
    t.ttl = ttl;
    // Before anybody leases; a queue's arguments cannot change later anyhow.
    if (keyed != consumer.keyed && t.holdings.size() == 0) t.holdings = Holdings(consumer.keyed, lease_prefix_);
  });
}

void Consumer::lease(LeaseRequest request, const std::shared_ptr<Answer<std::vector<Delivery>>>& answer) {
  const bool taken = post([this, request = std::move(request), answer] {
    Tap& t = tap(request.source);
    t.wanted = Clock::now();
    t.waiters.push_back({request, answer});
  });
  if (!taken) answer->give(fail(Error(Code::unavailable, Blame::us, "RabbitMQ: closing").safe_to_retry()));
}

void Consumer::extend(Source source, std::string lease, Duration by, const std::shared_ptr<Answer<void>>& answer) {
  const bool taken = post([this, source = std::move(source), lease = std::move(lease), by, answer] {
    Held* held = leased(source, lease);
    if (held == nullptr || held->settling) return answer->give(fail(lease_lost()));
    const Instant until = Clock::now() + by;
    if (until > held->arrived + address().consumer_timeout) {
      return answer->give(fail(Error(Code::failed_precondition, Blame::caller,
                                     "RabbitMQ takes a message back that is not acknowledged within its "
                                     "consumer_timeout: the lease cannot be extended beyond that")
                                   .with_reason("rabbitmq_consumer_timeout")));
    }
    held->lease_ends = until;
    answer->give({});
  });
  if (!taken) answer->give(fail(lease_lost()));
}

void Consumer::settle(Source source, std::string lease, Settlement how, const std::shared_ptr<Answer<void>>& answer) {
  const bool taken = post([this, source = std::move(source), lease = std::move(lease), how = std::move(how), answer] {
    settle_now(source, lease, how, answer);
  });
  if (!taken) answer->give(fail(lease_lost()));
}

Consumer::Here Consumer::here(const Source& source) {
  return ask<Here>([this, source] {
    Here out;
    const Instant now = Clock::now();
    tap(source).holdings.each([&](const Held& m) {
      ++(!m.lease.empty() ? out.leased : m.ready > now ? out.delayed : out.waiting);
      if (!out.oldest || m.message.time < *out.oldest) out.oldest = m.message.time;
    });
    return out;
  });
}

void Consumer::look(const Source& source) {
  const bool must_wait = ask<bool>([this, source] {
    Tap& t = tap(source);
    if (!t.consumer.keyed) return false;
    t.look_until = Clock::now() + std::chrono::seconds(1);
    return t.tag.empty();
  });
  if (must_wait) std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

std::vector<Peeked> Consumer::peek(const Source& source, Shelf shelf) {
  return ask<std::vector<Peeked>>([this, source, shelf] {
    std::vector<Peeked> out;
    const Instant now = Clock::now();
    tap(source).holdings.each([&](const Held& m) {
      const Shelf on = !m.lease.empty() ? Shelf::leased : m.ready > now ? Shelf::delayed : Shelf::waiting;
      if (on != shelf) return;
      Peeked p;
      p.message = m.message;
      p.position = position_of(m.message.id);
      p.attempts = static_cast<int>(m.finished) + (on == Shelf::leased ? 1 : 0);
      if (on == Shelf::delayed) {
        p.due = clock_.now() + std::chrono::duration_cast<std::chrono::milliseconds>(m.ready - now);
      }
      out.push_back(std::move(p));
    });
    return out;
  });
}

std::uint64_t Consumer::purge(const Source& source) {
  return ask<std::uint64_t>([this, source]() -> std::uint64_t {
    Tap& t = tap(source);
    // What was handed to us before the queue was purged, and lies in the socket: it is ahead of an answer on its
    // channel.
    if (Connection* c = connection(); c != nullptr && !t.tag.empty()) {
      met_later(c->prefetch(t.channel, t.prefetch));
      read_frames();
    }
    std::vector<Held*> waiting;
    t.holdings.each([&](Held& m) {
      if (m.lease.empty() && !m.settling) waiting.push_back(&m);
    });
    std::uint64_t count = 0;
    for (Held* m : waiting) {
      Connection* c = connection();
      if (c == nullptr || !c->ack(t.channel, m->tag)) break;
      t.holdings.remove(*m);
      ++count;
    }
    return count;
  });
}

std::string Consumer::leave(const Source& source) {
  return ask<std::string>([this, source]() -> std::string {
    Tap& t = tap(source);
    std::erase_if(t.waiters, [](const Waiter& w) { return !w.answer->is_wanted(); });
    if (!t.waiters.empty()) return "a consumer of this node waits for its messages";
    if (const auto leased = t.holdings.leased_count(); leased > 0)
      return fmt::format("{} of its messages are leased by this node", leased);
    if (Connection* c = connection(); c != nullptr && !t.tag.empty()) {
      met_later(c->cancel(t.channel, t.tag));
      read_frames();  // what had come before the answer: later its tags would be those of another channel
    }
    if (Connection* c = connection(); c != nullptr && t.has_channel) c->close_channel(t.channel);
    detach(t);
    return {};
  });
}

void Consumer::pause(const Source& source, bool paused) {
  ask<bool>([this, source, paused] {
    Tap& t = tap(source);
    t.paused = paused;
    t.look_again = Clock::now() + (paused ? look_time : Duration());
    if (Connection* c = connection(); c != nullptr && paused && may_end(t)) end(*c, t);
    return true;
  });
}

// ---- the link

Result<void> Consumer::opened(Connection& c) {
  ++epoch_;
  c.take_larger_frames();
  return c.open_channel(records_channel);
}

Consumer::Tap& Consumer::tap(const Source& source) {
  auto& at = taps_[names::queue(source)];
  if (!at) {
    queue::Consumer plain;
    plain.name = source.name;
    plain.group = source.group;
    at = std::make_unique<Tap>(plain, lease_prefix_);
    at->source = source;
    at->channel = next_channel_++;
  }
  return *at;
}

Consumer::Tap* Consumer::tap_of(int channel) {
  for (auto& [name, t] : taps_) {
    if (t->channel == channel) return t.get();
  }
  return nullptr;
}

Held* Consumer::leased(const Source& source, const std::string& lease) {
  const auto at = taps_.find(names::queue(source));
  return at == taps_.end() ? nullptr : at->second->holdings.leased(lease);
}

void Consumer::method(Connection& c, int channel, const amqp_method_t& m) {
  Tap* t = tap_of(channel);
  if (t == nullptr || !t->has_channel) return;  // what was on its way when we closed it is RabbitMQ's again
  if (m.id == AMQP_BASIC_DELIVER_METHOD) {
    deliver(c, *t, *static_cast<amqp_basic_deliver_t*>(m.decoded));
  } else if (m.id == AMQP_BASIC_CANCEL_METHOD) {
    t->tag.clear();  // the queue is gone, or its leader moved: try again, and see
  } else if (m.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<amqp_channel_close_t*>(m.decoded);
    log::warn("{}: queue {}: {}; its leases are lost", address().text(), names::queue(t->source),
              view_of(close->reply_text));
    detach(*t);
    if (c.reopen_channel(channel)) t->has_channel = true;
  }
}

AttemptKey Consumer::key_of(const Tap& t, const Held& m) const {
  return {names::queue(t.source), m.message.id, m.envelope};
}

AttemptNote Consumer::untouched(const Held& m) {
  return {.at = delivery_count(m.envelope) + 1, .finished = m.finished, .held = m.used_up};
}

void Consumer::detach(Tap& t) {
  // RabbitMQ counts one more delivery for all of them; we know which were in nobody's hands.
  t.holdings.each([&](const Held& m) {
    if (m.lease.empty()) attempts_.note(key_of(t, m), untouched(m));
  });
  t.tag.clear();
  t.has_channel = false;
  t.giving_back = false;
  t.holdings.clear();
}

void Consumer::lost(const Error&) {
  ++epoch_;
  for (auto& [name, t] : taps_) detach(*t);
}

void Consumer::read_records(Connection& c, Tap& t) {
  if (Clock::now() - t.records_read < std::chrono::milliseconds(200)) return;
  std::uint64_t last = 0;
  for (int i = 0; i < 2000; ++i) {
    auto got = c.get(records_channel, names::returned(t.source));
    if (!got || !*got) break;
    last = (*got)->tag;
    attempts_.read_records(names::queue(t.source), (*got)->envelope.body.view());
  }
  // They stay for whoever consumes next; RabbitMQ drops them after a week.
  if (last != 0) met_later(c.requeue(records_channel, last, true));
  // Not when it began: what comes back after a crash comes at once, and on a busy machine each message would read anew.
  t.records_read = Clock::now();
}

void Consumer::deliver(Connection& c, Tap& t, const amqp_basic_deliver_t& what) {
  const std::uint64_t tag = what.delivery_tag;
  const bool stale = t.tag.empty() || view_of(what.consumer_tag) != t.tag;
  auto contents = c.read_contents(t.channel);
  if (!contents) return;
  auto m = std::make_unique<Held>();
  m->tag = tag;
  m->generation = stale ? 0 : t.generation;
  m->envelope = *std::move(contents);
  m->message = message_of(m->envelope);
  const std::int64_t count = delivery_count(m->envelope);
  const AttemptKey key = key_of(t, *m);
  if (count > 0 && !attempts_.knows(key, count)) read_records(c, t);
  const Attempts::Known known = attempts_.known(key, m->envelope, most_attempts(t) == 1);
  m->finished = known.finished;
  m->used_up = known.held && known.finished >= most_attempts(t);
  if (const Header* h = m->envelope.find(headers::attempts); h != nullptr && !m->envelope.number(headers::attempts)) {
    m->malformed = Error(Code::invalid_argument, Blame::caller, "the header parley-attempts is no number");
  }
  m->expires = m->envelope.time(headers::expires);
  if (m->expires == WallTime()) {
    m->expires.reset();  // never, whatever the queue says
  } else if (!m->expires && t.ttl > Duration() && m->message.time != WallTime()) {
    m->expires = m->message.time + std::chrono::duration_cast<std::chrono::milliseconds>(t.ttl);
  }
  m->arrived = Clock::now();
  m->ready = m->arrived;
  if (const auto due = m->envelope.time(headers::due)) m->ready += time_until(*due, clock_.now());
  t.holdings.add(std::move(m));
}

// ---- consuming

void Consumer::fail_waiters(Tap& t, const Error& why) {
  for (Waiter& w : std::exchange(t.waiters, {})) w.answer->give(fail(why));
}

void Consumer::begin(Connection& c, Tap& t, Instant now) {
  if (now < t.look_again && !(now < t.look_until)) return;
  t.look_again = now + look_time;
  if (!t.has_channel) {
    if (!c.open_channel(t.channel)) return;
    t.has_channel = true;
  }
  auto paused = c.count(records_channel, names::paused(t.source));
  if (!paused) {
    if (c.is_dead()) return;
    return fail_waiters(t, paused.error().code() == Code::not_found
                               ? Error(Code::not_found, Blame::caller,
                                       fmt::format("RabbitMQ has no queue {} of ours", names::queue(t.source)))
                               : paused.error());
  }
  t.paused = *paused > 0;
  if (t.paused && now >= t.look_until) return;
  int wanted = 0;
  for (const Waiter& w : t.waiters) wanted += std::clamp(w.request.max_messages, 1, 1000);
  const int most = std::max(1, t.consumer.in_flight);
  t.prefetch = t.consumer.keyed ? most + keyed_room : std::clamp(std::max(wanted, t.prefetch), 1, most);
  t.tag = fmt::format("parley-{}-{}", lease_prefix_, next_tag_++);
  ++t.generation;
  auto ready = c.prefetch(t.channel, t.prefetch);
  if (ready) ready = c.consume(t.channel, names::queue(t.source), t.tag, {});
  if (ready) return;
  if (!c.is_dead()) {
    detach(t);  // the refusal closed the channel, and what came over it is not ours any more
    t.has_channel = true;
    fail_waiters(t, ready.error());
  }
  t.tag.clear();
}

// A keyed queue's by closing the channel: RabbitMQ takes all back at once then. If the consumer was cancelled first,
// the queue's next one, of another node or ours, would get the followers of what we still have to give back.
void Consumer::leave(Tap& t) {
  if (t.giving_back) return;
  const auto go = [this, source = t.source, epoch = epoch_] {
    Tap& at = tap(source);
    at.giving_back = false;
    Connection* c = connection();
    if (epoch != epoch_ || at.tag.empty() || c == nullptr) return;  // lost
    bool busy = false;                                              // one is being buried: `upkeep` comes back
    at.holdings.each([&](const Held& m) { busy = busy || m.settling; });
    if (busy) return;
    at.prefetch = 0;
    detach(at);
    c->close_channel(at.channel);
  };
  std::string records;
  t.holdings.each([&](const Held& m) {
    if (!m.settling) attempts_.write_record(key_of(t, m), untouched(m), records);
  });
  if (records.empty()) return go();
  t.giving_back = true;
  publisher_.publish({"",
                      names::returned(t.source),
                      Attempts::record(std::move(records)),
                      [to = inbox(), go](const Result<void>&) { to->post(go); },
                      {}});
}

void Consumer::end(Connection& c, Tap& t) {
  if (t.tag.empty()) return;
  if (t.consumer.keyed) return leave(t);
  met_later(c.cancel(t.channel, t.tag));
  t.tag.clear();
  t.prefetch = 0;
  give_back(t);
}

void Consumer::give_back(Tap& t) {
  if (t.giving_back) return;
  std::string records;
  t.holdings.each([&](const Held& m) {
    if (!m.lease.empty() || m.settling) return;
    attempts_.write_record(key_of(t, m), untouched(m), records);
  });
  if (records.empty()) return;
  t.giving_back = true;
  publisher_.publish({"",
                      names::returned(t.source),
                      Attempts::record(std::move(records)),
                      [this, to = inbox(), source = t.source, epoch = epoch_](const Result<void>&) {
                        // Without the record they are counted once too often: no reason to keep them.
                        to->post([this, source, epoch] {
                          Tap& at = tap(source);
                          at.giving_back = false;
                          if (epoch != epoch_ || !at.tag.empty()) return;  // lost; or wanted again in the meantime
                          std::vector<Held*> back;
                          at.holdings.each([&](Held& m) {
                            if (m.lease.empty() && !m.settling) back.push_back(&m);
                          });
                          for (Held* m : back) {
                            if (Connection* c = connection()) met_later(c->requeue(at.channel, m->tag));
                            at.holdings.remove(*m);
                          }
                        });
                      },
                      {}});
}

void Consumer::serve(Tap& t, Instant now) {
  while (!t.waiters.empty()) {
    Waiter& w = t.waiters.front();
    if (!w.answer->is_wanted()) {
      t.waiters.pop_front();
      continue;
    }
    const int room = t.consumer.in_flight - static_cast<int>(t.holdings.leased_count());
    if (t.paused || t.giving_back || room <= 0) break;
    auto deliveries = t.holdings.take(now, w.request, room);
    if (deliveries.empty()) break;
    hand_out(t, std::move(deliveries), w);
    t.waiters.pop_front();
  }
  std::erase_if(t.waiters, [&](Waiter& w) {
    if (!w.request.wait.passed(now)) return false;
    if (connection() == nullptr) {
      w.answer->give(fail(Error(away()).safe_to_retry()));
    } else {
      w.answer->give(std::vector<Delivery>());
    }
    return true;
  });
}

void Consumer::hand_out(Tap& t, std::vector<Delivery> deliveries, const Waiter& to) {
  std::string records;
  for (const Delivery& d : deliveries) {
    const Held& m = *t.holdings.leased(d.lease);
    const std::int64_t count = delivery_count(m.envelope);
    if (m.finished == 0 && count == 0 && most_attempts(t) > 1) continue;
    attempts_.write_record(key_of(t, m), {.at = count + 1, .finished = m.finished + 1, .held = true}, records);
  }
  if (records.empty()) return to.answer->give(std::move(deliveries));
  for (const Delivery& d : deliveries) t.holdings.leased(d.lease)->settling = true;  // no lease ends meanwhile
  publisher_.publish({"",
                      names::returned(t.source),
                      Attempts::record(std::move(records)),
                      [this, inbox = inbox(), source = t.source, epoch = epoch_, deliveries = std::move(deliveries),
                       to](const Result<void>& result) {
                        const bool taken = inbox->post([this, source, epoch, deliveries, to, result] {
                          written(source, epoch, deliveries, to, result);
                        });
                        if (!taken) to.answer->give(std::vector<Delivery>());  // closing
                      },
                      {}});
}

void Consumer::written(const Source& source, std::uint64_t epoch, std::vector<Delivery> deliveries, const Waiter& to,
                       const Result<void>& result) {
  Tap& t = tap(source);
  const Instant now = Clock::now();
  std::erase_if(deliveries, [&](const Delivery& d) {
    Held* m = epoch == epoch_ ? t.holdings.leased(d.lease) : nullptr;
    if (m == nullptr) return true;  // the connection broke: it comes again
    m->settling = false;
    m->lease_ends = now + to.request.lease;
    const bool was_written = attempts_.knows(key_of(t, *m), delivery_count(m->envelope) + 1);
    if (result || !was_written) return false;
    attempts_.note(key_of(t, *m), untouched(*m));
    t.holdings.release(*m);
    m->ready = m->again = now + std::chrono::seconds(1);
    return true;
  });
  if (!deliveries.empty()) return to.answer->give(std::move(deliveries));
  to.answer->give(fail(result ? Error(away()).safe_to_retry() : result.error()));
}

void Consumer::sweep(Tap& t, Instant now) {
  const WallTime wall = clock_.now();
  std::vector<Held*> over;
  std::vector<Held*> expired;
  std::vector<Held*> used_up;
  std::vector<Held*> later;
  bool stale = false;
  const Duration old = address().consumer_timeout * 2 / 3;
  t.holdings.each([&](Held& m) {
    if (m.settling || m.again > now) return;
    if (!m.lease.empty()) {
      if (m.lease_ends <= now) over.push_back(&m);
    } else if (m.expires && *m.expires <= wall) {
      expired.push_back(&m);
    } else if (m.used_up) {
      used_up.push_back(&m);
    } else if (const auto due = m.envelope.time(headers::due); due && *due > wall + std::chrono::seconds(1)) {
      if (m.ready > now) later.push_back(&m);
    } else if (m.arrived + old < now) {
      stale = true;
    }
  });
  for (Held* m : over) end_lease(t, *m, now);
  for (Held* m : expired) bury(t, *m, std::string(expired_reason), nullptr);
  for (Held* m : used_up) bury(t, *m, used_up_text(m->finished), nullptr);
  for (Held* m : later) {
    const auto due = m->envelope.time(headers::due);
    retry_later(t, *m, due.value_or(wall), m->finished, nullptr);
  }
  if (stale) refresh(t, now);
  t.holdings.forget_comebacks(now - comeback_time);
}

void Consumer::upkeep(Tap& t, Instant now) {
  Connection* c = connection();
  if (c == nullptr) return;
  const bool looked_at = now < t.look_until;
  const bool wanted = !t.waiters.empty() || looked_at;
  if (wanted) t.wanted = now;
  if (t.tag.empty()) {
    if (t.giving_back) return;
    if (wanted) return begin(*c, t, now);
    if (now - t.wanted > idle_time) give_back(t);
    return;
  }
  if (t.giving_back) return;
  const Duration grace = t.consumer.keyed ? keyed_idle_time : idle_time;
  if (!wanted && now - t.wanted > grace && may_end(t)) return end(*c, t);
  if (now >= t.look_again) {
    t.look_again = now + look_time;
    const auto paused = c->count(records_channel, names::paused(t.source));
    t.paused = paused && *paused > 0;
  }
  if (t.paused && !looked_at && may_end(t)) return end(*c, t);
  if (t.paused) return;
  // All that this consumer may have is here, and it is not enough: a consumer with more room. (Keyed: never, as another
  // node would become the one consumer meanwhile.)
  if (wanted && !t.consumer.keyed && t.prefetch < t.consumer.in_flight &&
      static_cast<int>(t.holdings.count_of(t.generation)) >= t.prefetch) {
    met_later(c->cancel(t.channel, t.tag));
    t.tag.clear();
    t.prefetch = std::min(t.prefetch * 2, t.consumer.in_flight);
    t.look_again = Instant();
    begin(*c, t, now);
  }
}

Instant Consumer::turn(Instant now) {
  Instant next = Instant::max();
  for (auto& [name, t] : taps_) {
    sweep(*t, now);
    serve(*t, now);
    upkeep(*t, now);
    next = std::min(next, t->holdings.next_change(now));
    for (const Waiter& w : t->waiters) {
      if (!w.request.wait.is_never()) next = std::min(next, w.request.wait.when());
    }
    if (!t->waiters.empty() || !t->tag.empty()) next = std::min(next, std::max(t->look_again, now));
    if (!t->tag.empty()) next = std::min(next, now + std::chrono::seconds(1));
  }
  return next;
}

void Consumer::stopping() {
  const Error closing = Error(Code::unavailable, Blame::us, "RabbitMQ: closing").safe_to_retry();
  Connection* c = connection();
  for (auto& [name, t] : taps_) {
    fail_waiters(*t, closing);
    std::string records;
    t->holdings.each([&](const Held& m) {
      if (m.lease.empty()) {
        attempts_.write_record(key_of(*t, m), untouched(m), records);
      }
    });
    if (c == nullptr || records.empty()) continue;
    // What is unacknowledged goes back when the connection closes, just behind this.
    met_later(publisher_.publish_and_wait("", names::returned(t->source), Attempts::record(std::move(records))));
  }
}

}  // namespace parley::queue::rabbitmq
