// NodeClient: gRPC calls of another node's pull API. The mesh and the gRPC route stand above this floor, and this needs
// little of them: one message there and one back, or many each way, and the error with its reason.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/shard.h"
#include "loop/timer.h"
#include "net/client_pool.h"
#include "queue/api/convert.h"
#include "queue/remote/address.h"
#include "wire/grpc_frame.h"

namespace parley::queue::remote {

// One a shard, used on it.
class NodeClient {
 public:
  NodeClient(Shard& shard, const Address& address);

  // Errors: the other node's, with its reason; unavailable where it cannot be reached, safe to retry where nothing was
  // sent; deadline_exceeded. Those that are not the other node's own words begin with its address.
  template <class Reply, class Request>
  Task<Result<Reply>> call(std::string_view path, const Request& request, Duration timeout) {
    auto wire = co_await exchange(path, api::to_wire(request), timeout);
    if (!wire) co_return fail(std::move(wire).error());
    auto reply = api::from_wire<Reply>(*wire);
    if (!reply) co_return fail(here(Error(Code::internal, Blame::upstream, "its answer is malformed")));
    co_return std::move(*reply);
  }

  // A call of many messages each way, for whoever reads its Replies. Errors: unavailable, safe to retry.
  Task<Result<std::unique_ptr<net::ClientExchange>>> open(std::string_view path, Duration timeout);

  // Ends all calls, with `unavailable`, and makes no more.
  void abandon();
  Task<void> drain() { return pool_.drain(Deadline::after(shard_.now(), std::chrono::seconds(1))); }

  // "the node at keeper:8080: …"
  Error here(Error why) const { return std::move(why).during("the node at " + address_.text); }

 private:
  friend class Replies;
  Task<Result<std::string>> exchange(std::string_view path, std::string request, Duration timeout);

  Shard& shard_;
  const Address address_;
  net::ClientPool pool_;
  std::size_t next_ = 0;  // origins in turn
  std::vector<class Replies*> open_;
  bool abandoned_ = false;
};

// What comes back of one call. It ends a call that takes too long.
class Replies {
 public:
  // Both outlive it.
  Replies(NodeClient& client, net::ClientExchange& exchange, Duration timeout);
  Replies(const Replies&) = delete;
  Replies& operator=(const Replies&) = delete;
  ~Replies();

  // The next message; nothing at the end of a call that went well. Errors: as NodeClient::call.
  Task<Result<std::optional<Bytes>>> next();

 private:
  friend class NodeClient;
  void end(Error why);
  // What an error of the exchange was in truth: ours, where we ended it.
  Error explained(const Error& why) const;

  NodeClient& client_;
  net::ClientExchange& exchange_;
  wire::GrpcFrameDecoder decoder_;
  const net::ResponseHead* head_ = nullptr;
  Timer late_;
  std::optional<Error> ended_;
};

}  // namespace parley::queue::remote
