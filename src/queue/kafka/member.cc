#include "queue/kafka/member.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/kafka/error.h"
#include "queue/retry.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration longest_poll = std::chrono::seconds(1);
constexpr Duration start_again = std::chrono::seconds(1);
constexpr Duration expiry_scan = std::chrono::seconds(1);
constexpr Duration bury_again = std::chrono::seconds(1);  // where the dead letters did not take it
constexpr Duration longest_close = std::chrono::seconds(5);
constexpr int close_poll_ms = 20;
constexpr Duration longest_step = std::chrono::milliseconds(100);  // of closing: more is not waiting, but being stopped

constexpr int batch = 500;  // messages between two looks at the inbox

// librdkafka before 2.3 aborts the process if a member that is about to get its first assignment is destroyed (its
// issue 4312), and before 2.4 destroying one waits for ever that was given partitions while it closed (4527). Such a
// member stays until the process ends.
void leave_alive(Client client) {
  rd_kafka_set_log_level(client.get(), 0);  // what it would still say comes when the log is gone
  static std::mutex mutex;
  static auto* left = new std::vector<Client>;  // never destroyed
  const std::lock_guard lock(mutex);
  left->push_back(std::move(client));
}

std::string random_prefix() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

Member::Member(Cluster& cluster, Producer& producer, const WallClock& clock, Options options)
    : producer_(producer), clock_(clock), options_(std::move(options)), lease_prefix_(random_prefix()) {
  context_.cluster = &cluster;
  context_.member = this;
  thread_ = std::thread([this] { run(); });
}

Member::~Member() {
  stop();
  thread_.join();
}

void Member::stop() {
  inbox_->put([this] { stopping_ = true; });
}

void Member::put(Inbox::Work work) { inbox_->put(std::move(work)); }

void Member::lease(LeaseRequest request, const void* owner, Report<std::vector<Delivery>> report) {
  put([this, request = std::move(request), owner, report = std::move(report)] {
    last_asked_ = Clock::now();
    waiting_.push_back({.request = request, .owner = owner, .report = report});
  });
}

void Member::cancel(const void* owner, std::optional<Error> why) {
  put([this, owner, why = std::move(why)] {
    std::erase_if(waiting_, [&](const Waiting& w) {
      if (w.owner != owner) return false;
      w.report(why ? Result<std::vector<Delivery>>(fail(*why)) : std::vector<Delivery>());
      return true;
    });
  });
}

void Member::extend(std::string lease, Duration by, Report<void> report) {
  put([this, lease = std::move(lease), by, report = std::move(report)] {
    auto leased = find_lease(lease);
    if (!leased) return report(fail(leased.error()));
    held_.at(leased->where).window.extend(leased->offset, Clock::now() + by);
    report({});
  });
}

void Member::settle(std::string lease, Settlement how, Report<void> report) {
  put([this, lease = std::move(lease), how = std::move(how), report = std::move(report)] {
    do_settle(lease, how, report);
  });
}

void Member::change(Consumer consumer, Duration ttl) {
  put([this, consumer = std::move(consumer), ttl] {
    options_.consumer = consumer;
    options_.ttl = ttl;
  });
}

void Member::pause(bool paused) {
  put([this, paused] { options_.paused = paused; });
}

void Member::look(bool with_entries, Report<Holding> report) {
  put([this, with_entries, report = std::move(report)] {
    Holding holding;
    holding.in_group = subscribed_;
    holding.is_paused = options_.paused;
    holding.waiting = waiting_.size();
    for (const auto& [where, held] : held_) {
      holding.next[where] = held.window.next();
      holding.progress[where] = held.window.progress();
      holding.leased += held.window.count(Window::State::leased);
      holding.delayed += held.window.count(Window::State::delayed);
      if (!with_entries) continue;
      for (const auto& [offset, e] : held.window.entries()) {
        holding.entries[where].push_back(
            {.offset = offset, .state = e.state, .attempts = e.attempts, .due = e.due, .record = e.record});
      }
    }
    report(std::move(holding));
  });
}

void Member::run() {
  while (!stopping_) {
    if (!client_) {
      if (auto started = start(); !started) {
        log::error("{}: {}", options_.source.name, started.error().message());
        fail_waiting(started.error());
        std::this_thread::sleep_for(start_again);
      }
    }
    for (const Inbox::Work& work : inbox_->take()) work();
    if (!client_) continue;
    if (!waiting_.empty()) join();
    tick();
    poll(wait_time());
  }
  close();
}

void Member::poll(Duration wait) {
  for (int i = 0; i < batch; ++i) {
    const std::unique_ptr<rd_kafka_message_t, void (*)(rd_kafka_message_t*)> message(
        rd_kafka_consumer_poll(client_.get(), i == 0 ? to_ms(wait) : 0), rd_kafka_message_destroy);
    if (!message) return;
    take(*message);
  }
}

void Member::take(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const std::string topic = rd_kafka_topic_name(message.rkt);
    const LogPartition from{.log = topic == options_.names.log ? 0 : 1, .partition = message.partition};
    const auto held = held_.find(from);
    if (held == held_.end()) return;
    held->second.window.add(to_record(message), now());
    return regulate(from, held->second);
  }
  if (is_passing(message.err)) return;
  const Error error = context_.cluster->explain(message.err, "consuming " + options_.names.log);
  log::warn("{}", error.text());
  fail_waiting(error);
}

Duration Member::wait_time() const {
  Instant until = Clock::now() + longest_poll;
  const auto sooner = [&](Instant other) { until = std::min(until, other); };
  for (const auto& [where, held] : held_) {
    if (const auto next = held.window.next_tick()) sooner(*next);
  }
  for (const Waiting& w : waiting_) {
    if (!w.request.wait.is_never()) sooner(w.request.wait.when());
  }
  if (leaving_) sooner(std::min(leaving_->deadline, Clock::now() + std::chrono::milliseconds(50)));
  if (arriving_) sooner(arrive_at_);
  if (!unsaved_.empty() && !committing_) sooner(save_at_);
  return std::max<Duration>(until - Clock::now(), Duration::zero());
}

void Member::tick() {
  const Instant moment = Clock::now();
  for (auto& [where, held] : held_) {
    for (const std::uint64_t lease : held.window.tick(moment)) {
      const auto ended = leases_.extract(lease);
      if (!ended.empty()) bury_if_used_up(where, held, ended.mapped().offset);
    }
  }
  if (arriving_ && moment >= arrive_at_) arrive();
  hand_out();
  save();
  leave_when_drained();
  leave_if_idle();
  for (auto& [where, held] : held_) regulate(where, held);
}

bool Member::may_hand_out() const {
  return !options_.paused && leases_.size() < static_cast<std::size_t>(std::max(options_.consumer.in_flight, 1));
}

void Member::hand_out() {
  if (Clock::now() >= next_expiry_scan_ && options_.ttl != Duration::zero()) {
    next_expiry_scan_ = Clock::now() + expiry_scan;
    for (auto& [where, held] : held_) {
      std::vector<std::int64_t> waiting;
      for (const auto& [offset, e] : held.window.entries()) {
        if (e.state == Window::State::waiting) waiting.push_back(offset);
      }
      for (const std::int64_t offset : waiting) bury_if_expired(where, held, offset);
    }
  }
  while (!waiting_.empty()) {
    Waiting& first = waiting_.front();
    std::vector<Delivery> deliveries = fill(first.request);
    if (deliveries.empty()) break;
    const Waiting served = std::move(first);
    waiting_.pop_front();
    give(std::move(deliveries), served);
  }
  std::erase_if(waiting_, [&](const Waiting& w) {
    if (!w.request.wait.passed(Clock::now())) return false;
    w.report(std::vector<Delivery>());
    return true;
  });
}

void Member::give(std::vector<Delivery> deliveries, const Waiting& to) {
  std::optional<LogPartition> suspect;
  for (const Delivery& delivery : deliveries) {
    const Leased leased = find_lease(delivery.lease).value();
    if (leased.offset < held_.at(leased.where).suspect_until) suspect = leased.where;
  }
  if (!suspect) return to.report(std::move(deliveries));
  // One commit has all partitions.
  touched(*suspect, [this, deliveries = std::move(deliveries), to](const Result<void>& counted) {
    std::vector<Delivery> out;
    for (const Delivery& delivery : deliveries) {
      const auto leased = find_lease(delivery.lease);
      if (!leased) continue;  // gone with its partition
      Window& window = held_.at(leased->where).window;
      if (counted) {
        window.extend(leased->offset, Clock::now() + to.request.lease);
        out.push_back(delivery);
      } else {
        leases_.erase(window.find(leased->offset)->lease);
        window.release(leased->offset);
      }
    }
    if (!counted && counted.error().reason() != "lease_lost") return to.report(fail(counted.error()));
    to.report(std::move(out));
  });
}

std::vector<Delivery> Member::fill(const LeaseRequest& request) {
  std::vector<Delivery> out;
  std::size_t bytes = 0;
  std::size_t dry = 0;  // partitions in a row that have nothing
  while (dry < held_.size() && std::ssize(out) < std::max(request.max_messages, 1) && may_hand_out()) {
    auto next = held_.upper_bound(last_served_);  // in turns
    if (next == held_.end()) next = held_.begin();
    auto& [where, held] = *next;
    last_served_ = where;
    const auto offset = held.leaving ? std::nullopt : held.window.first_ready();
    ++dry;
    if (!offset) continue;
    const std::size_t size = held.window.find(*offset)->record.value.size();
    if (!out.empty() && bytes + size > request.max_bytes) break;
    dry = 0;
    if (bury_if_expired(where, held, *offset) || bury_if_used_up(where, held, *offset)) continue;
    bytes += size;
    out.push_back(deliver(where, held, *offset, request.lease));
  }
  return out;
}

Delivery Member::deliver(LogPartition where, Held& held, std::int64_t offset, Duration lease) {
  const std::uint64_t number = ++last_number_;
  leases_[number] = {.where = where, .offset = offset};
  const Window::Entry& entry = held.window.lease(offset, number, Clock::now() + lease);
  held.dirty = true;  // the attempt counts even if we do not live to see its end
  Delivery delivery;
  delivery.message = to_message(entry.record, log_name(where.log), where.partition);
  delivery.position = to_position(Place{.in_retry = where.log == 1, .partition = where.partition, .offset = offset});
  delivery.lease = fmt::format("{}-{}", lease_prefix_, number);
  delivery.attempt = entry.attempts;
  return delivery;
}

bool Member::bury_if_expired(LogPartition where, Held& held, std::int64_t offset) {
  const Window::Entry& entry = *held.window.find(offset);
  const auto until = expiry(entry.record, options_.ttl);
  if (!until || *until > clock_.now()) return false;
  bury(where, offset, "expired", nullptr);
  return true;
}

bool Member::bury_if_used_up(LogPartition where, Held& held, std::int64_t offset) {
  const Window::Entry& entry = *held.window.find(offset);
  if (!entry.is_cut_off || entry.attempts < std::max(1, options_.consumer.retry.attempts)) return false;
  bury(where, offset, used_up_text(entry.attempts), nullptr);
  return true;
}

Result<Member::Leased> Member::find_lease(const std::string& lease) const {
  const std::size_t dash = lease.find('-');
  std::uint64_t number = 0;
  if (dash != std::string::npos && lease.substr(0, dash) == lease_prefix_) {
    std::from_chars(lease.data() + dash + 1, lease.data() + lease.size(), number);
  }
  const auto found = leases_.find(number);
  if (found != leases_.end()) return found->second;
  return fail(lease_lost("the lease ran out, its partition moved to another node, or it was settled before"));
}

void Member::do_settle(const std::string& lease, const Settlement& how, Report<void> report) {
  auto found = find_lease(lease);
  if (!found) return report(fail(found.error()));
  const auto [where, offset] = *found;
  Window& window = held_.at(where).window;
  leases_.erase(window.find(offset)->lease);
  switch (how.kind) {
    case Settlement::Kind::done: window.settle(offset); break;
    case Settlement::Kind::retry: window.retry(offset, how.delay, now()); break;
    case Settlement::Kind::release: window.release(offset); break;
    case Settlement::Kind::dead: return bury(where, offset, how.reason, report);
  }
  touched(where, std::move(report));
}

void Member::touched(LogPartition where, Report<void> report) {
  held_.at(where).dirty = true;
  if (report) unsaved_.push_back({.where = where, .report = std::move(report), .since = Clock::now()});
}

void Member::bury(LogPartition where, std::int64_t offset, std::string reason, const Report<void>& report) {
  Held& held = held_.at(where);
  const Window::Entry& entry = *held.window.find(offset);
  const Record record = kafka::bury(entry.record, {.reason = std::move(reason),
                                                   .attempts = entry.attempts,
                                                   .log = log_name(where.log),
                                                   .partition = where.partition,
                                                   .offset = offset,
                                                   .since = clock_.now()});
  held.window.bury(offset);
  const std::uint64_t generation = held.generation;
  producer_.produce(options_.names.dead, -1, record,
                    [this, inbox = inbox_, where, generation, offset, report](Result<Placed> placed) {
                      const bool open = inbox->put([this, where, generation, offset, report, placed] {
                        buried(where, generation, offset, placed, report);
                      });
                      if (!open && report) report(fail(closing_error()));
                    });
}

void Member::buried(LogPartition where, std::uint64_t generation, std::int64_t offset, const Result<Placed>& placed,
                    const Report<void>& report) {
  const auto held = held_.find(where);
  if (held == held_.end() || held->second.generation != generation || held->second.window.find(offset) == nullptr) {
    if (report) report(fail(lease_lost("its partition moved to another node")));
    return;
  }
  if (placed) {
    held->second.window.settle(offset);
    return touched(where, report);
  }
  held->second.window.retry(offset, bury_again, now());
  if (report) report(fail(placed.error()));
}

void Member::fail_waiting(const Error& error) {
  for (const Waiting& w : std::exchange(waiting_, {})) w.report(fail(error));
}

void Member::close() {
  closing_ = true;
  fail_waiting(closing_error());
  if (client_) {
    // Both the last commit and leaving the group wait for the coordinator, which may be down: not for ever.
    const auto serve_while = [this](auto busy, Duration longest) {
      for (Instant last = Clock::now(); busy() && longest > Duration::zero();) {
        if (auto* message = rd_kafka_consumer_poll(client_.get(), close_poll_ms)) rd_kafka_message_destroy(message);
        // A process that was stopped for a while has not waited for an answer: it leaves the group all the same.
        const Instant moment = Clock::now();
        longest -= std::min(moment - std::exchange(last, moment), longest_step);
      }
    };
    serve_while([this] { return save(), committing_; }, longest_close / 2);
    settle_rebalance();
    if (rd_kafka_error_t* error = rd_kafka_consumer_close_queue(client_.get(), queue_.get())) {
      rd_kafka_error_destroy(error);
    }
    serve_while([this] { return rd_kafka_consumer_closed(client_.get()) == 0; }, longest_close / 2);
  }
  for (const Inbox::Work& work : inbox_->close()) work();
  for (auto* list : {&unsaved_, &saving_}) {
    for (const Unsaved& u : *list) u.report(fail(closing_error()));
  }
  fail_waiting(closing_error());
  queue_.reset();
  const bool has_closed = client_ && rd_kafka_consumer_closed(client_.get()) != 0;
  if (joined_once_ && (!assigned_once_ || !has_closed)) leave_alive(std::move(client_));
  client_.reset();
}

}  // namespace parley::queue::kafka
