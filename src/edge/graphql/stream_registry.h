// StreamRegistry: which event stream a token belongs to (graphql-sse, PROTOCOL.md, "Single connection mode"). The
// stream, and the requests that feed it, may come over different connections and so to different shards: the one place
// where shards of this edge meet. One a node; thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/deadline.h"

namespace parley {
class Shard;
}

namespace parley::edge {
class GraphqlEdge;
}

namespace parley::edge::graphql {

// A way to an edge and its shard that may be gone: each edge has one, and closes it before its shard ends.
class Mailbox {
 public:
  Mailbox(Shard& shard, GraphqlEdge& edge) : shard_(&shard), edge_(&edge) {}
  // Any thread. False, and `work` is dropped, once it is closed.
  bool post(std::function<void()> work);
  // The same for work with the edge, which runs only while the edge is there.
  static bool deliver(const std::shared_ptr<Mailbox>& to, std::function<void(GraphqlEdge&)> work);
  void close();

 private:
  std::mutex lock_;
  Shard* shard_;
  GraphqlEdge* edge_;  // read on its shard
};
using MailboxPtr = std::shared_ptr<Mailbox>;

class StreamRegistry {
 public:
  // A new token for a stream that is to come; "" where there are too many of those. One that is not taken up within a
  // minute is forgotten.
  std::string reserve(Instant now);
  // The stream comes, on the shard of `home`. False: there is no such token, or it has its stream already (`taken`).
  bool attach(std::string_view token, const MailboxPtr& home, bool& taken);
  void remove(std::string_view token);
  // Where the token's stream is; null where it has none.
  MailboxPtr find(std::string_view token);

 private:
  struct Entry {
    Instant reserved;
    MailboxPtr home;
  };
  std::mutex lock_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::size_t waiting_ = 0;
};

}  // namespace parley::edge::graphql
