#include "queue/remote/publish_link.h"

#include <algorithm>

namespace parley::queue::remote {
namespace {

using std::chrono::seconds;

constexpr Duration patience = seconds(30);
constexpr Duration stream_life = seconds(1);
constexpr int most_refusals = 3;
// Below what the other side takes on a stream at once (route/local/messages/publish_stream.cc): it never stops reading
// in the middle, and so keeps the order from one stream to the next.
constexpr std::size_t max_in_flight = 2048;
constexpr std::size_t max_in_flight_bytes = std::size_t{8} << 20;

std::string frame_of(std::uint64_t tag, Publish request) {
  const api::PublishStreamRequest message{.tag = tag,
                                          .publish = {.queue = std::move(request.to),
                                                      .message = api::to_api(request.message),
                                                      .dedup_key = std::move(request.dedup),
                                                      .due_time = request.due,
                                                      .delay = {},
                                                      .expire_time = request.expires}};
  std::string frame;
  frame.reserve(message.publish.message.payload.size() + 512);
  frame.resize(wire::frame_prefix_size);
  api::append_wire(frame, message);
  const auto prefix = wire::grpc_frame_prefix(0, frame.size() - wire::frame_prefix_size);
  std::ranges::copy(prefix, frame.begin());
  return frame;
}

// Errors that say what became of a message that was sent.
bool is_definite(const Error& error) {
  switch (error.code()) {
    case Code::permission_denied:
    case Code::unauthenticated:
    case Code::unimplemented:
    case Code::not_found: return true;
    default: return false;
  }
}

Error not_known(const Error& why) {
  if (is_definite(why)) return why;
  return Error(why.code(), why.blame(), why.message() + "; the message may be stored there, or not")
      .with_reason(std::string(why.reason()));
}

}  // namespace

PublishLink::PublishLink(Shard& shard, NodeClient& client)
    : shard_(shard),
      client_(client),
      hook_([](void* self) { static_cast<PublishLink*>(self)->flush(); }, this),
      end_of_stream_([](void* self) { static_cast<PublishLink*>(self)->end_stream(); }, this),
      late_([](void* self) { static_cast<PublishLink*>(self)->sweep(); }, this) {}

Task<Result<Receipt>> PublishLink::publish(Publish request) {
  auto one = std::make_shared<Sending>();
  one->tag = ++last_tag_;
  one->frame = frame_of(one->tag, std::move(request));
  one->until = shard_.now() + patience;
  queued_.push_back(one);
  if (!late_.is_set()) sweep_later();
  shard_.at_turn_end(hook_);
  while (!one->outcome) co_await one->done.wait();
  co_return std::move(*one->outcome);
}

// At the end of a turn: all that it published goes with one write.
void PublishLink::flush() {
  send();
  if (running_ || queued_.empty()) return;
  running_ = true;
  tasks_.spawn(run());
}

void PublishLink::send() {
  if (exchange_ == nullptr) return;
  std::string batch;
  while (!queued_.empty() && sent_.size() < max_in_flight && sent_bytes_ < max_in_flight_bytes) {
    batch += queued_.front()->frame;
    sent_bytes_ += queued_.front()->frame.size();
    sent_.push_back(std::move(queued_.front()));
    queued_.pop_front();
  }
  if (!batch.empty()) exchange_->request_body().push(Bytes(std::move(batch)));
}

Task<void> PublishLink::run() {
  while (!queued_.empty()) co_await stream();
  running_ = false;
}

Task<void> PublishLink::stream() {
  constexpr Duration longest = stream_life + patience;
  auto opened = co_await client_.open("/parley.Queues/PublishStream", longest);
  if (!opened) co_return fail_queued(opened.error());
  Replies replies(client_, **opened, longest);
  exchange_ = opened->get();
  any_answer_ = false;
  end_of_stream_.set(shard_.timers(), Deadline::after(shard_.now(), stream_life));
  send();
  auto why = co_await read_answers(replies);
  exchange_ = nullptr;
  end_of_stream_.clear();
  if (!why) why = client_.here(Error(Code::unavailable, Blame::upstream, "it ended the stream of messages early"));
  put_down(*why, why->is_safe_to_retry() && !any_answer_);
}

// No more goes over this one; what is on its way is answered.
void PublishLink::end_stream() {
  if (auto* exchange = std::exchange(exchange_, nullptr)) exchange->finish();
}

Task<std::optional<Error>> PublishLink::read_answers(Replies& replies) {
  for (;;) {
    auto next = co_await replies.next();
    if (!next) co_return std::move(next).error();
    if (!*next) co_return std::nullopt;
    auto response = api::from_wire<api::PublishStreamResponse>((*next)->view());
    if (!response) co_return client_.here(Error(Code::internal, Blame::upstream, "its answer is malformed"));
    answered(std::move(*response));
    if (!queued_.empty()) shard_.at_turn_end(hook_);  // there is room
  }
}

void PublishLink::answered(api::PublishStreamResponse response) {
  any_answer_ = true;
  refusals_ = 0;
  const auto at = std::ranges::lower_bound(sent_, response.tag, {}, [](const SendingPtr& one) { return one->tag; });
  if (at == sent_.end() || (*at)->tag != response.tag) return;  // nobody waits for it any more
  const SendingPtr one = std::move(*at);
  sent_.erase(at);  // mostly the first
  sent_bytes_ -= one->frame.size();
  if (response.error) return one->end(fail(api::error_of(*response.error)));
  one->end(api::from_api(std::move(response.receipt).value_or(api::PublishReceipt{})));
}

// What was sent over a stream that has ended, and not answered.
void PublishLink::put_down(Error why, bool nothing_processed) {
  std::deque<SendingPtr> rest = std::exchange(sent_, {});
  sent_bytes_ = 0;
  if (rest.empty()) return;
  if (nothing_processed && ++refusals_ < most_refusals) {
    queued_.insert(queued_.begin(), rest.begin(), rest.end());
    return;
  }
  if (!nothing_processed) why = not_known(why);
  for (const SendingPtr& one : rest) one->end(fail(why));
}

void PublishLink::fail_queued(const Error& why) {
  for (const SendingPtr& one : std::exchange(queued_, {})) one->end(fail(why));
}

void PublishLink::sweep() {
  const auto is_late = [&](const std::deque<SendingPtr>& some) {
    return !some.empty() && some.front()->until <= shard_.now();
  };
  const Error late = client_.here(Error(Code::deadline_exceeded, Blame::upstream, "it did not answer in time"));
  while (is_late(sent_)) {
    sent_bytes_ -= sent_.front()->frame.size();
    sent_.front()->end(fail(not_known(late)));
    sent_.pop_front();
  }
  while (is_late(queued_)) {
    queued_.front()->end(fail(late));
    queued_.pop_front();
  }
  sweep_later();
}

void PublishLink::sweep_later() {
  const std::deque<SendingPtr>& oldest = sent_.empty() ? queued_ : sent_;
  if (!oldest.empty()) late_.set(shard_.timers(), Deadline::at(oldest.front()->until));
}

}  // namespace parley::queue::remote
