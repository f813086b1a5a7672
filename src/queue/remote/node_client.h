// NodeClient: unary gRPC calls of another node's pull API. The mesh and the gRPC route stand above this floor, and this
// needs little of them: one message there, one back, and the error with its reason.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "loop/shard.h"
#include "net/client_pool.h"
#include "queue/api/convert.h"
#include "queue/remote/address.h"

namespace parley::queue::remote {

// One a shard, used on it.
class NodeClient {
 public:
  NodeClient(Shard& shard, const Address& address);

  // Errors: the other node's, with its reason; unavailable where it cannot be reached, safe to retry where nothing was
  // sent; deadline_exceeded.
  template <class Reply, class Request>
  Task<Result<Reply>> call(std::string_view path, const Request& request, Duration timeout) {
    auto wire = co_await exchange(path, api::to_wire(request), timeout);
    if (!wire) co_return fail(std::move(wire).error());
    auto reply = api::from_wire<Reply>(*wire);
    if (!reply) co_return fail(Error(Code::internal, Blame::upstream, "the other node's answer is malformed"));
    co_return std::move(*reply);
  }

  Task<void> drain() { return pool_.drain(Deadline::after(shard_.now(), std::chrono::seconds(1))); }
  const std::string& at() const { return address_.text; }

 private:
  Task<Result<std::string>> exchange(std::string_view path, std::string request, Duration timeout);
  Task<Result<std::unique_ptr<net::ClientExchange>>> open(const net::RequestHead& head, Deadline deadline);

  Shard& shard_;
  const Address address_;
  net::ClientPool pool_;
  std::size_t next_ = 0;  // origins in turn
};

}  // namespace parley::queue::remote
