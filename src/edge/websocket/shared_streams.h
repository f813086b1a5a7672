// Shared streams ((parley.stream) = {share: true}): one call feeds all sockets of this node whose requests are equal.
//
// SharedStreams is the hub of one shard. It belongs to the edge and ends by `drain`; a stream lives as long as its
// call, its sessions, or the time it waits for those that come back. The shard that is the first to be asked for a
// stream makes its call (StreamSource), the others follow it (StreamReplica); the hubs of a node find each other in its
// StreamDirectory and talk by posting.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "call/call.h"
#include "call/handler.h"
#include "edge/websocket/stream_directory.h"
#include "edge/websocket/stream_replica.h"
#include "edge/websocket/stream_source.h"
#include "loop/task_group.h"

namespace parley::edge::websocket {

class SharedStreams {
 public:
  // `directory`: the node's; null where this is its only hub.
  explicit SharedStreams(std::shared_ptr<StreamDirectory> directory);
  SharedStreams(const SharedStreams&) = delete;
  SharedStreams& operator=(const SharedStreams&) = delete;
  ~SharedStreams();

  // The stream of calls that are equal to `call`: its method and contract, `request`, and the metadata that
  // (parley.stream) names. Begins it with `handler` if there is none.
  std::shared_ptr<SharedStream> join(const Call& call, const Bytes& request, const HandlerPtr& handler);
  // Ends all streams that nobody reads, here or on other shards, and the others when their readers go; those that begin
  // later end at once.
  Task<void> drain();
  bool is_draining() const { return draining_; }

  // For its streams.
  const MailboxPtr& mailbox();
  void retire(const SharedStream& stream);  // nobody joins it any more
  void forget(const StreamSource& stream);
  void forget(const StreamReplica& stream);

  // For the hubs of other shards, on this one. `stream` as in the directory; `number`: of the replica on its shard.
  void follow(std::uint64_t stream, const MailboxPtr& from, std::uint64_t number, Format format, bool is_new);
  void unfollow(std::uint64_t stream, const MailboxPtr& from, std::uint64_t number);
  void acknowledge(std::uint64_t stream, const MailboxPtr& from, std::uint64_t number);
  void take(std::uint64_t number, StreamBatch batch);
  void gone(std::uint64_t number);

 private:
  StreamSource* find_source(std::uint64_t stream) const;

  const std::shared_ptr<StreamDirectory> directory_;
  MailboxPtr mailbox_;                                                          // made when it is needed
  std::unordered_map<std::string, std::shared_ptr<SharedStream>> streams_;      // that can be joined, by key
  std::unordered_map<std::uint64_t, StreamSource*> sources_;                    // until their end
  std::unordered_map<std::uint64_t, std::shared_ptr<StreamReplica>> replicas_;  // until they are left
  std::uint64_t last_number_ = 0;                                               // of a replica
  TaskGroup tasks_;
  bool draining_ = false;
};

}  // namespace parley::edge::websocket
