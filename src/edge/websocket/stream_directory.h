// Where the shards of a node meet: which shard has a shared stream, and the way there. Both are thread-safe; a stream
// passes here when it begins, is joined from another shard for the first time, and ends, its messages never do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace parley {
class Shard;
}

namespace parley::edge::websocket {

class SharedStreams;

// A way to the hub of a shard, which may be gone: the hub closes it before its shard ends.
class Mailbox {
 public:
  Mailbox(Shard& shard, SharedStreams& hub) : shard_(&shard), hub_(&hub) {}
  // Any thread. `work` runs on the hub's shard, if the hub is there then. False, and `work` is dropped, once it is
  // closed.
  static bool deliver(const std::shared_ptr<Mailbox>& to, std::function<void(SharedStreams&)> work);
  // On the hub's shard.
  void close();

 private:
  std::mutex lock_;
  Shard* shard_;
  SharedStreams* hub_;  // read on its shard
};
using MailboxPtr = std::shared_ptr<Mailbox>;

struct StreamPlace {
  MailboxPtr owner;      // of the shard that makes the call
  std::uint64_t id = 0;  // no other stream of the node has it
  std::string epoch;     // what its positions begin with: no other stream's do, in this process or another
};

class StreamDirectory {
 public:
  // Where the stream of `key` is. One that is nowhere is from now on with `me`.
  StreamPlace find_or_claim(const std::string& key, const MailboxPtr& me);
  // Nobody joins it any more: whoever asks for the key next has a new stream.
  void release(const std::string& key, std::uint64_t id);

 private:
  std::mutex lock_;
  std::unordered_map<std::string, StreamPlace> places_;
  std::uint64_t last_id_ = 0;
};

}  // namespace parley::edge::websocket
