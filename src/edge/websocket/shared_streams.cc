#include "edge/websocket/shared_streams.h"

#include <random>

#include "loop/shard.h"

namespace parley::edge::websocket {
namespace {

constexpr Duration linger_time = std::chrono::seconds(30);  // without a reader
// Of messages within a turn of the loop, before sockets get their chance to send them.
constexpr std::size_t bytes_a_turn = std::size_t{64} << 10;

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

// Of one stream: no position of an earlier one, in this process or another, is taken for one of its own.
std::string new_epoch() {
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  static thread_local std::mt19937_64 random{std::random_device{}()};
  std::string out;
  for (int i = 0; i < 10; ++i) out += digits[random() % digits.size()];
  return out;
}

void append_part(std::string& key, std::string_view part) {
  key.append(std::to_string(part.size())).append(":").append(part);
}

std::string key_of(const Call& call, const Bytes& request) {
  // Streams of an old contract are not joined; the stream's call keeps its contract, so no other has its address.
  std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(&call.contract())) + ";";
  append_part(key, call.method().path);
  append_part(key, request.view());
  for (const std::string& name : call.method().stream.metadata) {
    for (const std::string_view value : call.metadata.all(name)) append_part(key, value);
    key += ';';
  }
  return key;
}

}  // namespace

SharedStream::SharedStream(SharedStreams& hub, std::string key, const Call& like, Bytes request)
    : hub_(hub),
      key_(std::move(key)),
      call_(like.contract_pointer(), like.method(), "websocket"),
      ring_(*like.method().output, {.messages = like.method().stream.history}, new_epoch()),
      linger_(
          [](void* self) {
            static_cast<SharedStream*>(self)->call_.cancel(
                Error(Code::cancelled, Blame::caller, "nobody reads the shared stream any more")
                    .with_reason("no_reader"));
          },
          this) {
  for (const std::string& name : call_.method().stream.metadata) {
    for (const std::string_view value : like.metadata.all(name)) call_.metadata.add(name, value);
  }
  call_.caller.address = like.caller.address;
  call_.requests.push(std::move(request));
  call_.requests.end();
}

void SharedStream::tell() {
  for (Signal* reader : readers_) reader->notify();
}

Task<void> SharedStream::run(std::shared_ptr<SharedStream> self, HandlerPtr handler) {
  Call& call = self->call_;
  TaskGroup answering;
  answering.spawn(answer(*handler, call));
  co_await call.wait_headers();
  self->has_headers_ =
      call.has_headers() && (!call.is_finished() || call.replies.count() > 0 || call.status() == nullptr);
  self->tell();
  std::size_t this_turn = 0;
  for (;;) {
    auto message = co_await call.replies.read();
    if (!message || !*message) break;
    this_turn += (*message)->size();
    self->ring_.push(std::move(**message));
    self->tell();
    if (this_turn < bytes_a_turn) continue;
    this_turn = 0;
    co_await NextTurn();
  }
  co_await answering.join();
  self->linger_.clear();
  self->ended_ = true;
  const auto at = self->hub_.streams_.find(self->key_);
  if (at != self->hub_.streams_.end() && at->second == self) self->hub_.streams_.erase(at);
  self->tell();
}

SharedStream::Reader::Reader(std::shared_ptr<SharedStream> stream, Signal& changed)
    : stream_(std::move(stream)),
      at_(stream_->readers_.insert(stream_->readers_.end(), &changed)),
      first_(!std::exchange(stream_->joined_, true)) {
  stream_->linger_.clear();
}

SharedStream::Reader::~Reader() {
  stream_->readers_.erase(at_);
  if (!stream_->readers_.empty() || stream_->ended_) return;
  Shard& shard = Shard::current();
  stream_->linger_.set(shard.timers(),
                       Deadline::after(shard.now(), stream_->hub_.draining_ ? Duration::zero() : linger_time));
}

std::shared_ptr<SharedStream> SharedStreams::join(const Call& call, const Bytes& request, const HandlerPtr& handler) {
  const std::string key = key_of(call, request);
  const auto at = streams_.find(key);
  if (at != streams_.end() && !at->second->call_.cancelled()) return at->second;
  auto stream = std::make_shared<SharedStream>(*this, key, call, request);
  streams_.insert_or_assign(key, stream);
  if (draining_) stream->call_.cancel(Error(Code::unavailable, Blame::us, "Parley stops").with_reason("draining"));
  tasks_.spawn(SharedStream::run(stream, handler));
  return stream;
}

Task<void> SharedStreams::drain() {
  draining_ = true;
  const auto streams = streams_;
  for (const auto& [key, stream] : streams)
    stream->call_.cancel(Error(Code::unavailable, Blame::us, "Parley stops").with_reason("draining"));
  co_await tasks_.join();
}

}  // namespace parley::edge::websocket
