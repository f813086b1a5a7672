#include "edge/websocket/stream_source.h"

#include <algorithm>
#include <coroutine>
#include <iterator>

#include "edge/websocket/shared_streams.h"
#include "loop/task_group.h"

namespace parley::edge::websocket {
namespace {

constexpr Duration linger_time = std::chrono::seconds(30);  // without a reader
// Of messages within a turn of the loop, before sockets get their chance to send them; and of a batch. A ring holds
// four times as much, so that no reader that keeps up misses any.
constexpr std::size_t bytes_a_turn = std::size_t{64} << 10;
constexpr std::size_t most_batches = 2;
constexpr std::uint64_t most_behind = 2 * bytes_a_turn;
constexpr Duration patience_time = std::chrono::milliseconds(250);

// Waits for the next turn: connections have then written what this one produced.
class NextTurn {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> who) {
    who_ = who;
    Shard::current().at_turn_end(hook_);
  }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<> who_;
  TurnHook hook_{[](void* self) { Shard::current().resume_later(static_cast<NextTurn*>(self)->who_); }, this};
};

Error no_reader() {
  return Error(Code::cancelled, Blame::caller, "nobody reads the shared stream any more").with_reason("no_reader");
}

}  // namespace

StreamSource::StreamSource(SharedStreams& hub, std::string key, const Call& like, Bytes request, StreamPlace place)
    : SharedStream(hub, std::move(key), like, std::move(place)),
      call_(like.contract_pointer(), like.method(), "websocket"),
      feed_hook_([](void* self) { static_cast<StreamSource*>(self)->feed(); }, this),
      linger_([](void* self) { static_cast<StreamSource*>(self)->cancel(no_reader()); }, this),
      patience_([](void* self) { static_cast<StreamSource*>(self)->lose_patience(); }, this) {
  for (const std::string& name : call_.method().stream.metadata) {
    for (const std::string_view value : like.metadata.all(name)) call_.metadata.add(name, value);
  }
  call_.caller.address = like.caller.address;
  call_.requests.push(std::move(request));
  call_.requests.end();
  open_ = true;
}

Task<void> StreamSource::run(std::shared_ptr<StreamSource> self, HandlerPtr handler) {
  Call& call = self->call_;
  TaskGroup answering;
  answering.spawn(answer(*handler, call));
  co_await call.wait_headers();
  self->give_headers();
  std::size_t this_turn = 0;
  for (;;) {
    auto message = co_await call.replies.read();
    if (!message || !*message) break;
    this_turn += (*message)->size();
    self->ring_.push(std::move(**message));
    self->tell();
    if (!self->followers_.empty()) Shard::current().at_turn_end(self->feed_hook_);
    if (this_turn < bytes_a_turn) continue;
    this_turn = 0;
    co_await NextTurn();
    if (self->must_wait()) co_await self->wait_for_followers();
  }
  co_await answering.join();
  self->close();
}

void StreamSource::give_headers() {
  if (!call_.has_headers()) return;
  if (call_.is_finished() && call_.replies.count() == 0 && call_.status() != nullptr) return;
  headers_ = call_.headers;
  feed();
  tell();
}

void StreamSource::close() {
  linger_.clear();
  patience_.clear();
  if (const Error* status = call_.status()) end_.status = *status;
  end_.trailers = call_.trailers;
  ended_ = true;
  hub_.retire(*this);
  hub_.forget(*this);
  feed();
  followers_.clear();
  tell();
}

void StreamSource::cancel(Error why) {
  hub_.retire(*this);
  call_.cancel(std::move(why));
  acknowledged_.notify();
}

void StreamSource::reader_came(Format) { linger_.clear(); }

void StreamSource::look_for_readers() {
  if (ended_ || !readers_.empty() || !followers_.empty()) return;
  if (hub_.is_draining()) return cancel(Error(Code::unavailable, Blame::us, "Parley stops").with_reason("draining"));
  Shard& shard = Shard::current();
  linger_.set(shard.timers(), Deadline::after(shard.now(), linger_time));
}

void StreamSource::follow(const MailboxPtr& from, std::uint64_t follower, Format format) {
  linger_.clear();
  joined_ = true;
  want(format);
  const auto at = followers_.try_emplace(FollowerKey(from, follower)).first;
  at->second.acknowledged = ring_.bytes_so_far();
  if (!feed(*at)) unfollow(from, follower);
}

void StreamSource::acknowledge(const MailboxPtr& from, std::uint64_t follower) {
  const auto at = followers_.find({from, follower});
  if (at == followers_.end() || at->second.sent.empty()) return;
  at->second.acknowledged = at->second.sent.front();
  at->second.sent.pop_front();
  if (!is_behind(at->second)) at->second.is_late = false;
  if (!feed(*at)) return unfollow(from, follower);
  acknowledged_.notify();
}

void StreamSource::unfollow(const MailboxPtr& from, std::uint64_t follower) {
  followers_.erase({from, follower});
  acknowledged_.notify();
  look_for_readers();
}

void StreamSource::feed() {
  const bool any = !followers_.empty();
  for (auto at = followers_.begin(); at != followers_.end();) at = feed(*at) ? std::next(at) : followers_.erase(at);
  if (any) look_for_readers();
}

// False: its shard is gone.
bool StreamSource::feed(Followers::value_type& follower) {
  auto& [to, state] = follower;
  while (has_news(state)) {
    // A function is copied, a batch should not be.
    auto batch = std::make_shared<StreamBatch>(next_batch(state));
    state.sent.push_back(batch->entries.empty() ? ring_.bytes_so_far() : batch->entries.back().bytes_so_far);
    const bool delivered =
        Mailbox::deliver(to.first, [id = to.second, batch](SharedStreams& hub) { hub.take(id, std::move(*batch)); });
    if (!delivered) return false;
    if (ended_) return true;
  }
  return true;
}

bool StreamSource::has_news(const Follower& follower) const {
  if (ended_ || follower.is_new) return true;  // an end waits for nobody
  if (follower.sent.size() >= most_batches) return false;
  return follower.next < ring_.next() || (has_headers() && !follower.has_headers);
}

// A new follower and an ended stream get all there is.
StreamBatch StreamSource::next_batch(Follower& follower) {
  follower.next = std::max(follower.next, ring_.first());
  const bool all = std::exchange(follower.is_new, false) || ended_;
  StreamBatch batch{.first = follower.next, .entries = {}, .headers = {}, .end = {}};
  if (has_headers() && !std::exchange(follower.has_headers, true)) batch.headers = headers_;
  for (std::size_t bytes = 0; follower.next < ring_.next() && (all || bytes < bytes_a_turn); ++follower.next) {
    if (!all) make_frames(follower.next);
    const Ring::Entry& entry = ring_.entry(follower.next);
    bytes += entry.message.size();
    batch.entries.push_back(entry);
  }
  if (ended_) batch.end = end_;
  return batch;
}

// Here, so that they are made once for all shards. One that cannot be made fails where it is sent.
void StreamSource::make_frames(std::uint64_t number) {
  for (const Format format : {Format::json, Format::proto}) {
    if (wanted_.at(static_cast<std::size_t>(format)) && !ring_.frame(number, format)) return;
  }
}

bool StreamSource::is_behind(const Follower& follower) const {
  return ring_.bytes_so_far() - follower.acknowledged > most_behind;
}

bool StreamSource::must_wait() const {
  if (is_cancelled()) return false;
  return std::ranges::any_of(followers_,
                             [this](const auto& each) { return !each.second.is_late && is_behind(each.second); });
}

Task<void> StreamSource::wait_for_followers() {
  Shard& shard = Shard::current();
  patience_.set(shard.timers(), Deadline::after(shard.now(), patience_time));
  while (must_wait()) co_await acknowledged_.wait();
  patience_.clear();
}

void StreamSource::lose_patience() {
  for (auto& [key, follower] : followers_) follower.is_late = is_behind(follower);
  acknowledged_.notify();
}

}  // namespace parley::edge::websocket
