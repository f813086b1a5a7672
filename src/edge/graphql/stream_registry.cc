#include "edge/graphql/stream_registry.h"

#include <array>

#include <openssl/rand.h>

#include "loop/shard.h"

namespace parley::edge::graphql {
namespace {

constexpr std::size_t most_waiting = 10'000;
constexpr Duration patience = std::chrono::minutes(1);

std::string new_token() {
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string token;
  for (const unsigned char byte : bytes) {
    token += digits[byte >> 4U];
    token += digits[byte & 15U];
  }
  return token;
}

}  // namespace

bool Mailbox::post(std::function<void()> work) {
  const std::scoped_lock lock(lock_);
  if (shard_ == nullptr) return false;
  shard_->post(std::move(work));
  return true;
}

bool Mailbox::deliver(const std::shared_ptr<Mailbox>& to, std::function<void(GraphqlEdge&)> work) {
  return to->post([to, work = std::move(work)] {
    if (to->edge_ != nullptr) work(*to->edge_);
  });
}

// On the edge's shard, so that no work is under way.
void Mailbox::close() {
  const std::scoped_lock lock(lock_);
  shard_ = nullptr;
  edge_ = nullptr;
}

std::string StreamRegistry::reserve(Instant now) {
  const std::scoped_lock lock(lock_);
  if (waiting_ >= most_waiting) {
    waiting_ -= std::erase_if(entries_, [&](const auto& each) {
      return each.second.home == nullptr && now - each.second.reserved > patience;
    });
  }
  if (waiting_ >= most_waiting) return {};
  std::string token = new_token();
  if (token.empty()) return token;
  entries_.emplace(token, Entry{.reserved = now, .home = nullptr});
  ++waiting_;
  return token;
}

bool StreamRegistry::attach(std::string_view token, const MailboxPtr& home, bool& taken) {
  const std::scoped_lock lock(lock_);
  const auto at = entries_.find(token);
  taken = at != entries_.end() && at->second.home != nullptr;
  if (at == entries_.end() || taken) return false;
  at->second.home = home;
  --waiting_;
  return true;
}

void StreamRegistry::remove(std::string_view token) {
  const std::scoped_lock lock(lock_);
  if (const auto at = entries_.find(token); at != entries_.end()) entries_.erase(at);
}

MailboxPtr StreamRegistry::find(std::string_view token) {
  const std::scoped_lock lock(lock_);
  const auto at = entries_.find(token);
  return at == entries_.end() ? nullptr : at->second.home;
}

}  // namespace parley::edge::graphql
