// SingleStream: an event stream that carries the results of many operations, each of which comes by a request of its
// own (graphql-sse, "Single connection mode"). Lives in the edge's task for the stream's exchange, on its shard.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "edge/graphql/engine.h"
#include "edge/graphql/event_stream.h"
#include "loop/signal.h"
#include "loop/task_group.h"

namespace parley::edge::graphql {

// The answer to a request that feeds a stream.
struct FeedAnswer {
  int status = 202;
  std::string body;  // `{"errors":[…]}`; "": none
};

class SingleStream {
 public:
  // Sends the head. Both outlive the stream.
  SingleStream(net::ServerExchange& exchange, Engine& engine);

  // To the end of the stream: the client leaves, or the node drains.
  Task<void> run();
  // Begins an operation; `body` is its request's.
  FeedAnswer begin(Bytes body, CallContext context);
  // Ends one; nothing happens where there is none of that id.
  void stop(const std::string& id);

 private:
  class Live;
  using LivePtr = std::shared_ptr<Live>;
  Task<void> run_operation(LivePtr live);
  // False: nobody listens any more, or wants to hear of the operation.
  Task<bool> send(const Live& of, std::string_view type, std::string data);
  void end_operations(const Error& why);

  net::ServerExchange& exchange_;
  Engine& engine_;
  EventStream stream_;
  TaskGroup tasks_;
  std::map<std::string, LivePtr, std::less<>> live_;
  Signal changed_;
  bool sending_ = false;
  bool ended_ = false;
};

}  // namespace parley::edge::graphql
