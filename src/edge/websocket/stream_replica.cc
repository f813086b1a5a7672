#include "edge/websocket/stream_replica.h"

#include <algorithm>
#include <utility>

#include "edge/websocket/shared_streams.h"

namespace parley::edge::websocket {
namespace {

// Each socket's share of a frame is counted, and a count that two cores write is slow for both. A short frame is
// copied, which costs once what each socket would pay; of a long one the writing outweighs the counting.
constexpr std::size_t copied_below = 4096;

Bytes of_this_shard(const Bytes& frame) { return frame.size() < copied_below ? Bytes::copy_of(frame.view()) : frame; }

}  // namespace

StreamReplica::StreamReplica(SharedStreams& hub, std::string key, const Call& like, StreamPlace place,
                             std::uint64_t number)
    : SharedStream(hub, std::move(key), like, std::move(place)), number_(number) {
  joined_ = true;  // whoever made the source read it first
}

void StreamReplica::reader_came(Format format) {
  const bool is_new = std::ranges::none_of(wanted_, [](bool wanted) { return wanted; });
  if (std::exchange(wanted_.at(static_cast<std::size_t>(format)), true)) return;
  const auto ask = [stream = place_.id, from = hub_.mailbox(), number = number_, is_new, format](SharedStreams& owner) {
    owner.follow(stream, from, number, format, is_new);
  };
  if (!Mailbox::deliver(place_.owner, ask) && is_new) gone();
}

void StreamReplica::readers_left() {
  (void)Mailbox::deliver(place_.owner, [stream = place_.id, from = hub_.mailbox(), number = number_](
                                           SharedStreams& owner) { owner.unfollow(stream, from, number); });
  hub_.forget(*this);
}

void StreamReplica::take(StreamBatch batch) {
  open_ = true;
  if (batch.first > ring_.next()) ring_.skip_to(batch.first);
  for (Ring::Entry& entry : batch.entries) {
    for (Bytes& frame : entry.frames) frame = of_this_shard(frame);
    ring_.push(std::move(entry));
  }
  if (batch.headers) headers_ = std::move(batch.headers);
  if (batch.end) {
    end_ = std::move(*batch.end);
    ended_ = true;
    hub_.forget(*this);
  } else {
    (void)Mailbox::deliver(place_.owner, [stream = place_.id, from = hub_.mailbox(), number = number_](
                                             SharedStreams& owner) { owner.acknowledge(stream, from, number); });
  }
  tell();
}

void StreamReplica::gone() {
  ended_ = true;
  hub_.retire(*this);  // whoever asks next is not sent there again
  hub_.forget(*this);
  tell();
}

}  // namespace parley::edge::websocket
