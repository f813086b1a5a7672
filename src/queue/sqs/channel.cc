#include "queue/sqs/channel.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "queue/retry.h"
#include "queue/sqs/fault.h"
#include "queue/sqs/json_writer.h"
#include "queue/sqs/looks.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::seconds;

constexpr std::string_view pause_tag = "parley-paused";
constexpr std::string_view looks_tag = "parley-looks";
// How long a look at the tag counts; SQS itself takes up to a minute to show a changed tag to everybody.
constexpr Duration tag_counts = seconds(5);
constexpr Duration own_pause_counts = seconds(60);
constexpr std::size_t longest_reason = 1024;

int receive_count(const Received& received) {
  const auto at = received.system.find("ApproximateReceiveCount");
  int out = 1;
  if (at != received.system.end()) std::from_chars(at->second.data(), at->second.data() + at->second.size(), out);
  return out;
}

}  // namespace

Channel::Channel(Workbench& bench, Ledger& ledger, const WallClock& clock, PlacePtr place)
    : bench_(bench),
      ledger_(ledger),
      clock_(clock),
      place_(std::move(place)),
      main_(bench, place_->url, place_->fifo),
      dead_(bench, place_->dead_url, false),
      later_(bench, place_->later_url, false) {}

Task<Result<std::string>> Channel::enqueue(const Envelope& envelope, std::string dedup, bool is_new) {
  const std::string_view key = place_->keyed ? std::string_view(envelope.message.key) : std::string_view();
  Part::Send how{.delay = {}, .group = group_id(key, envelope.message.id), .dedup = std::move(dedup), .is_new = is_new};
  co_return co_await main_.send(envelope, std::move(how));
}

// First there, then not here: what stops in between is there twice, and not lost.
Task<Result<void>> Channel::bury(Envelope envelope, int attempts, std::string reason, std::string receipt) {
  envelope.attempts = attempts;
  envelope.reason = std::move(reason);
  if (envelope.reason.size() > longest_reason) envelope.reason.resize(longest_reason);
  envelope.since = now();
  const Result<std::string> sent = co_await dead_.send(envelope, {});
  if (!sent) co_return fail(sent.error());
  co_return co_await main_.remove(std::move(receipt));
}

Task<Result<void>> Channel::put_back(Envelope envelope, int attempt, std::string message_id, std::string receipt) {
  if (place_->fifo) {  // a new message would be behind its followers
    ledger_.not_counted(message_id);
    co_return co_await main_.hide(std::move(receipt), Duration::zero());
  }
  envelope.attempts = attempt - 1;
  const Result<std::string> sent = co_await enqueue(envelope);
  if (!sent) co_return fail(sent.error());
  co_return co_await main_.remove(std::move(receipt));
}

int Channel::attempt_of(const Received& received, const Envelope& envelope) const {
  return std::max(1, envelope.attempts + receive_count(received) - ledger_.not_counted_of(received.message_id));
}

Task<void> Channel::put_back_all(std::vector<Received> received) {
  for (Received& each : received) {
    Envelope envelope = decode(each).envelope;
    const int attempt = attempt_of(each, envelope);
    const Result<void> back = co_await put_back(std::move(envelope), attempt, each.message_id, each.receipt);
    if (!back) log::warn("queue {}: a message waits for its lease to run out: {}", place_->label, back.error().text());
  }
}

Task<std::optional<Delivery>> Channel::hand_out(Received received, Duration hidden) {
  const Instant until = bench_.shard.now() + seconds(whole_seconds(hidden));
  Decoded decoded = decode(received);
  Envelope& envelope = decoded.envelope;
  const int attempt = attempt_of(received, envelope);
  const Duration ttl = place_->wanted.ttl;
  if (!envelope.expires && ttl > Duration::zero())
    envelope.expires = envelope.message.time + std::chrono::floor<std::chrono::milliseconds>(ttl);
  if (envelope.expires && *envelope.expires <= now()) {
    const Result<void> buried =
        co_await bury(envelope, attempt - 1, "DEADLINE_EXCEEDED (expired): nobody took it in time", received.receipt);
    if (!buried) log::warn("queue {}: an expired message stays for now: {}", place_->label, buried.error().text());
    co_return std::nullopt;
  }
  const Result<std::optional<int>> attempts = co_await used_up(received, envelope);
  if (!attempts || *attempts) {
    Result<void> buried;
    if (attempts) {
      buried = co_await bury(envelope, **attempts, used_up_text(**attempts), received.receipt);
    } else {
      buried = fail(attempts.error());
    }
    if (!buried)
      log::warn("queue {}: a message that was tried too often stays: {}", place_->label, buried.error().text());
    co_return std::nullopt;
  }
  auto lease = std::make_shared<Lease>(Lease{.queue = place_->label,
                                             .receipt = received.receipt,
                                             .message_id = received.message_id,
                                             .envelope = envelope,
                                             .attempt = attempt,
                                             .until = until,
                                             .received = bench_.shard.now()});
  Delivery out;
  out.message = std::move(envelope.message);
  out.position = position_of(received);
  out.attempt = attempt;
  out.malformed = std::move(decoded.malformed);
  out.lease = ledger_.lend(std::move(lease), bench_.shard.now());
  co_return out;
}

Task<Result<std::optional<int>>> Channel::used_up(const Received& received, const Envelope& envelope) {
  const int most = std::max(1, place_->wanted.consumer.retry.attempts);
  if (attempt_of(received, envelope) <= most) co_return std::nullopt;
  const auto all = co_await tags();
  if (!all) co_return fail(all.error());
  const auto looks = all->find(std::string(looks_tag));
  const int looked = looks == all->end() ? 0 : looks_since(looks->second, day_of(sent_at(received)));
  // Those of this process may be among them.
  const int no_attempts = std::max(looked, ledger_.not_counted_of(received.message_id));
  const int before = envelope.attempts + receive_count(received) - 1 - no_attempts;
  co_return before >= most ? std::optional(before) : std::nullopt;
}

Task<Result<void>> Channel::note_look() {
  const auto all = co_await tags();
  if (!all) co_return fail(all.error());
  const auto looks = all->find(std::string(looks_tag));
  const std::string more =
      with_look(looks == all->end() ? "" : looks->second, day_of(now().time_since_epoch().count()));
  JsonWriter json;
  json.begin().text("QueueUrl", place_->url).begin("Tags").text(looks_tag, more).end();
  const Result<std::string> answer = co_await bench_.client.call("TagQueue", json.end().take());
  if (!answer) co_return fail(answer.error());
  co_return {};
}

Task<Result<std::map<std::string, std::string>>> Channel::tags() {
  const Result<std::string> answer =
      co_await bench_.client.call("ListQueueTags", JsonWriter().begin().text("QueueUrl", place_->url).end().take());
  if (!answer) co_return fail(answer.error());
  co_return read_texts(*answer, "Tags");
}

Task<Result<bool>> Channel::is_paused() {
  if (const std::optional<bool> known = ledger_.paused(place_->label, bench_.shard.now())) co_return *known;
  const auto tags = co_await this->tags();
  if (!tags) co_return fail(tags.error());
  const bool paused = tags->contains(std::string(pause_tag));
  ledger_.set_paused(place_->label, paused, bench_.shard.now() + tag_counts);
  co_return paused;
}

Task<Result<void>> Channel::pause(bool paused) {
  JsonWriter json;
  json.begin().text("QueueUrl", place_->url);
  if (paused) {
    json.begin("Tags").text(pause_tag, "true").end();
  } else {
    json.begin_list("TagKeys").text(pause_tag).end_list();
  }
  const Result<std::string> answer = co_await bench_.client.call(paused ? "TagQueue" : "UntagQueue", json.end().take());
  if (!answer) co_return fail(answer.error());
  ledger_.set_paused(place_->label, paused, bench_.shard.now() + own_pause_counts);
  co_return {};
}

Task<void> Channel::move_due() {
  while (!bench_.closing) {
    Result<std::vector<Received>> due =
        co_await later_.receive({.most = 10, .wait = bench_.settings.poll, .hidden = seconds(60)});
    if (!due) {
      if (bench_.closing) co_return;
      log::warn("queue {}: what falls due cannot be moved for now: {}", place_->label, due.error().text());
      for (int i = 0; i < 40 && !bench_.closing; ++i) co_await bench_.shard.sleep(std::chrono::milliseconds(50));
      continue;
    }
    for (Received& each : *due) {
      const std::string id = each.message_id;
      if (const Result<void> moved = co_await move_one(std::move(each)); !moved && !bench_.closing)
        log::warn("queue {}: message {} could not be moved when due: {}", place_->label, id, moved.error().text());
    }
  }
}

Task<Result<void>> Channel::move_one(Received received) {
  Decoded decoded = decode(received);
  const WallTime at = now();
  if (decoded.envelope.due && *decoded.envelope.due > at)
    co_return co_await later_.hide(received.receipt, time_until(*decoded.envelope.due, at));
  decoded.envelope.due.reset();
  // Named after where it was, so that a FIFO queue takes it once also where we stop before the next line.
  const Result<std::string> sent = co_await enqueue(decoded.envelope, received.message_id);
  if (!sent) co_return fail(sent.error());
  co_return co_await later_.remove(received.receipt);
}

}  // namespace parley::queue::sqs
