// StreamReplica: a shared stream on a shard that does not make its call. It asks the source for what is held and for
// all that comes, for as long as it has readers.
#pragma once

#include "edge/websocket/shared_stream.h"

namespace parley::edge::websocket {

class StreamReplica final : public SharedStream {
 public:
  // Use SharedStreams::join. `number`: of the hub's, for this replica alone.
  StreamReplica(SharedStreams& hub, std::string key, const Call& like, StreamPlace place, std::uint64_t number);

  std::uint64_t number() const { return number_; }
  // From the source.
  void take(StreamBatch batch);
  // The source had ended before it heard of this replica.
  void gone();

 private:
  void reader_came(Format format) override;
  void readers_left() override;

  const std::uint64_t number_;
  std::array<bool, 2> wanted_{};  // by format: the source knows
};

}  // namespace parley::edge::websocket
