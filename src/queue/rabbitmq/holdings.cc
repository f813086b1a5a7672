#include "queue/rabbitmq/holdings.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "contract/text_scan.h"

namespace parley::queue::rabbitmq {

void Holdings::add(std::unique_ptr<Held> m) {
  m->order = next_order_++;
  if (const auto back = comebacks_.find(m->message.id); back != comebacks_.end()) {
    m->order = back->second.order;
    m->ready = std::max(m->ready, back->second.ready);
    if (keyed_) busy_.erase(busy_.find(back->second.key));
    comebacks_.erase(back);
  }
  const std::uint64_t order = m->order;
  all_[order] = std::move(m);
}

Delivery Holdings::lease_out(Held& m, Instant until) {
  m.lease = fmt::format("{}-{}", prefix_, next_lease_++);
  m.lease_ends = until;
  leases_[m.lease] = &m;
  if (keyed_) busy_.insert(m.message.key);
  Delivery out;
  out.message = m.message;
  out.position = position_of(m.message.id);
  out.lease = m.lease;
  out.attempt = static_cast<int>(m.finished) + 1;
  out.malformed = m.malformed;
  return out;
}

std::vector<Delivery> Holdings::take(Instant now, const LeaseRequest& how, int at_most) {
  std::vector<Delivery> out;
  std::set<std::string_view> skipped;  // keys of which an earlier message is not ready
  std::size_t bytes = 0;
  for (auto& [order, held] : all_) {
    if (static_cast<int>(out.size()) >= std::min(how.max_messages, at_most)) break;
    Held& m = *held;
    if (!m.lease.empty() || m.settling || is_blocked(m)) continue;
    const bool by_key = keyed_ && !m.message.key.empty();
    if (by_key && skipped.contains(m.message.key)) continue;
    if (m.ready > now) {
      if (by_key) skipped.insert(m.message.key);
      continue;
    }
    bytes += m.message.payload.size();
    if (!out.empty() && bytes > how.max_bytes) break;
    out.push_back(lease_out(m, now + how.lease));
  }
  return out;
}

Held* Holdings::leased(const std::string& lease) {
  const auto at = leases_.find(lease);
  return at == leases_.end() ? nullptr : at->second;
}

Held* Holdings::settling(std::uint64_t order) {
  const auto at = all_.find(order);
  return at == all_.end() || !at->second->settling ? nullptr : at->second.get();
}

void Holdings::leave_key(const Held& m) {
  if (m.lease.empty()) return;
  leases_.erase(m.lease);
  if (!keyed_) return;
  if (const auto at = busy_.find(m.message.key); at != busy_.end()) busy_.erase(at);
}

void Holdings::release(Held& m) {
  leave_key(m);
  m.lease.clear();
  m.settling = false;
}

void Holdings::retry(Held& m, Instant ready) {
  release(m);
  ++m.finished;
  m.ready = ready;
}

void Holdings::remove(Held& m) {
  leave_key(m);
  all_.erase(m.order);
}

void Holdings::send_back(Held& m, Instant ready, Instant now) {
  leave_key(m);
  if (keyed_) {
    comebacks_.insert({m.message.id, {m.order, m.message.key, ready, now}});
    busy_.insert(m.message.key);
  }
  all_.erase(m.order);
}

void Holdings::forget_comebacks(Instant before) {
  for (auto at = comebacks_.begin(); at != comebacks_.end();) {
    if (at->second.since >= before) {
      ++at;
      continue;
    }
    busy_.erase(busy_.find(at->second.key));
    at = comebacks_.erase(at);
  }
}

void Holdings::clear() {
  leases_.clear();
  busy_.clear();
  comebacks_.clear();
  all_.clear();
}

std::size_t Holdings::count_of(int generation) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [&](const auto& entry) { return entry.second->generation == generation; }));
}

Instant Holdings::next_change(Instant now) const {
  Instant next = Instant::max();
  for (const auto& [order, m] : all_) {
    if (m->settling) continue;
    const Instant when = std::max(m->lease.empty() ? m->ready : m->lease_ends, m->again);
    if (when > now || !m->lease.empty()) next = std::min(next, when);
  }
  return next;
}

Error lease_lost() {
  return Error(Code::failed_precondition, Blame::caller,
               "this lease is over: it ran out, was settled, or the connection to RabbitMQ broke")
      .with_reason("lease_lost");
}

Position position_of(const std::string& id) {
  const bool fits = contract::is_utf8(id) && !id.empty() && id.size() <= 128 &&
                    std::ranges::none_of(id, [](unsigned char c) { return c <= ' '; });
  return fits ? id : fmt::format("digest-{:016x}", std::hash<std::string>()(id));
}

}  // namespace parley::queue::rabbitmq
