// EventFeed: the answer to one GET of a topic: events from a call of parley.Topics/Tail, written as they come. Memory
// is bounded by the pipes: a reader that is slow is read for later.
#pragma once

#include <cstdint>
#include <string>

#include "call/call.h"
#include "edge/topics/options.h"
#include "loop/timer.h"
#include "net/exchange.h"

namespace parley::edge::topics {

enum class FeedFormat : std::uint8_t { sse, ndjson };

// Lives in the edge's task. `contract` knows the events' types.
class EventFeed {
 public:
  EventFeed(net::ServerExchange& exchange, Call& call, contract::ContractPtr contract, const TopicsOptions& options,
            FeedFormat format);

  // Sends the head, then events until the call ends or the client leaves. `begins`: what a client that has seen no
  // event yet gives as Last-Event-ID when it comes back; "": it asks as it did.
  Task<void> run(std::string begins);

 private:
  void head();
  void tick();
  void set_timer();
  Result<void> add(const Bytes& reply);
  void add_end();

  net::ServerExchange& exchange_;
  Call& call_;
  contract::ContractPtr contract_;
  const TopicsOptions& options_;
  FeedFormat format_;
  Timer timer_;
  std::string text_;  // what is to be written next
};

}  // namespace parley::edge::topics
