#include "edge/deliveries/intake.h"

#include <algorithm>
#include <exception>

#include "base/fail_point.h"
#include "base/log.h"
#include "edge/deliveries/payload.h"
#include "queue/retry.h"

namespace parley::edge::deliveries {
namespace {

using namespace std::chrono_literals;
using queue::Settlement;

constexpr Duration first_pause = 100ms;  // where the broker or the service fails
constexpr Duration settle_pause = 200ms;
constexpr Duration tell_every = 10s;

// Literals: telemetry tells edges apart by their address.
constexpr std::string_view queue_edge = "queue";
constexpr std::string_view topic_edge = "topic";

bool is_lease_lost(const Error& error) { return error.code() == Code::failed_precondition; }

std::string text_of(const queue::Source& source) {
  return source.group.empty() ? source.name : source.name + " (group " + source.group + ")";
}

// A backend that meets a bug fails this once, as one that is away: what delivers goes on.
template <class T>
Task<Result<T>> or_bug(Task<Result<T>> asked) {
  try {
    co_return co_await std::move(asked);
  } catch (const std::exception& e) {
    log::error("the backend of the messages threw: {}", e.what());
    co_return fail(Error(Code::internal, Blame::us, "the backend met a bug").with_reason("exception"));
  }
}

}  // namespace

std::string_view name(Outcome outcome) {
  constexpr std::array<std::string_view, outcome_count> names = {"done",     "skipped",    "retry",    "dead",
                                                                 "released", "lease_lost", "unsettled"};
  return names[static_cast<std::size_t>(outcome)];
}

Intake::Intake(Shard& shard, queue::Broker& broker, IntakeConfig config, const DeliveryEdgeOptions& options,
               IntakeMetrics& metrics)
    : shard_(shard),
      broker_(broker),
      config_(std::move(config)),
      options_(options),
      metrics_(metrics),
      random_(options.seed),
      beat_([](void* self) { static_cast<Intake*>(self)->beat(); }, this),
      wake_([](void* self) { static_cast<Intake*>(self)->woken_.notify(); }, this) {}

void Intake::update(IntakeConfig config) {
  config_ = std::move(config);
  beat_.clear();
  beat_later();
  woken_.notify();
}

void Intake::stop() {
  stopping_ = true;
  woken_.notify();
}

void Intake::give_back() {
  const std::vector<HeldPtr> all = held_;  // whose call ends puts itself down
  for (const HeldPtr& held : all) {
    held->given_back = true;
    if (held->call == nullptr) continue;
    held->call->cancel(
        Error(Code::cancelled, Blame::us, "Parley stops; the message is delivered again").with_reason("draining"));
  }
  woken_.notify();
}

// ---- leasing

Task<void> Intake::wait_until(Instant when) {
  wake_.set(shard_.timers(), Deadline::at(when));
  co_await woken_.wait();
}

// After calls that reached nobody, one message at a time tries whether somebody is there again. Those that are under
// way since before say nothing of that: they may take as long as their timeout.
int Intake::room() const {
  const int free = std::max(0, config_.in_flight - static_cast<int>(held_.size()));
  if (service_failures_ == 0) return free;
  return std::ranges::any_of(held_, [](const HeldPtr& held) { return held->is_trial; }) ? 0 : std::min(1, free);
}

Task<void> Intake::lease_loop() {
  while (!stopping_) {
    if (shard_.now() < paused_until_) {
      co_await wait_until(paused_until_);
      continue;
    }
    if (room() == 0) {
      co_await woken_.wait();
      continue;
    }
    const Instant asked = shard_.now();
    const Duration lease = config_.lease;  // a reload may come while the broker waits
    queue::LeaseRequest request{.source = config_.source,
                                .max_messages = room(),
                                .lease = lease,
                                .wait = Deadline::after(asked, options_.lease_wait)};
    auto leased = co_await or_bug(broker_.lease(std::move(request)));
    if (!leased) {
      lease_failed(leased.error());
      continue;
    }
    if (broker_failures_ > 0) log::info("{}: messages can be taken again", text_of(config_.source));
    broker_failures_ = 0;
    // A broker that does not wait must not keep the shard busy.
    if (leased->empty() && shard_.now() < asked + first_pause) paused_until_ = asked + first_pause;
    take(*std::move(leased), lease);
  }
}

void Intake::lease_failed(const Error& why) {
  if (stopping_) return;
  ++broker_failures_;
  if (broker_failures_ == 1) log::warn("{}: no messages can be taken: {}", text_of(config_.source), why.text());
  const queue::RetryPolicy policy{.attempts = 0, .first = first_pause, .max = options_.broker_pause, .fatal = {}};
  paused_until_ = shard_.now() + queue::back_off(policy, broker_failures_, random_());
}

void Intake::take(std::vector<queue::Delivery> deliveries, Duration lease) {
  for (queue::Delivery& delivery : deliveries) {
    auto held = std::make_shared<Held>();
    held->delivery = std::move(delivery);
    held->lease = lease;
    held->since = shard_.now();
    held->place = held_.size();
    held->given_back = stopping_;
    held->is_trial = service_failures_ > 0;
    held_.push_back(held);
    ++metrics_.in_flight;
    tasks_.spawn(deliver(std::move(held)));
  }
  beat_later();
}

void Intake::put_down(const Held& held) {
  held_[held.place] = held_.back();
  held_[held.place]->place = held.place;
  held_.pop_back();
  --metrics_.in_flight;
  woken_.notify();
}

// ---- one delivery

Task<void> Intake::deliver(HeldPtr held) {
  fail_point("delivery_leased");
  Ending ending = held->given_back ? Ending{Outcome::released, {.kind = Settlement::Kind::release, .reason = {}}}
                                   : co_await handle(*held);
  fail_point("delivery_handled");
  const Outcome outcome = co_await settle(*held, std::move(ending));
  fail_point("delivery_settled");
  ++metrics_.ended[static_cast<std::size_t>(outcome)];
  put_down(*held);
}

Intake::Ending Intake::dead(const Error& why) {
  return {Outcome::dead, {.kind = Settlement::Kind::dead, .delay = {}, .reason = queue::reason_text(why)}};
}

Task<Intake::Ending> Intake::handle(Held& held) {
  const queue::Message& message = held.delivery.message;
  if (held.delivery.malformed) co_return dead(*held.delivery.malformed);
  const bool takes_all = config_.source.group.empty() || (message.type.empty() && config_.receivers.size() == 1);
  const auto at = std::ranges::find_if(config_.receivers, [&](const ReceiverPtr& r) {
    return takes_all || r->method->input->full_name() == message.type;
  });
  if (at == config_.receivers.end()) {
    if (!message.type.empty()) co_return Ending{Outcome::skipped, {}};
    co_return dead(
        Error(Code::invalid_argument, Blame::caller, "the event does not say its type, and the group takes several")
            .with_reason("malformed_message"));
  }
  auto request = request_of(message, *(*at)->method->input);
  if (!request) co_return dead(request.error());
  co_return co_await call(held, *at, *std::move(request));
}

Task<Intake::Ending> Intake::call(Held& held, ReceiverPtr receiver, Bytes request) {
  Call call(receiver->contract, *receiver->method, config_.source.group.empty() ? queue_edge : topic_edge);
  call.metadata = metadata_of(held.delivery, config_.source);
  call.replies.discard();  // nobody waits for what the handler says
  call.set_deadline_text("the handler took longer than the timeout of its option");
  call.set_deadline(Deadline::after(shard_.now(), receiver->timeout));
  call.requests.push(std::move(request));
  call.requests.end();
  held.call = &call;
  co_await answer(*receiver->handler, call);
  held.call = nullptr;
  co_return ending_of(held, call, *receiver);
}

Intake::Ending Intake::ending_of(const Held& held, const Call& call, const Receiver& receiver) {
  const Error* status = call.status();
  if (held.lost) return {Outcome::lease_lost, {}};
  Ending release{Outcome::released, {.kind = Settlement::Kind::release, .delay = {}, .reason = {}}};
  if (held.given_back && call.cancelled()) return release;
  if (status != nullptr && status->is_safe_to_retry()) {
    service_unreachable(*status);
    return release;
  }
  service_answered();
  Settlement how = queue::settlement_of(status, held.delivery.attempt, receiver.retry, random_());
  switch (how.kind) {
    case Settlement::Kind::retry: return {Outcome::retry, std::move(how)};
    case Settlement::Kind::dead: return {Outcome::dead, std::move(how)};
    default: return {Outcome::done, std::move(how)};
  }
}

// A broker that cannot be told is asked again for as long as the lease holds: else what was handled is handled twice.
Task<Outcome> Intake::settle(Held& held, Ending ending) {
  if (ending.outcome == Outcome::lease_lost) co_return ending.outcome;
  held.settling = true;
  const Deadline end = Deadline::after(held.since, held.lease);
  for (;;) {
    auto settled = co_await or_bug(broker_.settle(config_.source, held.delivery.lease, ending.how));
    if (settled) {
      if (ending.outcome == Outcome::dead) tell_dead(held, ending);
      co_return ending.outcome;
    }
    if (is_lease_lost(settled.error())) co_return Outcome::lease_lost;
    if (end.passed(shard_.now() + settle_pause) || held.given_back) {
      log::warn("{}: message {} could not be settled: {}", text_of(config_.source), held.delivery.message.id,
                settled.error().text());
      co_return Outcome::unsettled;
    }
    co_await shard_.sleep(settle_pause);
  }
}

void Intake::tell_dead(const Held& held, const Ending& ending) {
  ++untold_dead_;
  if (told_dead_ != Instant{} && shard_.now() < told_dead_ + tell_every) return;
  told_dead_ = shard_.now();
  log::warn("{}: {} to the dead letters, the last one {}: {}", text_of(config_.source), untold_dead_,
            held.delivery.message.id, ending.how.reason);
  untold_dead_ = 0;
}

// Nothing was processed, so it was no attempt. All that comes would meet the same: the source waits.
void Intake::service_unreachable(const Error& why) {
  if (shard_.now() < paused_until_) return;  // one of many that failed together
  ++service_failures_;
  if (service_failures_ == 1)
    log::warn("{}: the service cannot be reached, messages wait: {}", text_of(config_.source), why.text());
  const queue::RetryPolicy policy{.attempts = 0, .first = first_pause, .max = options_.service_pause, .fatal = {}};
  paused_until_ = shard_.now() + queue::back_off(policy, service_failures_, random_());
}

void Intake::service_answered() {
  if (service_failures_ == 0) return;
  service_failures_ = 0;
  for (const HeldPtr& held : held_) held->is_trial = false;
  paused_until_ = {};
  log::info("{}: the service answers again", text_of(config_.source));
  woken_.notify();
}

// ---- leases

void Intake::beat_later() {
  if (held_.empty() || beat_.is_set()) return;
  Duration shortest = config_.lease;  // what was leased before a reload has the lease of that time
  for (const HeldPtr& held : held_) shortest = std::min(shortest, held->lease);
  beat_.set(shard_.timers(), Deadline::after(shard_.now(), shortest / 6));
}

// Looks at every lease once in a sixth of the shortest one's time, and extends those of a third and more.
void Intake::beat() {
  for (const HeldPtr& held : held_) {
    const bool is_due = shard_.now() - held->since >= held->lease / 3;
    if (is_due && !held->extending && !held->settling && !held->lost) tasks_.spawn(extend(held));
  }
  beat_later();
}

Task<void> Intake::extend(HeldPtr held) {
  held->extending = true;
  co_await shard_.sleep(Duration::zero());  // `beat` walks over what a broker that answers at once may change
  const Instant asked = shard_.now();
  auto extended = co_await or_bug(broker_.extend(config_.source, held->delivery.lease, held->lease));
  held->extending = false;
  if (extended) {
    held->since = asked;
  } else if (is_lease_lost(extended.error()) || shard_.now() >= held->since + held->lease) {
    lose(*held);
  }
}

void Intake::lose(Held& held) {
  if (held.settling) return;
  held.lost = true;
  log::warn("{}: the lease of message {} is lost; its call ends", text_of(config_.source), held.delivery.message.id);
  if (held.call != nullptr)
    held.call->cancel(Error(Code::aborted, Blame::us, "the lease of the message is lost").with_reason("lease_lost"));
}

}  // namespace parley::edge::deliveries
