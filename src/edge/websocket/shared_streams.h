// Shared streams ((parley.stream) = {share: true}): one call feeds all sockets of this shard whose requests are equal.
//
// On one shard. The hub belongs to the edge and ends by `drain`; a stream lives as long as its call, its sessions, or
// the time it waits for those that come back.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "call/call.h"
#include "call/front.h"
#include "edge/websocket/ring.h"
#include "loop/signal.h"
#include "loop/task_group.h"
#include "loop/timer.h"

namespace parley::edge::websocket {

class SharedStreams;

class SharedStream {
 public:
  // Use SharedStreams::join.
  SharedStream(SharedStreams& hub, std::string key, const Call& like, Bytes request);

  Ring& ring() { return ring_; }
  bool has_headers() const { return has_headers_; }
  const Fields& headers() const { return call_.headers; }
  // Nothing comes any more; `status` and `trailers` are then the call's.
  const bool& has_ended() const { return ended_; }
  const Error* status() const { return call_.status(); }
  const Fields& trailers() const { return call_.trailers; }

  // While it lives, `changed` is notified of whatever is new.
  class Reader {
   public:
    Reader(std::shared_ptr<SharedStream> stream, Signal& changed);
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader();
    // Nobody read the stream before: all of it is this reader's, from message 1 on.
    bool is_first() const { return first_; }
    SharedStream& operator*() const { return *stream_; }
    SharedStream* operator->() const { return stream_.get(); }

   private:
    std::shared_ptr<SharedStream> stream_;
    std::list<Signal*>::iterator at_;
    bool first_;
  };

 private:
  friend class SharedStreams;
  static Task<void> run(std::shared_ptr<SharedStream> self, HandlerPtr handler);
  void tell();

  SharedStreams& hub_;
  std::string key_;
  Call call_;
  Ring ring_;
  std::list<Signal*> readers_;
  Timer linger_;
  bool joined_ = false;
  bool has_headers_ = false;
  bool ended_ = false;
};

class SharedStreams {
 public:
  ~SharedStreams() = default;

  // The stream of calls that are equal to `call`: its method and contract, `request`, and the metadata that
  // (parley.stream) names. Begins it with `handler` if there is none.
  std::shared_ptr<SharedStream> join(const Call& call, const Bytes& request, const HandlerPtr& handler);
  // Ends all streams, and those that begin later at once.
  Task<void> drain();

 private:
  friend class SharedStream;
  std::unordered_map<std::string, std::shared_ptr<SharedStream>> streams_;
  TaskGroup tasks_;
  bool draining_ = false;
};

}  // namespace parley::edge::websocket
