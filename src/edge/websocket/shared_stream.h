// SharedStream: what one shard has of a stream that many sockets share: its last messages, headers, and end. On the
// shard that makes the call it is a StreamSource, on every other one that has readers a StreamReplica, which the source
// feeds. Readers do not know the difference.
//
// On one shard, in a SharedStreams.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "call/call.h"
#include "edge/websocket/frames.h"
#include "edge/websocket/ring.h"
#include "edge/websocket/stream_directory.h"
#include "loop/signal.h"

namespace parley::edge::websocket {

// How a stream ended.
struct StreamEnd {
  std::optional<Error> status;  // nothing: OK
  Fields trailers;
};

// What a source tells a replica at a time. The frames that the source has made come along.
struct StreamBatch {
  std::uint64_t first = 0;  // the number of the first entry, or of the next message where there is none
  std::vector<Ring::Entry> entries;
  std::optional<Fields> headers;
  std::optional<StreamEnd> end;  // after the entries
};

class SharedStream {
 public:
  // `like`: a call of the stream's method and contract.
  SharedStream(SharedStreams& hub, std::string key, const Call& like, StreamPlace place);
  SharedStream(const SharedStream&) = delete;
  SharedStream& operator=(const SharedStream&) = delete;
  virtual ~SharedStream() = default;

  const std::string& key() const { return key_; }
  const StreamPlace& place() const { return place_; }
  Ring& ring() { return ring_; }
  // The ring has what is held of the stream: from now on a reader can say where it begins.
  bool is_open() const { return open_; }
  // It ended before it could be opened here. SharedStreams::join gives another one.
  bool is_gone() const { return ended_ && !open_; }
  bool has_headers() const { return headers_.has_value(); }
  const Fields& headers() const { return *headers_; }
  // Nothing comes any more.
  const bool& has_ended() const { return ended_; }
  const StreamEnd& end() const { return end_; }

  // While it lives, `changed` is notified of whatever is new.
  class Reader {
   public:
    // `format`: of the frames that it will take.
    Reader(std::shared_ptr<SharedStream> stream, Signal& changed, Format format);
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

 protected:
  virtual void reader_came(Format format) = 0;
  virtual void readers_left() = 0;
  void tell();

  SharedStreams& hub_;
  const std::string key_;
  const StreamPlace place_;
  const contract::ContractPtr contract_;  // the ring's table is in it
  Ring ring_;
  std::list<Signal*> readers_;
  std::optional<Fields> headers_;
  StreamEnd end_;
  bool joined_ = false;  // somebody read it, here or elsewhere
  bool open_ = false;
  bool ended_ = false;
};

}  // namespace parley::edge::websocket
