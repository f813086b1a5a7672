#include "edge/websocket/stream_directory.h"

#include <random>

#include "loop/shard.h"

namespace parley::edge::websocket {
namespace {

std::string new_epoch() {
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  static thread_local std::mt19937_64 random{std::random_device{}()};
  std::string out;
  for (int i = 0; i < 10; ++i) out += digits[random() % digits.size()];
  return out;
}

}  // namespace

bool Mailbox::deliver(const std::shared_ptr<Mailbox>& to, std::function<void(SharedStreams&)> work) {
  const std::scoped_lock lock(to->lock_);
  if (to->shard_ == nullptr) return false;
  to->shard_->post([to, work = std::move(work)] {
    if (to->hub_ != nullptr) work(*to->hub_);
  });
  return true;
}

void Mailbox::close() {
  const std::scoped_lock lock(lock_);
  shard_ = nullptr;
  hub_ = nullptr;
}

StreamPlace StreamDirectory::find_or_claim(const std::string& key, const MailboxPtr& me) {
  const std::scoped_lock lock(lock_);
  const auto [at, is_new] = places_.try_emplace(key);
  if (is_new) at->second = {.owner = me, .id = ++last_id_, .epoch = new_epoch()};
  return at->second;
}

void StreamDirectory::release(const std::string& key, std::uint64_t id) {
  const std::scoped_lock lock(lock_);
  const auto at = places_.find(key);
  if (at != places_.end() && at->second.id == id) places_.erase(at);
}

}  // namespace parley::edge::websocket
