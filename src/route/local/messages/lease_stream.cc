// parley.Queues/LeaseStream: deliveries for credit, settlements and their answers, over one stream. The stream is the
// heartbeat: while it is open, the node extends the leases of what it delivered.
#include <algorithm>
#include <map>

#include "loop/task_group.h"
#include "route/local/messages/messaging.h"
#include "route/local/messages/payload_json.h"

namespace parley::route {
namespace {

namespace api = queue::api;

constexpr std::int64_t max_credit = 100'000;
constexpr int max_lease_at_once = 100;
constexpr std::int64_t default_bytes = std::int64_t{16} << 20;
constexpr std::int64_t most_bytes = std::int64_t{256} << 20;

// One stream. Lives in the call's coroutine; three tasks work on it: one reads what the client says, one leases and
// delivers, one extends leases.
class LeaseStream {
 public:
  LeaseStream(Messaging& messaging, Call& call, Reader<api::LeaseStreamRequest> requests)
      : messaging_(messaging),
        broker_(messaging.broker),
        call_(call),
        requests_(requests),
        timer_([](void* self) { static_cast<LeaseStream*>(self)->tick(); }, this),
        on_cancel_(call, [this](const Error&) { changed_.notify(); }) {}

  Task<Result<void>> run() {
    auto first = co_await requests_.read();
    if (!first) co_return fail(std::move(first).error());
    if (!*first || !(*first)->start) co_return invalid("the first request of the stream is not `start`");
    if (auto started = start(**first); !started) co_return started;
    tick();
    TaskGroup tasks;
    tasks.spawn(read_requests());
    tasks.spawn(deliver());
    tasks.spawn(extend_leases());
    co_await tasks.join();
    timer_.clear();
    co_await settling_.join();
    if (call_.cancelled()) co_return fail(*call_.cancelled());  // the leases run out
    // The client ended in good order, or we do: nobody works on the rest.
    std::vector<std::string> rest;
    for (auto& [lease, bytes] : held_) rest.push_back(lease);
    co_await release(broker_, source_, std::move(rest));
    if (failed_) co_return fail(with_name_meant(*messaging_.user.contract(), source_, *failed_));
    co_return Result<void>();
  }

 private:
  Result<void> start(const api::LeaseStreamRequest& request) {
    const api::LeaseStreamStart& start = *request.start;
    auto fine = check_amounts({{"lease", start.lease.count(), "as the contract has it"},
                               {"max_bytes", start.max_bytes, "the default: 16 MiB"}});
    if (!fine) return fine;
    source_ = {.name = start.queue, .group = start.group};
    lease_ =
        start.lease > Duration::zero() ? start.lease : messaging_.door.lease_of(*messaging_.user.contract(), source_);
    lease_ = std::max<Duration>(lease_, std::chrono::seconds(1));
    max_bytes_ = static_cast<std::size_t>(within(start.max_bytes, default_bytes, most_bytes));
    json_ = start.json;
    return add_credit(request.credit);
  }

  bool is_over() const { return ended_ || failed_ || call_.cancelled(); }

  void end_with(Error why) {
    if (!failed_) failed_ = std::move(why);
    // A stream that ends for another reason must not wait for its client.
    call_.requests.abort(Error(Code::cancelled, Blame::caller, "the call has ended").with_reason("call_ended"));
    changed_.notify();
  }

  Result<void> add_credit(std::int64_t more) {
    if (more < 0 || credit_ + more > max_credit)
      return invalid("`credit` is between 0 and " + std::to_string(max_credit) +
                     " deliveries, all that is open together");
    credit_ += more;
    changed_.notify();
    return {};
  }

  Task<void> read_requests() {
    while (!is_over()) {
      auto request = co_await requests_.read();
      if (!request) co_return end_with(std::move(request).error());
      if (!*request) {
        ended_ = true;
        co_return changed_.notify();
      }
      if ((*request)->start) co_return end_with(invalid("`start` came twice").error());
      if (auto added = add_credit((*request)->credit); !added) co_return end_with(std::move(added).error());
      if (!(*request)->settle || settle(std::move(*(*request)->settle))) continue;
      // Nothing else bounds what is answered beyond what was delivered. `tick` looks again.
      while (!is_over() && (call_.replies.is_full() || settling_.live() >= max_batch)) co_await changed_.wait();
    }
  }

  // True: it settles what was delivered here.
  bool settle(api::Settlement how) {
    if (auto fine = check_amounts(how); !fine) {
      tell_settled(std::move(how.lease_id), fine);
      return false;
    }
    const auto held = held_.find(how.lease_id);
    const bool is_ours = held != held_.end();
    if (is_ours) {
      held_bytes_ -= held->second;
      held_.erase(held);  // no more is extended; a settlement that fails is told
    }
    settling_.spawn(settle_one(std::move(how)));
    return is_ours;
  }

  Task<void> settle_one(api::Settlement how) {
    const auto done = co_await broker_.settle(source_, how.lease_id, api::from_api(how));
    tell_settled(std::move(how.lease_id), done);
  }

  void tell_settled(std::string lease, const Result<void>& done) {
    api::LeaseStreamResponse response;
    response.settled.emplace().lease_id = std::move(lease);
    if (!done) response.settled->error = api::status_of(done.error());
    // Without waiting: as many as were delivered, which waits.
    call_.replies.push(Bytes(api::to_wire(response)));
    changed_.notify();  // there is room
  }

  Task<void> deliver() {
    while (!is_over()) {
      if (messaging_.draining && held_.empty()) co_return end_with(draining());
      if (messaging_.draining || credit_ <= 0 || (held_bytes_ >= max_bytes_ && !held_.empty())) {
        co_await changed_.wait();
        continue;
      }
      queue::LeaseRequest wanted{.source = source_,
                                 .max_messages = static_cast<int>(std::min<std::int64_t>(credit_, max_lease_at_once)),
                                 .max_bytes = max_bytes_ - std::min(held_bytes_, max_bytes_ - 1),
                                 .lease = lease_,
                                 .wait = Deadline::after(Shard::current().now(), wait_piece)};
      auto leased = co_await broker_.lease(std::move(wanted));
      if (!leased) co_return end_with(std::move(leased).error());
      call_.headers_complete();  // the queue is there
      for (queue::Delivery& delivery : *leased) hold(delivery);
      for (queue::Delivery& delivery : *leased) {
        if (is_over()) break;  // `run` releases what is held
        if (!co_await send(std::move(delivery))) co_return;
      }
    }
  }

  static Error draining() {
    return Error(Code::unavailable, Blame::us, "the node is about to stop").with_reason("draining");
  }

  void hold(const queue::Delivery& delivery) {
    held_[delivery.lease] = delivery.message.payload.size();
    held_bytes_ += delivery.message.payload.size();
    --credit_;
  }

  Task<bool> send(queue::Delivery delivery) {
    api::LeaseStreamResponse response;
    response.delivery = api::to_api(delivery);
    if (json_) show_json(messaging_.api, *messaging_.user.contract(), response.delivery->message);
    const auto sent = co_await call_.replies.write(Bytes(api::to_wire(response)));
    if (!sent) end_with(sent.error());
    co_return sent.has_value();
  }

  // A few times a lease, and often enough to notice that the node drains.
  void tick() {
    Shard& shard = Shard::current();
    timer_.set(shard.timers(), Deadline::after(shard.now(), std::min(lease_ / 3, wait_piece)));
    changed_.notify();
  }

  Task<void> extend_leases() {
    while (!is_over()) {
      if (Shard::current().now() < extended_ + lease_ / 3) {
        co_await changed_.wait();
        continue;
      }
      extended_ = Shard::current().now();
      std::vector<std::string> leases;
      for (const auto& [lease, bytes] : held_) leases.push_back(lease);
      // Together, so that they share a sync or a round trip: one after the other many come too late.
      TaskGroup extending;
      for (std::string& lease : leases) {
        while (extending.live() >= max_batch) co_await extending.changed().wait();
        if (held_.contains(lease)) extending.spawn(extend(std::move(lease)));  // else it was settled meanwhile
      }
      co_await extending.join();
    }
  }

  Task<void> extend(std::string lease) {
    auto extended = co_await broker_.extend(source_, lease, lease_);
    if (!extended && held_.contains(lease)) tell_lost(lease, extended.error());
  }

  void tell_lost(const std::string& lease, const Error& why) {
    if (why.reason() != "lease_lost") return;  // the backend cannot be reached: the next time, perhaps
    const auto held = held_.find(lease);
    held_bytes_ -= held->second;
    held_.erase(held);
    api::LeaseStreamResponse response;
    response.lost = api::Settled{.lease_id = lease, .error = api::status_of(why)};
    call_.replies.push(Bytes(api::to_wire(response)));
  }

  Messaging& messaging_;
  queue::Broker& broker_;
  Call& call_;
  Reader<api::LeaseStreamRequest> requests_;
  queue::Source source_;
  Duration lease_{};
  std::size_t max_bytes_ = 0;
  bool json_ = false;

  std::int64_t credit_ = 0;
  std::map<std::string, std::size_t> held_;  // leases that are not settled, with their payloads' sizes
  std::size_t held_bytes_ = 0;
  bool ended_ = false;  // by the client, in good order
  std::optional<Error> failed_;
  Instant extended_ = Shard::current().now();
  Timer timer_;
  Signal changed_;
  TaskGroup settling_;
  Call::OnCancel on_cancel_;  // last: it may tell at once
};

Task<Result<void>> lease_stream(Messaging& messaging, Call& call, Reader<api::LeaseStreamRequest> requests) {
  LeaseStream stream(messaging, call, requests);
  co_return co_await stream.run();
}

}  // namespace

void add_lease_stream(LocalRoute& route, Messaging& messaging) {
  Messaging* m = &messaging;
  route.stream<api::LeaseStreamRequest, api::LeaseStreamResponse>(
      "/parley.Queues/LeaseStream", [m](Call& call, Reader<api::LeaseStreamRequest> requests,
                                        Writer<api::LeaseStreamResponse>) { return lease_stream(*m, call, requests); });
}

}  // namespace parley::route
