#include "net/client_origin.h"

#include <algorithm>

#include <fmt/format.h>

namespace parley::net {

ClientOrigin::ClientOrigin(DialContext& context, const PoolLimits& limits, Origin origin)
    : context_(context),
      limits_(limits),
      origin_(std::move(origin)),
      back_off_timer_([](void* self) { static_cast<ClientOrigin*>(self)->pump(); }, this),
      jitter_(static_cast<std::minstd_rand::result_type>(std::random_device{}())),
      bury_hook_([](void* self) { static_cast<ClientOrigin*>(self)->bury(); }, this) {}

ClientOrigin::~ClientOrigin() {
  retired_ = true;
  abandon(Error(Code::unavailable, Blame::us, "the connection pool was closed"));
}

// Opening.

// The one that was used last, so that those beyond the need become idle and close.
ClientConnection* ClientOrigin::free_connection() {
  for (std::size_t i = connections_.size(); i-- > 0;) {
    ClientConnection* connection = connections_[i].get();
    if (connection->free_slots() == 0) continue;
    if (i + 1 != connections_.size() && !origin_.http2) std::swap(connections_[i], connections_.back());
    return connection;
  }
  return nullptr;
}

std::unique_ptr<ClientExchange> ClientOrigin::try_open(const RequestHead& head, bool has_body) {
  if (!waiting_.empty() || retired_) return nullptr;
  ClientConnection* connection = free_connection();
  if (connection == nullptr) return nullptr;
  connection->set_used();
  return connection->open(head, has_body);
}

// A place in the queue, given up when the exchange no longer waits, however that comes about.
struct ClientOrigin::Queued {
  Queued(ClientOrigin& owner, OpenCancel* by) : origin(owner), cancel(by) {
    origin.waiting_.push_back(&waiter);
    if (cancel != nullptr) cancel->waiter_ = &waiter.woken;
  }
  Queued(const Queued&) = delete;
  Queued& operator=(const Queued&) = delete;
  ~Queued() {
    if (cancel != nullptr) cancel->waiter_ = nullptr;
    std::erase(origin.waiting_, &waiter);
    // Whoever is first now may find a connection that was freed for this one.
    if (!origin.waiting_.empty()) origin.waiting_.front()->woken.notify();
  }
  bool is_first() const { return origin.waiting_.front() == &waiter; }
  bool is_cancelled() const { return cancel != nullptr && cancel->is_cancelled(); }
  ClientOrigin& origin;
  OpenCancel* cancel;
  Waiter waiter;
};

Task<Result<std::unique_ptr<ClientExchange>>> ClientOrigin::open(const RequestHead& head, bool has_body,
                                                                 Deadline deadline, OpenCancel* cancel) {
  if (std::unique_ptr<ClientExchange> exchange = try_open(head, has_body)) co_return exchange;
  if (retired_) {
    co_return fail(
        Error(Code::unavailable, Blame::us, "no new calls to this upstream: it is being drained").safe_to_retry());
  }
  if (is_failing()) co_return fail(*last_error_);
  if (waiting_.size() >= limits_.max_waiting) {
    co_return fail(
        Error(Code::resource_exhausted, Blame::upstream,
              fmt::format("{} calls wait for a connection to {}:{}", waiting_.size(), origin_.host, origin_.port))
            .with_reason("upstream_saturated"));
  }
  Queued place(*this, cancel);
  Timer late([](void* woken) { static_cast<Signal*>(woken)->notify(); }, &place.waiter.woken);
  late.set(context_.shard.timers(), deadline);
  for (;;) {
    if (place.is_cancelled())
      co_return fail(Error(Code::cancelled, Blame::us, "nobody waits for the connection any more"));
    if (place.waiter.failed) co_return fail(*place.waiter.failed);
    if (place.is_first()) {
      if (ClientConnection* connection = free_connection()) {
        connection->set_used();
        co_return connection->open(head, has_body);
      }
    }
    pump();
    if (place.waiter.failed) continue;  // a dial may fail at once
    if (deadline.passed(context_.shard.now())) {
      co_return fail(Error(Code::deadline_exceeded, Blame::upstream,
                           fmt::format("no connection to {}:{} in time", origin_.host, origin_.port))
                         .with_reason("connect_timeout")
                         .safe_to_retry());
    }
    co_await place.waiter.woken.wait();
  }
}

// Connecting.

bool ClientOrigin::is_failing() const {
  return last_error_ && connections_.empty() && dials_.empty() && context_.shard.now() < back_off_until_;
}

bool ClientOrigin::may_dial() const {
  const std::size_t most = origin_.http2 ? limits_.max_h2_connections : limits_.max_connections;
  const std::size_t usable = connections_.size() - retired_connections_;
  if (retired_ || usable + dials_.size() >= most) return false;
  // A new HTTP/2 connection may serve all who wait; an HTTP/1.1 one serves one.
  return dials_.size() < (origin_.http2 ? 1 : waiting_.size());
}

// Starts what is missing for those who wait.
void ClientOrigin::pump() {
  while (!waiting_.empty() && may_dial()) {
    if (context_.shard.now() < back_off_until_) {
      back_off_timer_.set(context_.shard.timers(), Deadline::at(back_off_until_));
      return;
    }
    dial();
  }
}

void ClientOrigin::dial() {
  const Deadline deadline = Deadline::after(context_.shard.now(), limits_.connect_timeout);
  ConnectionOwner& owner = *this;
  dials_.push_back(std::make_unique<Dial>(
      context_, origin_, deadline, owner,
      [this](Dial& ended, Result<std::unique_ptr<ClientConnection>> result) { dialed(ended, std::move(result)); }));
  dials_.back()->start();
}

void ClientOrigin::dialed(Dial& dial, Result<std::unique_ptr<ClientConnection>> result) {
  const auto ended = std::ranges::find(dials_, &dial, &std::unique_ptr<Dial>::get);
  finished_dials_.push_back(std::move(*ended));
  dials_.erase(ended);
  context_.shard.at_turn_end(bury_hook_);
  if (!result) return back_off(std::move(result).error());
  last_error_.reset();
  back_off_ = Duration::zero();
  back_off_until_ = Instant();
  connections_.push_back(std::move(*result));
  connection_freed(*connections_.back());
}

void ClientOrigin::back_off(Error why) {
  const Duration next = back_off_ == Duration::zero() ? limits_.backoff_first : back_off_ * 2;
  back_off_ = std::min(next, limits_.backoff_max);
  // A fifth to either side, or all shards and all proxies would come back together.
  const double factor = std::uniform_real_distribution(0.8, 1.2)(jitter_);
  back_off_until_ = context_.shard.now() + std::chrono::duration_cast<Duration>(back_off_ * factor);
  last_error_ = std::move(why);
  if (connections_.size() == retired_connections_ && dials_.empty()) {
    fail_waiters(*last_error_);
  } else {
    pump();  // sets the timer
  }
}

void ClientOrigin::fail_waiters(const Error& why) {
  for (Waiter* waiter : waiting_) {
    waiter->failed = why;
    waiter->woken.notify();
  }
}

// Connections report.

void ClientOrigin::connection_freed(ClientConnection& /*connection*/) {
  if (!waiting_.empty()) waiting_.front()->woken.notify();
  changed_.notify();
}

void ClientOrigin::connection_retired(ClientConnection& connection) {
  ++retired_connections_;
  // An upstream that says goodbye to every new connection is down for those who wait: dialling on would never end.
  if (!connection.was_used() && !waiting_.empty()) {
    return back_off(Error(Code::unavailable, Blame::upstream,
                          fmt::format("{}:{} ends connections before any call", origin_.host, origin_.port))
                        .with_reason("upstream_goaway")
                        .safe_to_retry());
  }
  pump();
}

void ClientOrigin::connection_over(ClientConnection& connection) {
  const auto at = std::ranges::find(connections_, &connection, &std::unique_ptr<ClientConnection>::get);
  if (at == connections_.end()) return;
  finished_.push_back(std::move(*at));
  connections_.erase(at);
  context_.shard.at_turn_end(bury_hook_);
  retired_connections_ = 0;
  for (const auto& each : connections_) retired_connections_ += each->is_retired() ? 1 : 0;
  changed_.notify();
  pump();
}

void ClientOrigin::bury() {
  finished_.clear();
  finished_dials_.clear();
}

std::uint32_t ClientOrigin::exchange_count() const {
  std::uint32_t count = 0;
  for (const auto& connection : connections_) count += connection->exchanges();
  return count;
}

// Ending.

void ClientOrigin::retire() {
  retired_ = true;
  dials_.clear();
  fail_waiters(
      Error(Code::unavailable, Blame::us, "no new calls to this upstream: it is being drained").safe_to_retry());
  for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->retire();
}

void ClientOrigin::abandon(const Error& why) {
  dials_.clear();
  fail_waiters(why);
  while (!connections_.empty()) {
    connections_.back()->abandon(why);
  }
}

}  // namespace parley::net
