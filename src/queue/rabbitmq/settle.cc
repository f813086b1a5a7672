// Consumer, the part that carries out how deliveries end.
#include <algorithm>

#include "queue/rabbitmq/consumer.h"
#include "queue/rabbitmq/names.h"
#include "queue/retry.h"

namespace parley::queue::rabbitmq {
namespace {

// RabbitMQ's frames have 128 KiB; the rest is for what it notes in the headers on the way through the delay queues.
constexpr std::size_t most_headers = 120'000;

std::int64_t milliseconds(WallTime t) { return t.time_since_epoch().count(); }

}  // namespace

void Consumer::settle_now(const Source& source, const std::string& lease, const Settlement& how,
                          const std::shared_ptr<Answer<void>>& answer) {
  Held* held = leased(source, lease);
  Connection* c = connection();
  if (held == nullptr || held->settling || c == nullptr) return answer->give(fail(lease_lost()));
  Tap& t = tap(source);
  switch (how.kind) {
    case Settlement::Kind::done: {
      auto acked = c->ack(t.channel, held->tag);
      if (!acked) return answer->give(std::move(acked));
      attempts_.forget(key_of(t, *held));
      t.holdings.remove(*held);
      return answer->give({});
    }
    case Settlement::Kind::release:
      t.holdings.release(*held);
      if (t.tag.empty()) give_back(t);
      return answer->give({});
    case Settlement::Kind::retry:
      if (t.consumer.keyed) return retry_keyed(t, *held, how.delay, answer);
      return retry_later(t, *held, clock_.now() + std::chrono::ceil<std::chrono::milliseconds>(how.delay),
                         held->finished + 1, answer);
    case Settlement::Kind::dead: return bury(t, *held, how.reason, answer);
  }
}

void Consumer::retry_keyed(Tap& t, Held& held, Duration delay, std::shared_ptr<Answer<void>> answer) {
  // If the process ends, RabbitMQ delivers it again, with a higher count: the attempts will be known then.
  std::string record;
  const AttemptNote note{.at = delivery_count(held.envelope) + 1, .finished = held.finished + 1, .held = false};
  attempts_.write_record(key_of(t, held), note, record);
  held.settling = true;
  publish_then("", names::returned(t.source), Attempts::record(std::move(record)), t, held, std::move(answer),
               [delay](Tap& at, Held& m) { at.holdings.retry(m, Clock::now() + delay); });
}

void Consumer::retry_later(Tap& t, Held& held, WallTime due, std::int64_t finished,
                           const std::shared_ptr<Answer<void>>& answer) {
  Envelope next = held.envelope;
  std::erase_if(next.headers, [](const Header& h) { return is_rabbitmqs(h.name); });
  next.set(headers::attempts, finished);
  next.set(headers::due, milliseconds(due));
  next.expiration.clear();  // it would be counted anew; `parley-expires` stays
  if (held.expires) next.set(headers::expires, milliseconds(*held.expires));
  const std::string exchange = delay_exchange(time_until(due, clock_.now()));
  attempts_.forget(key_of(t, held));
  replace(t, held, exchange, names::queue(t.source), std::move(next), answer);
}

void Consumer::bury(Tap& t, Held& held, const std::string& reason, const std::shared_ptr<Answer<void>>& answer) {
  Envelope dead = held.envelope;
  std::erase_if(dead.headers, [](const Header& h) { return is_rabbitmqs(h.name); });
  dead.set(headers::attempts, held.finished + (held.lease.empty() ? 0 : 1));
  dead.set(headers::reason, reason);
  dead.set(headers::dead_since, milliseconds(clock_.now()));
  dead.remove(headers::due);
  dead.expiration.clear();
  replace(t, held, "", names::dead(t.source), std::move(dead), answer);
}

void Consumer::replace(Tap& t, Held& held, std::string to_exchange, std::string to_key, Envelope successor,
                       std::shared_ptr<Answer<void>> answer) {
  fit_headers(successor, most_headers);
  publish_then(std::move(to_exchange), std::move(to_key), std::move(successor), t, held, std::move(answer),
               [this](Tap& at, Held& m) {
                 if (Connection* c = connection()) met_later(c->ack(at.channel, m.tag));
                 at.holdings.remove(m);
               });
}

void Consumer::publish_then(std::string exchange, std::string key, Envelope message, Tap& t, Held& held,
                            std::shared_ptr<Answer<void>> answer, std::function<void(Tap&, Held&)> then) {
  held.settling = true;
  publisher_.publish({std::move(exchange),
                      std::move(key),
                      std::move(message),
                      [this, to = inbox(), source = t.source, order = held.order, epoch = epoch_,
                       answer = std::move(answer), then = std::move(then)](const Result<void>& published) {
                        const bool taken = to->post([this, source, order, epoch, published, answer, then] {
                          this->published(source, order, epoch, published, answer, then);
                        });
                        if (!taken && answer) answer->give(fail(lease_lost()));
                      },
                      {}});
}

void Consumer::published(const Source& source, std::uint64_t order, std::uint64_t epoch, const Result<void>& result,
                         const std::shared_ptr<Answer<void>>& answer, const std::function<void(Tap&, Held&)>& then) {
  Tap& t = tap(source);
  Held* held = epoch == epoch_ && connection() != nullptr ? t.holdings.settling(order) : nullptr;
  if (held == nullptr) {  // RabbitMQ delivers it again: if its successor is there, twice
    if (answer) answer->give(fail(lease_lost()));
    return;
  }
  held->settling = false;
  if (result) {
    then(t, *held);
  } else {
    held->again = Clock::now() + std::chrono::seconds(1);  // to be swept again, not at once
    if (held->lease.empty()) held->ready = std::max(held->ready, held->again);
  }
  if (answer) answer->give(result);
}

void Consumer::end_lease(Tap& t, Held& m, Instant now) {
  if (m.finished + 1 >= most_attempts(t)) return bury(t, m, used_up_text(m.finished + 1), nullptr);
  if (t.consumer.keyed) return retry_keyed(t, m, Duration(), nullptr);
  Connection* c = connection();
  if (c == nullptr) return;
  attempts_.note(key_of(t, m), {.at = delivery_count(m.envelope) + 1, .finished = m.finished + 1, .held = false});
  met_later(c->requeue(t.channel, m.tag));
  t.holdings.send_back(m, now, now);
}

void Consumer::refresh(Tap& t, Instant now) {
  std::vector<Held*> back;
  t.holdings.each([&](Held& m) {
    if (m.lease.empty() && !m.settling) back.push_back(&m);
  });
  for (Held* m : back) {
    Connection* c = connection();
    if (c == nullptr) return;
    attempts_.note(key_of(t, *m), untouched(*m));
    met_later(c->requeue(t.channel, m->tag));
    t.holdings.send_back(*m, m->ready, now);
  }
}

}  // namespace parley::queue::rabbitmq
