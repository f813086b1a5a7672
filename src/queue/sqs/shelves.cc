#include "queue/sqs/shelves.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "queue/sqs/fault.h"
#include "queue/sqs/json_writer.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::seconds;

constexpr std::size_t most_seen = 1000;     // messages of one look; a longer list needs a consumer
constexpr Duration seen_for = seconds(10);  // hidden while one looks, in case that it is not put back
constexpr Duration worked_for = seconds(60);
constexpr auto clocks_differ = std::chrono::milliseconds(1000);  // SQS' from ours

// Short polls ask some of SQS' servers, long ones all of them: an empty answer counts only of a long one.
Task<Result<std::vector<Received>>> receive_or_none(Part& part, Duration hidden) {
  Result<std::vector<Received>> got = co_await part.receive({.most = 10, .wait = {}, .hidden = hidden});
  if (got && got->empty()) got = co_await part.receive({.most = 10, .wait = seconds(1), .hidden = hidden});
  co_return got;
}

Task<Result<void>> put_back_all(Part& part, const std::vector<Received>& all) {
  for (const Received& each : all) {
    if (const Result<void> back = co_await part.hide(each.receipt, Duration::zero());
        !back && !is_lease_lost(back.error()))
      co_return fail(back.error());
  }
  co_return {};
}

// All that can be received now, up to a bound. Hidden from others until it is put back.
Task<Result<std::vector<Received>>> look(Part& part) {
  const Result<Part::Depth> depth = co_await part.depth();
  if (!depth) co_return fail(depth.error());
  std::vector<Received> out;
  std::set<std::string> seen;
  while (out.size() < most_seen) {
    Result<std::vector<Received>> got = co_await receive_or_none(part, seen_for);
    if (!got) co_return fail(std::move(got).error());
    if (got->empty()) break;
    for (Received& each : *got) {
      if (seen.insert(each.message_id).second) out.push_back(std::move(each));
    }
    if (out.size() >= depth->visible) break;  // approximately all; what has just come may not be counted yet
  }
  std::ranges::sort(out, {}, position_of);
  co_return out;
}

Peeked peeked_of(const Received& received, const Envelope& envelope, int attempts) {
  return {.message = envelope.message,
          .position = position_of(received),
          .attempts = attempts,
          .due = envelope.due,
          .reason = envelope.reason,
          .since = envelope.since};
}

using Work = std::function<Task<Result<void>>(const Received&)>;

// What came of working on some messages at once.
struct Worked {
  std::uint64_t done = 0;
  std::optional<Error> failed;
};

Task<void> work_on(const Work& work, const Received& received, Worked& worked) {
  const Result<void> result = co_await work(received);
  if (result) {
    ++worked.done;
  } else {
    worked.failed = result.error();
  }
}

// Applies `work` to what is received until nothing is left that was there before; returns how many it was done to.
// What `wanted` is given and is not empty is left alone.
Task<Result<std::uint64_t>> for_each(Part& part, WallTime before, std::set<Position> wanted, Work work) {
  const bool all = wanted.empty();
  const auto is_wanted = [&](const Received& each) {
    return all ? sent_at(each) <= (before + clocks_differ).time_since_epoch().count()
               : wanted.erase(position_of(each)) > 0;
  };
  Worked worked;
  std::vector<Received> others;
  while (!worked.failed && (all || !wanted.empty()) && others.size() <= most_seen) {
    Result<std::vector<Received>> got = co_await receive_or_none(part, worked_for);
    if (!got) {
      worked.failed = std::move(got).error();
      break;
    }
    const auto rest = std::ranges::partition(*got, is_wanted);
    std::ranges::move(rest, std::back_inserter(others));
    const bool nothing = rest.size() == got->size() && (all || rest.empty());
    got->erase(rest.begin(), rest.end());
    if (nothing) break;
    std::ranges::sort(*got, {}, position_of);
    TaskGroup working;
    for (const Received& each : *got) working.spawn(work_on(work, each, worked));
    co_await working.join();
  }
  const Result<void> back = co_await put_back_all(part, others);
  if (worked.failed) co_return fail(*worked.failed);
  if (!back) co_return fail(back.error());
  co_return worked.done;
}

}  // namespace

Task<Result<std::vector<Peeked>>> peek(Channel& channel, Ledger& ledger, PeekRequest request) {
  if (request.shelf == Shelf::leased || request.shelf == Shelf::delayed)
    co_return fail(not_by_sqs("does not show messages that are leased, delayed or between two attempts"));
  const bool waiting = request.shelf == Shelf::waiting;
  Part& part = waiting ? channel.main() : channel.dead();
  if (waiting) {
    if (const Result<void> noted = co_await channel.note_look(); !noted) co_return fail(noted.error());
  }
  Result<std::vector<Received>> seen = co_await look(part);
  if (!seen) co_return fail(std::move(seen).error());
  std::vector<Peeked> out;
  for (const Received& each : *seen) {
    const Decoded decoded = decode(each);
    if (waiting) ledger.not_counted(each.message_id);
    const bool behind = request.after.empty() || position_of(each) > request.after;
    if (!behind || out.size() >= static_cast<std::size_t>(std::max(0, request.max_messages))) continue;
    const int before =
        waiting ? std::max(0, channel.attempt_of(each, decoded.envelope) - 1) : decoded.envelope.attempts;
    out.push_back(peeked_of(each, decoded.envelope, before));
    out.back().due.reset();
  }
  if (const Result<void> back = co_await put_back_all(part, *seen); !back) co_return fail(back.error());
  co_return out;
}

namespace {

Task<Result<void>> bring_back(Channel& channel, const WallClock& clock, const Received& received) {
  Envelope envelope = decode(received).envelope;
  envelope.attempts = 0;
  envelope.reason.clear();
  envelope.since.reset();
  envelope.due.reset();
  envelope.expires.reset();  // its time begins anew
  const Duration ttl = channel.place().wanted.ttl;
  if (ttl > Duration::zero()) envelope.expires = clock.now() + std::chrono::floor<std::chrono::milliseconds>(ttl);
  const Result<std::string> sent = co_await channel.enqueue(envelope, received.message_id);
  if (!sent) co_return fail(sent.error());
  co_return co_await channel.dead().remove(received.receipt);
}

}  // namespace

Task<Result<std::uint64_t>> redrive(Channel& channel, const WallClock& clock, std::vector<Position> which) {
  co_return co_await for_each(channel.dead(), clock.now(), std::set(which.begin(), which.end()),
                              [&channel, &clock](const Received& each) { return bring_back(channel, clock, each); });
}

// Not by PurgeQueue, which also removes what is leased, what comes in the minute after, and does not say how many; but
// what is delayed cannot be received.
Task<Result<std::uint64_t>> purge(Workbench& bench, Channel& channel, const WallClock& clock, Shelf shelf) {
  if (shelf == Shelf::leased) co_return fail(invalid("leased messages cannot be purged").error());
  if (shelf == Shelf::delayed) {
    const Result<Part::Depth> depth = co_await channel.later().depth();
    if (!depth) co_return fail(depth.error());
    if (channel.later().url().empty()) co_return 0;
    const Result<std::string> purged = co_await bench.client.call(
        "PurgeQueue", JsonWriter().begin().text("QueueUrl", channel.later().url()).end().take());
    if (!purged) co_return fail(purged.error());
    co_return depth->all();
  }
  Part& part = shelf == Shelf::waiting ? channel.main() : channel.dead();
  co_return co_await for_each(part, clock.now(), {},
                              [&part](const Received& each) { return part.remove(each.receipt); });
}

Task<Result<Stats>> stats(Channel& channel) {
  const Result<Part::Depth> main = co_await channel.main().depth();
  if (!main) co_return fail(main.error());
  const Result<Part::Depth> dead = co_await channel.dead().depth();
  if (!dead) co_return fail(dead.error());
  const Result<Part::Depth> later = co_await channel.later().depth();
  if (!later) co_return fail(later.error());
  const Result<bool> paused = co_await channel.is_paused();
  if (!paused) co_return fail(paused.error());
  Stats out;
  out.waiting = main->visible;
  out.leased = main->hidden;
  out.delayed = main->delayed + later->all();
  out.dead = dead->all();
  out.paused = *paused;
  out.estimated = {"waiting", "leased", "delayed", "dead", "oldest"};
  co_return out;
}

}  // namespace parley::queue::sqs
