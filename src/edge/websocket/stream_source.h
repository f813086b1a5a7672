// StreamSource: the one call behind a shared stream, on the shard that was asked for the stream first. It numbers the
// messages, keeps the last ones, and feeds the replicas of other shards.
//
// A replica gets what a turn of the loop brought in one post, and acknowledges it. At most two batches are under way to
// it; what comes meanwhile waits in the ring, which is bounded. Shards are waited for a little, so that one which is
// only busy misses nothing; clients never are.
#pragma once

#include <array>
#include <deque>
#include <map>

#include "call/handler.h"
#include "edge/websocket/shared_stream.h"
#include "loop/shard.h"
#include "loop/timer.h"

namespace parley::edge::websocket {

class StreamSource final : public SharedStream {
 public:
  // Use SharedStreams::join.
  StreamSource(SharedStreams& hub, std::string key, const Call& like, Bytes request, StreamPlace place);

  // The call, to its end.
  static Task<void> run(std::shared_ptr<StreamSource> self, HandlerPtr handler);
  // Ends the call. Nobody joins the stream any more.
  void cancel(Error why);
  bool is_cancelled() const { return call_.cancelled().has_value(); }
  // Where nobody reads it, here or on another shard, it waits a while for readers; not while the hub drains.
  void look_for_readers();

  // Of replicas: `follower` is a number that the replica's shard has given it.
  void follow(const MailboxPtr& from, std::uint64_t follower, Format format);
  void acknowledge(const MailboxPtr& from, std::uint64_t follower);
  void unfollow(const MailboxPtr& from, std::uint64_t follower);
  // Some reader of some replica takes frames of this format.
  void want(Format format) { wanted_.at(static_cast<std::size_t>(format)) = true; }

 private:
  struct Follower {
    std::uint64_t next = 1;          // message
    std::deque<std::uint64_t> sent;  // for each batch under way, the bytes of the stream up to its end
    std::uint64_t acknowledged = 0;  // bytes of the stream
    bool is_new = true;
    bool has_headers = false;
    bool is_late = false;  // was waited for in vain: it may miss messages until it has caught up
  };
  using FollowerKey = std::pair<MailboxPtr, std::uint64_t>;
  using Followers = std::map<FollowerKey, Follower>;

  void reader_came(Format format) override;
  void readers_left() override { look_for_readers(); }
  void give_headers();
  void close();
  // What is new for followers goes to them.
  void feed();
  bool feed(Followers::value_type& follower);
  bool has_news(const Follower& follower) const;
  StreamBatch next_batch(Follower& follower);
  void make_frames(std::uint64_t number);
  bool is_behind(const Follower& follower) const;
  bool must_wait() const;
  Task<void> wait_for_followers();
  void lose_patience();

  Call call_;
  Followers followers_;
  std::array<bool, 2> wanted_{};  // by format
  TurnHook feed_hook_;
  Timer linger_;
  Timer patience_;
  Signal acknowledged_;
};

}  // namespace parley::edge::websocket
