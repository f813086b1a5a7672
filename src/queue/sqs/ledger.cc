#include "queue/sqs/ledger.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

namespace parley::queue::sqs {
namespace {

constexpr Duration dedup_window = std::chrono::minutes(5);  // of FIFO queues; SQS has no other
constexpr Duration sweep_every = std::chrono::seconds(5);
constexpr std::size_t most_not_counted = 100'000;  // messages; beyond, a receive counts as an attempt again

std::string random_word() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

}  // namespace

// A token is "PROCESS.NUMBER.RECEIPT": what is left of it after a restart, or at another node, is the receipt.
Ledger::Ledger() : process_(random_word() + ".") {}

Duration Lease::may_hide(Instant now) const {
  constexpr Duration most = std::chrono::hours(12) - std::chrono::minutes(1);
  return std::max(Duration::zero(), received + most - now);
}

std::string Ledger::lend(std::shared_ptr<const Lease> lease, Instant now) {
  const std::lock_guard lock(lock_);
  sweep(now);
  std::string token = fmt::format("{}{}.{}", process_, ++last_, lease->receipt);
  const Instant until = lease->until;
  leases_.emplace(token, Lent{.lease = std::move(lease), .until = until});
  return token;
}

Ledger::Found Ledger::find(std::string_view token, Instant now) const {
  if (!token.starts_with(process_)) {
    const auto dot = token.find('.', token.find('.') + 1);
    return {.lease = nullptr, .receipt = dot == std::string_view::npos ? "" : std::string(token.substr(dot + 1))};
  }
  const std::lock_guard lock(lock_);
  const auto at = leases_.find(std::string(token));
  if (at == leases_.end() || at->second.taken || at->second.until <= now) return {};
  return {.lease = at->second.lease, .receipt = at->second.lease->receipt};
}

void Ledger::extend(std::string_view token, Instant until) {
  const std::lock_guard lock(lock_);
  const auto at = leases_.find(std::string(token));
  if (at != leases_.end()) at->second.until = until;
}

bool Ledger::take(std::string_view token) {
  const std::lock_guard lock(lock_);
  const auto at = leases_.find(std::string(token));
  return at != leases_.end() && !std::exchange(at->second.taken, true);
}

void Ledger::give_back(std::string_view token) {
  const std::lock_guard lock(lock_);
  const auto at = leases_.find(std::string(token));
  if (at != leases_.end()) at->second.taken = false;
}

void Ledger::forget(std::string_view token) {
  const std::lock_guard lock(lock_);
  leases_.erase(std::string(token));
}

void Ledger::sweep(Instant now) {
  if (now < swept_ + sweep_every) return;
  swept_ = now;
  std::erase_if(leases_, [now](const auto& each) { return each.second.until <= now && !each.second.taken; });
  std::erase_if(published_, [now](const auto& each) { return each.second.until <= now; });
}

void Ledger::not_counted(const std::string& message_id) {
  const std::lock_guard lock(lock_);
  if (not_counted_.size() >= most_not_counted) not_counted_.clear();
  ++not_counted_[message_id];
}

int Ledger::not_counted_of(const std::string& message_id) const {
  const std::lock_guard lock(lock_);
  const auto at = not_counted_.find(message_id);
  return at == not_counted_.end() ? 0 : at->second;
}

std::optional<Ledger::First> Ledger::first_of(const std::string& dedup_key, First own, Instant now) {
  const std::lock_guard lock(lock_);
  sweep(now);
  const auto [at, is_new] = published_.try_emplace(dedup_key, Remembered{.first = own, .until = now + dedup_window});
  if (is_new) return std::nullopt;
  if (at->second.first.message_id == own.message_id) return at->second.first;
  at->second = {.first = std::move(own), .until = now + dedup_window};
  return std::nullopt;
}

std::optional<bool> Ledger::paused(const std::string& queue, Instant now) const {
  const std::lock_guard lock(lock_);
  const auto at = pauses_.find(queue);
  return at == pauses_.end() || at->second.until <= now ? std::nullopt : std::optional(at->second.paused);
}

void Ledger::set_paused(const std::string& queue, bool paused, Instant until) {
  const std::lock_guard lock(lock_);
  pauses_[queue] = {.paused = paused, .until = until};
}

bool Ledger::claim_mover(const std::string& queue) {
  const std::lock_guard lock(lock_);
  return movers_.insert(queue).second;
}

void Ledger::leave_mover(const std::string& queue) {
  const std::lock_guard lock(lock_);
  movers_.erase(queue);
}

std::size_t Ledger::leased(const std::string& queue, Instant now) const {
  const std::lock_guard lock(lock_);
  return static_cast<std::size_t>(std::ranges::count_if(
      leases_, [&](const auto& each) { return each.second.lease->queue == queue && each.second.until > now; }));
}

Ledger::Waiting::Waiting(Ledger& ledger, std::string queue) : ledger_(ledger), queue_(std::move(queue)) {
  const std::lock_guard lock(ledger_.lock_);
  ++ledger_.waiting_[queue_];
}
Ledger::Waiting::~Waiting() {
  const std::lock_guard lock(ledger_.lock_);
  if (--ledger_.waiting_[queue_] == 0) ledger_.waiting_.erase(queue_);
}

bool Ledger::is_waited_for(const std::string& queue) const {
  const std::lock_guard lock(lock_);
  return waiting_.contains(queue);
}

void Ledger::forget_queue(const std::string& queue) {
  const std::lock_guard lock(lock_);
  pauses_.erase(queue);
  std::erase_if(leases_, [&](const auto& each) { return each.second.lease->queue == queue; });
}

}  // namespace parley::queue::sqs
