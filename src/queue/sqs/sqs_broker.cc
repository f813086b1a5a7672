#include "queue/sqs/sqs_broker.h"

#include <algorithm>

#include <fmt/format.h>

#include "queue/sqs/fault.h"
#include "queue/sqs/shelves.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration longest_delay = minutes(15);  // DelaySeconds
constexpr Duration longest_kept = hours(24 * 14);
constexpr int receives_at_once = 8;

Error closing() { return Error(Code::unavailable, Blame::us, "the queues are being closed").with_reason("closing"); }

Error no_log() { return not_by_sqs("keeps no event that every group has: topics cannot be read or replayed there"); }

Duration left_of(Deadline deadline, Instant now) { return deadline.left(now).value_or(hours(1)); }

}  // namespace

SqsBroker::SqsBroker(Shard& shard, std::shared_ptr<Common> common)
    : shard_(shard),
      common_(std::move(common)),
      client_(shard, common_->settings, common_->clock),
      bench_{.shard = shard, .client = client_, .tasks = tasks_, .settings = common_->settings} {}

SqsBroker::~SqsBroker() = default;

Task<Result<Channel*>> SqsBroker::channel_of(Source source) {
  if (bench_.closing) co_return fail(closing());
  PlacePtr place = common_->directory.find(source);
  if (place == nullptr) {
    Result<PlacePtr> found = co_await look_up(client_, common_->settings, source);
    if (!found) co_return fail(std::move(found).error());
    place = std::move(*found);
    common_->directory.put(place);
  }
  std::unique_ptr<Channel>& channel = channels_[place->url];
  if (channel == nullptr) channel = std::make_unique<Channel>(bench_, common_->ledger, common_->clock, place);
  channel->update(place);
  co_return channel.get();
}

// ---- publishing

Task<Result<Receipt>> SqsBroker::publish(Publish request) {
  const Result<Channel*> found = co_await channel_of({.name = request.to, .group = ""});
  if (!found) co_return fail(found.error());
  Channel& channel = **found;
  const WallTime now = common_->clock.now();
  const QueueDeclaration& wanted = channel.place().wanted;
  Envelope envelope;
  envelope.message = std::move(request.message);
  envelope.due = request.due;
  envelope.expires = request.expires;
  if (!envelope.expires && wanted.ttl > Duration::zero())
    envelope.expires = now + std::chrono::floor<milliseconds>(wanted.ttl);
  const bool dedup = !request.dedup.empty() && wanted.dedup_window > Duration::zero();
  if (envelope.due && *envelope.due > now) {
    if (channel.place().topic) co_return fail(not_by_sqs("cannot put off an event"));
    if (dedup) co_return fail(not_by_sqs("cannot both put off a message and tell whether it was there before"));
    co_return co_await publish_later(channel, envelope);
  }
  envelope.due.reset();
  const Result<std::string> id = co_await channel.enqueue(envelope, dedup ? group_id(request.dedup, {}) : "", true);
  if (!id) co_return fail(id.error());
  // A message of a queue cannot be found by its id.
  Receipt receipt{.id = envelope.message.id, .position = channel.place().topic ? *id : ""};
  if (!dedup) co_return receipt;
  const auto first = common_->ledger.first_of(channel.place().url + '\n' + request.dedup,
                                              {.id = receipt.id, .message_id = *id}, shard_.now());
  if (first) {
    receipt.id = first->id;
    receipt.duplicate = true;
  }
  co_return receipt;
}

Task<Result<Receipt>> SqsBroker::publish_later(Channel& channel, const Envelope& envelope) {
  const Duration wait = time_until(*envelope.due, common_->clock.now());
  if (wait > longest_kept) {
    co_return fail(Error(Code::out_of_range, Blame::caller, "SQS keeps messages for 14 days: nothing can be due later")
                       .with_reason("due_too_late"));
  }
  const Result<std::string> id = co_await channel.later().send(
      envelope, {.delay = std::clamp(wait, Duration::zero(), longest_delay), .group = {}, .dedup = {}, .is_new = true});
  if (!id) co_return fail(id.error());
  co_return Receipt{.id = envelope.message.id, .position = ""};
}

// ---- leasing

// Whoever leases sees to it that there is something to lease: what falls due, the events of the group's topic.
Task<Result<void>> SqsBroker::start_feeding(Channel& channel) {
  const Place& place = channel.place();
  if (place.topic) co_return fail(invalid("a topic is leased from by a group").error());
  if (place.source.group.empty()) {
    if (claim(place.url)) tasks_.spawn(channel.move_due());
    co_return {};
  }
  const Result<Channel*> topic = co_await channel_of({.name = place.source.name, .group = ""});
  if (!topic) co_return fail(topic.error());
  if (!(*topic)->place().topic) co_return fail(invalid("a queue has no groups").error());
  if (claim((*topic)->place().url)) {
    relays_.push_back(std::make_unique<Relay>(bench_, common_->directory.find({place.source.name, ""})));
    tasks_.spawn(relays_.back()->run());
  }
  co_return {};
}

bool SqsBroker::claim(const std::string& url) {
  if (!common_->ledger.claim_mover(url)) return false;
  feeds_.push_back(url);
  return true;
}

Task<Result<std::vector<Delivery>>> SqsBroker::lease(LeaseRequest request) {
  const Result<Channel*> found = co_await channel_of(request.source);
  if (!found) co_return fail(found.error());
  Channel& channel = **found;
  if (const Result<void> fed = co_await start_feeding(channel); !fed) co_return fail(fed.error());
  const Ledger::Waiting waiting(common_->ledger, channel.place().label);
  for (;;) {
    const Result<bool> paused = co_await channel.is_paused();
    if (bench_.closing) co_return fail(closing());
    if (!paused) co_return fail(paused.error());
    if (bench_.draining) co_return std::vector<Delivery>{};
    const Duration left = left_of(request.wait, shard_.now());
    const Duration wait = std::min(left, common_->settings.poll);
    if (!*paused) {
      Result<std::vector<Delivery>> got = co_await receive(channel, request, wait);
      if (!got || !got->empty()) co_return got;
    }
    if (request.wait.passed(shard_.now())) co_return std::vector<Delivery>{};
    // SQS waits for whole seconds only; and a pause ends without a word.
    if (*paused || wait < seconds(1)) co_await shard_.sleep(std::min<Duration>(left, milliseconds(200)));
  }
}

// A question on its way, which may be answered when nobody waits for it any more.
struct SqsBroker::Poll {
  std::optional<Result<std::vector<Received>>> got;
  bool abandoned = false;
};

// Not given up when nobody waits any more: SQS would give messages to a connection that is gone, and they would be
// hidden until the lease runs out.
Task<void> SqsBroker::poll(Channel& channel, Part::Receive how, std::shared_ptr<Poll> to) {
  to->got = co_await channel.main().receive(how);
  if (to->abandoned) {
    if (*to->got) co_await channel.put_back_all(std::move(**to->got));
  } else {
    bench_.changed.notify();
  }
}

Task<Result<std::vector<Received>>> SqsBroker::receive_first(Channel& channel, Part::Receive how) {
  auto poll = std::make_shared<Poll>();
  tasks_.spawn(this->poll(channel, how, poll));
  while (!poll->got && !bench_.draining) co_await bench_.changed.wait();
  if (poll->got) co_return std::move(*poll->got);
  poll->abandoned = true;
  if (bench_.closing) co_return fail(closing());
  co_return std::vector<Received>{};
}

// SQS counts in messages only: as many as would fit if each were as large as can be.
Task<Result<std::vector<Delivery>>> SqsBroker::receive(Channel& channel, const LeaseRequest& request, Duration wait) {
  const auto room = [&](std::size_t bytes) {
    return request.max_bytes > bytes ? (request.max_bytes - bytes) / common_->settings.max_message : 0;
  };
  // Of a keyed queue one: SQS would give several of a group, and the others would have to wait for the first in our
  // hands, under a lease that has begun.
  const int most = channel.place().keyed ? 1 : 10;
  const int first = static_cast<int>(std::clamp<std::size_t>(room(0), 1, static_cast<std::size_t>(most)));
  Part::Receive how{.most = std::min(first, request.max_messages), .wait = wait, .hidden = request.lease};
  Result<std::vector<Received>> got = co_await receive_first(channel, how);
  if (!got) co_return fail(std::move(got).error());
  if (common_->ledger.paused(channel.place().label, shard_.now()).value_or(false)) {  // in the meantime
    co_await channel.put_back_all(std::move(*got));
    co_return std::vector<Delivery>{};
  }
  const bool may_be_more = static_cast<int>(got->size()) == how.most;
  std::vector<Delivery> out;
  std::size_t bytes = 0;
  for (Received& each : *got) {
    bytes += each.body.size();
    if (auto delivery = co_await channel.hand_out(std::move(each), request.lease)) out.push_back(std::move(*delivery));
  }
  int more = std::min(request.max_messages - static_cast<int>(got->size()), static_cast<int>(room(bytes)));
  if (!may_be_more || more <= 0) co_return out;
  how.wait = {};
  TaskGroup receiving;
  for (int i = 0; i < receives_at_once && more > 0; ++i, more -= how.most) {
    how.most = std::min(most, more);
    receiving.spawn(receive_more(channel, how, out));
  }
  co_await receiving.join();
  co_return out;
}

// What cannot be had now will be next time.
Task<void> SqsBroker::receive_more(Channel& channel, Part::Receive how, std::vector<Delivery>& to) {
  Result<std::vector<Received>> got = co_await channel.main().receive(how);
  if (!got) co_return;
  for (Received& each : *got) {
    if (auto delivery = co_await channel.hand_out(std::move(each), how.hidden)) to.push_back(std::move(*delivery));
  }
}

// ---- settling

Task<Result<void>> SqsBroker::extend(Source source, std::string lease, Duration by) {
  const Result<Channel*> channel = co_await channel_of(source);
  if (!channel) co_return fail(channel.error());
  const Ledger::Found found = common_->ledger.find(lease, shard_.now());
  if (found.receipt.empty()) co_return fail(lease_lost("the lease has run out, or was settled"));
  const Instant until = shard_.now() + seconds(whole_seconds(by));
  ++extending_[lease];
  const Result<void> hidden = co_await (*channel)->main().hide(found.receipt, by);
  if (--extending_[lease] == 0) extending_.erase(lease);
  extended_.notify();
  if (hidden) common_->ledger.extend(lease, until);
  co_return hidden;
}

Task<Result<void>> SqsBroker::settle(Source source, std::string lease, Settlement how) {
  const Result<Channel*> channel = co_await channel_of(source);
  if (!channel) co_return fail(channel.error());
  // One that came late would hide what is put back.
  while (extending_.contains(lease)) co_await extended_.wait();
  const Ledger::Found found = common_->ledger.find(lease, shard_.now());
  if (found.lease == nullptr && !found.receipt.empty())
    co_return co_await settle_foreign(**channel, found.receipt, how);
  if (found.lease == nullptr || found.lease->queue != (*channel)->place().label || !common_->ledger.take(lease))
    co_return fail(lease_lost("the lease has run out, or was settled"));
  const Result<void> settled = co_await settle_known(**channel, *found.lease, how);
  if (settled || is_lease_lost(settled.error())) {
    common_->ledger.forget(lease);
  } else {
    common_->ledger.give_back(lease);
  }
  co_return settled;
}

Task<Result<void>> SqsBroker::settle_known(Channel& channel, const Lease& lease, const Settlement& how) {
  switch (how.kind) {
    case Settlement::Kind::done: co_return co_await channel.main().remove(lease.receipt);
    case Settlement::Kind::retry:
      // SQS would refuse more, and the message would be back as soon as its lease ends.
      co_return co_await channel.main().hide(lease.receipt, std::min(how.delay, lease.may_hide(shard_.now())));
    case Settlement::Kind::release:
      co_return co_await channel.put_back(lease.envelope, lease.attempt, lease.message_id, lease.receipt);
    case Settlement::Kind::dead: break;
  }
  co_return co_await channel.bury(lease.envelope, lease.attempt, how.reason, lease.receipt);
}

// A lease of another process, or of this one before it was restarted: all that is left of it is SQS' own receipt.
Task<Result<void>> SqsBroker::settle_foreign(Channel& channel, std::string receipt, const Settlement& how) {
  switch (how.kind) {
    case Settlement::Kind::done: co_return co_await channel.main().remove(std::move(receipt));
    case Settlement::Kind::retry: co_return co_await channel.main().hide(std::move(receipt), how.delay);
    case Settlement::Kind::release: co_return co_await channel.main().hide(std::move(receipt), Duration::zero());
    case Settlement::Kind::dead: break;
  }
  co_return fail(Error(Code::failed_precondition, Blame::caller,
                       "SQS gives a message to the dead letters only through the node that leased it")
                     .with_reason("leased_elsewhere"));
}

// ---- looking after queues

Task<Result<std::vector<Peeked>>> SqsBroker::peek(PeekRequest request) {
  const Result<Channel*> channel = co_await channel_of(request.source);
  if (!channel) co_return fail(channel.error());
  if ((*channel)->place().topic) co_return fail(no_log());
  co_return co_await sqs::peek(**channel, common_->ledger, std::move(request));
}

Task<Result<std::uint64_t>> SqsBroker::redrive(Source source, std::vector<Position> which) {
  const Result<Channel*> channel = co_await channel_of(source);
  if (!channel) co_return fail(channel.error());
  if ((*channel)->place().topic) co_return fail(no_log());
  co_return co_await sqs::redrive(**channel, common_->clock, std::move(which));
}

Task<Result<std::uint64_t>> SqsBroker::purge(Source source, Shelf shelf) {
  const Result<Channel*> channel = co_await channel_of(source);
  if (!channel) co_return fail(channel.error());
  if ((*channel)->place().topic) co_return fail(no_log());
  co_return co_await sqs::purge(bench_, **channel, common_->clock, shelf);
}

Task<Result<void>> SqsBroker::pause(Source source, bool paused) {
  const Result<Channel*> channel = co_await channel_of(source);
  if (!channel) co_return fail(channel.error());
  co_return co_await (*channel)->pause(paused);
}

Task<Result<Stats>> SqsBroker::stats(Source source) {
  const Result<Channel*> channel = co_await channel_of(source);
  if (!channel) co_return fail(channel.error());
  co_return co_await sqs::stats(**channel);
}

// ---- topics

Task<Result<Events>> SqsBroker::read(ReadRequest /*request*/) { co_return fail(no_log()); }
Task<Result<void>> SqsBroker::commit(Source /*source*/, From /*to*/) { co_return fail(no_log()); }
Task<Result<Position>> SqsBroker::checkpoint(Source /*source*/) { co_return fail(no_log()); }

void SqsBroker::stop_leasing() {
  bench_.draining = true;
  bench_.changed.notify();
}

Task<void> SqsBroker::close() {
  bench_.closing = true;
  stop_leasing();
  // Questions end by themselves; what does not is cut off.
  Timer patience([](void* client) { static_cast<Client*>(client)->close(); }, &client_);
  patience.set(shard_.timers(), Deadline::after(shard_.now(), common_->settings.poll + seconds(3)));
  co_await tasks_.join();
  client_.close();
  for (const std::string& url : feeds_) common_->ledger.leave_mover(url);
  feeds_.clear();
}

}  // namespace parley::queue::sqs
