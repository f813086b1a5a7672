// For tests: queues and topics in the memory of one shard, on that shard's time. It keeps every promise of broker.h but
// durability, and can be told to fail.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/timer.h"
#include "queue/broker.h"
#include "queue/declaration.h"
#include "queue/group_errors.h"

namespace parley::queue {

class FakeBroker final : public Broker {
 public:
  FakeBroker(Shard& shard, const Declarations& wanted)
      : shard_(shard), began_(shard.now()), timer_([](void* self) { static_cast<FakeBroker*>(self)->tick(); }, this) {
    for (const QueueDeclaration& queue : wanted.queues) {
      lists_.try_emplace({queue.consumer.name, ""}, List{.consumer = queue.consumer, .items = {}});
      queues_[queue.consumer.name] = queue;
    }
    for (const TopicDeclaration& topic : wanted.topics) {
      topics_[topic.name];
      for (const Consumer& group : topic.groups)
        lists_.try_emplace({topic.name, group.group}, List{.consumer = group, .items = {}});
    }
  }

  // What the next call of that kind ends with; taken once.
  std::optional<Error> fail_publish;
  std::optional<Error> fail_lease;
  std::optional<Error> fail_extend;
  std::optional<Error> fail_settle;
  int bugs = 0;                                        // so many calls of those four throw
  Duration takes{};                                    // an extension or a settlement
  std::optional<std::pair<Source, Error>> fail_stats;  // of this one, until it is reset
  bool hold_publish = false;                           // it waits until this is false and `wake` was called
  void wake() { changed_.notify(); }
  // As a node that starts again meets it.
  void reopen() { stopped_ = false; }

  // What was asked, for tests to look at.
  std::vector<Publish> published;
  std::vector<LeaseRequest> leases;
  struct Settled {
    std::string id;
    Settlement how;
  };
  std::vector<Settled> settled;
  int extended = 0;

  WallTime wall() const { return WallTime(std::chrono::floor<std::chrono::milliseconds>(shard_.now() - began_)); }

  Task<Result<Receipt>> publish(Publish request) override {
    while (hold_publish) co_await changed_.wait();
    meet_bug();
    if (fail_publish) co_return fail(*std::exchange(fail_publish, std::nullopt));
    published.push_back(request);
    if (topics_.contains(request.to)) co_return publish_event(std::move(request));
    const auto at = lists_.find({request.to, ""});
    if (at == lists_.end()) co_return fail(missing(request.to));
    const std::string dedup = request.dedup.empty() ? "" : request.to + '\n' + request.dedup;
    const auto seen = dedup_.find(dedup);
    if (seen != dedup_.end() && shard_.now() < seen->second.first + queues_[request.to].dedup_window) {
      Receipt receipt = seen->second.second;
      receipt.duplicate = true;
      co_return receipt;
    }
    Receipt receipt = add(at->second, std::move(request.message), request.due);
    if (!dedup.empty()) dedup_[dedup] = {shard_.now(), receipt};
    co_return receipt;
  }

  Task<Result<std::vector<Delivery>>> lease(LeaseRequest request) override {
    leases.push_back(request);
    for (;;) {
      meet_bug();
      if (fail_lease) co_return fail(*std::exchange(fail_lease, std::nullopt));
      const auto at = lists_.find({request.source.name, request.source.group});
      if (at == lists_.end()) co_return fail(missing(request.source.name));
      std::vector<Delivery> taken = take(at->second, request);
      if (!taken.empty() || stopped_ || closed_ || request.wait.passed(shard_.now())) co_return taken;
      arm(request.wait.when());
      co_await changed_.wait();
    }
  }

  void stop_leasing() override {
    stopped_ = true;
    changed_.notify();
  }

  Task<Result<void>> extend(Source source, std::string lease, Duration by) override {
    meet_bug();
    if (takes > Duration::zero()) co_await shard_.sleep(takes);
    if (fail_extend) co_return fail(*std::exchange(fail_extend, std::nullopt));
    Item* item = find(source, lease);
    if (item == nullptr) co_return fail(lost());
    item->until = shard_.now() + by;
    ++extended;
    co_return Result<void>();
  }

  Task<Result<void>> settle(Source source, std::string lease, Settlement how) override {
    meet_bug();
    if (takes > Duration::zero()) co_await shard_.sleep(takes);
    if (fail_settle) co_return fail(*std::exchange(fail_settle, std::nullopt));
    Item* item = find(source, lease);
    if (item == nullptr) co_return fail(lost());
    settled.push_back({item->message.id, how});
    item->lease.clear();
    switch (how.kind) {
      case Settlement::Kind::done: item->shelf.reset(); break;
      case Settlement::Kind::dead:
        item->shelf = Shelf::dead;
        item->reason = how.reason;
        item->since = wall();
        break;
      case Settlement::Kind::release:
        --item->attempts;
        item->shelf = Shelf::waiting;
        break;
      case Settlement::Kind::retry:
        item->shelf = Shelf::delayed;
        item->until = shard_.now() + how.delay;
        break;
    }
    changed_.notify();
    co_return Result<void>();
  }

  Task<Result<std::vector<Peeked>>> peek(PeekRequest request) override {
    std::vector<Peeked> out;
    const auto at = lists_.find({request.source.name, request.source.group});
    if (at == lists_.end()) co_return fail(missing(request.source.name));
    refresh(at->second);
    for (const Item& item : at->second.items) {
      if (item.shelf != request.shelf || item.position <= request.after) continue;
      if (std::cmp_greater_equal(out.size(), request.max_messages)) break;
      out.push_back({.message = item.message,
                     .position = item.position,
                     .attempts = item.attempts,
                     .due = std::nullopt,
                     .reason = item.reason,
                     .since = item.since});
    }
    co_return out;
  }

  Task<Result<std::uint64_t>> redrive(Source source, std::vector<Position> which) override {
    std::uint64_t count = 0;
    for (Item& item : lists_.at({source.name, source.group}).items) {
      const bool named = which.empty() || std::ranges::find(which, item.position) != which.end();
      if (item.shelf != Shelf::dead || !named) continue;
      item.shelf = Shelf::waiting;
      item.attempts = 0;
      ++count;
    }
    changed_.notify();
    co_return count;
  }

  Task<Result<std::uint64_t>> purge(Source source, Shelf shelf) override {
    std::uint64_t count = 0;
    for (Item& item : lists_.at({source.name, source.group}).items) {
      if (item.shelf != shelf) continue;
      item.shelf.reset();
      ++count;
    }
    co_return count;
  }

  Task<Result<void>> pause(Source source, bool paused) override {
    lists_.at({source.name, source.group}).paused = paused;
    changed_.notify();
    co_return Result<void>();
  }

  Task<Result<Stats>> stats(Source source) override {
    if (fail_stats && fail_stats->first == source) co_return fail(fail_stats->second);
    const auto at = lists_.find({source.name, source.group});
    if (at == lists_.end()) co_return fail(missing(source.name));
    List& list = at->second;
    refresh(list);
    Stats out;
    out.paused = list.paused;
    for (const Item& item : list.items) {
      if (!item.shelf) continue;
      ++(*item.shelf == Shelf::waiting   ? out.waiting
         : *item.shelf == Shelf::leased  ? out.leased
         : *item.shelf == Shelf::delayed ? out.delayed
                                         : out.dead);
      if (*item.shelf != Shelf::dead && !out.oldest) out.oldest = item.message.time;
    }
    co_return out;
  }

  Task<Result<Events>> read(ReadRequest request) override {
    const auto at = topics_.find(request.topic);
    if (at == topics_.end()) co_return fail(missing(request.topic));
    Events out{.events = {}, .next = request.from.position};
    for (const Event& event : at->second) {
      if (request.from.kind == From::Kind::after && event.position <= request.from.position) continue;
      if (std::cmp_greater_equal(out.events.size(), request.max_messages)) break;
      out.events.push_back(event);
      out.next = event.position;
    }
    co_return out;
  }
  Task<Result<void>> commit(Source, From) override { co_return fail(not_here()); }
  Task<Result<Position>> checkpoint(Source) override { co_return fail(not_here()); }
  Task<Result<void>> delete_group(Source group) override {
    if (lists_.erase({group.name, group.group}) == 0) co_return fail(no_such_group(group));
    co_return Result<void>();
  }

  Task<void> close() override {
    closed_ = true;
    changed_.notify();
    co_return;
  }

 private:
  void meet_bug() {
    if (bugs > 0 && bugs-- > 0) throw std::logic_error("a bug");
  }
  struct Item {
    Message message;
    Position position;
    std::optional<Shelf> shelf = Shelf::waiting;  // nothing: settled
    int attempts = 0;
    std::string lease;
    Instant until{};  // of the lease, or the delay
    std::string reason;
    std::optional<WallTime> since;
  };
  struct List {
    Consumer consumer;
    std::deque<Item> items;
    bool paused = false;
  };

  static Error missing(const std::string& name) { return Error(Code::not_found, Blame::caller, "no queue " + name); }
  static Error lost() {
    return Error(Code::failed_precondition, Blame::caller, "the lease is over").with_reason("lease_lost");
  }
  static Error not_here() {
    return Error(Code::unimplemented, Blame::us, "the fake has none").with_reason("not_by_this_backend");
  }

  Position next_position() {
    std::string number = std::to_string(++last_);
    return std::string(8 - number.size(), '0') + number;
  }

  Receipt add(List& list, Message message, std::optional<WallTime> due) {
    Item& item = list.items.emplace_back();
    item.message = std::move(message);
    item.position = next_position();
    if (due && *due > wall()) {
      item.shelf = Shelf::delayed;
      item.until = shard_.now() + (*due - wall());
    }
    changed_.notify();
    return {.id = item.message.id, .position = item.position};
  }

  Receipt publish_event(Publish request) {
    Receipt receipt{.id = request.message.id, .position = next_position()};
    topics_[request.to].push_back({request.message, receipt.position});
    for (auto& [key, list] : lists_) {
      if (key.first == request.to) add(list, request.message, std::nullopt);
    }
    return receipt;
  }

  void refresh(List& list) {
    for (Item& item : list.items) {
      const bool waits = item.shelf == Shelf::leased || item.shelf == Shelf::delayed;
      if (!waits || item.until > shard_.now()) continue;
      item.shelf = Shelf::waiting;
      item.lease.clear();
    }
  }

  std::vector<Delivery> take(List& list, const LeaseRequest& request) {
    refresh(list);
    std::vector<Delivery> out;
    std::vector<std::string> held;
    for (Item& item : list.items) {
      if (list.paused || std::cmp_greater_equal(out.size(), request.max_messages)) break;
      if (!item.shelf || item.shelf == Shelf::dead) continue;
      const bool scheduled = item.shelf == Shelf::delayed && item.attempts == 0;  // holds nobody up
      const bool keyed = list.consumer.keyed && !item.message.key.empty() && !scheduled;
      const bool is_held = keyed && std::ranges::find(held, item.message.key) != held.end();
      if (keyed) held.push_back(item.message.key);
      if (item.shelf != Shelf::waiting || is_held) continue;
      item.shelf = Shelf::leased;
      item.until = shard_.now() + request.lease;
      item.lease = "lease-" + std::to_string(++last_lease_);
      out.push_back({.message = item.message,
                     .position = item.position,
                     .lease = item.lease,
                     .attempt = ++item.attempts,
                     .malformed = std::nullopt});
    }
    return out;
  }

  Item* find(const Source& source, const std::string& lease) {
    const auto at = lists_.find({source.name, source.group});
    if (at == lists_.end()) return nullptr;
    refresh(at->second);
    for (Item& item : at->second.items) {
      if (item.lease == lease) return &item;
    }
    return nullptr;
  }

  // Wakes waiting leases when something falls due, or at `wait`.
  void arm(Instant wait) {
    Instant next = wait;
    for (const auto& [key, list] : lists_) {
      for (const Item& item : list.items) {
        if (item.shelf == Shelf::leased || item.shelf == Shelf::delayed) next = std::min(next, item.until);
      }
    }
    armed_ = timer_.is_set() ? std::min(next, armed_) : next;
    timer_.set(shard_.timers(), Deadline::at(armed_));
  }
  void tick() { changed_.notify(); }

  Shard& shard_;
  Instant began_;
  Timer timer_;
  Instant armed_{};
  Signal changed_;
  std::map<std::pair<std::string, std::string>, List> lists_;  // by name and group
  std::map<std::string, QueueDeclaration> queues_;
  std::map<std::string, std::vector<Event>> topics_;
  std::map<std::string, std::pair<Instant, Receipt>> dedup_;
  std::uint64_t last_ = 0;
  std::uint64_t last_lease_ = 0;
  bool stopped_ = false;
  bool closed_ = false;
};

}  // namespace parley::queue
