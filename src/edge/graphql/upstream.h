// Upstream: the rpcs that one GraphQL operation calls. Every call carries the request's metadata, caller and deadline;
// ending the operation ends them all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "call/call.h"
#include "call/handler.h"

namespace parley::edge::graphql {

// What all calls of an operation have in common.
struct CallContext {
  contract::ContractPtr contract;
  Fields metadata;
  Caller caller;
  Deadline deadline = Deadline::never();
};

// One unary rpc and its answer: `error`, or else `reply` and the reply's metadata.
struct Fetch {
  const contract::Method* method = nullptr;
  HandlerPtr handler;
  Bytes request;  // wire bytes

  Bytes reply;
  Fields headers;
  std::optional<Error> error;
};

// Owned by the operation, on its shard; outlives its calls.
class Upstream {
 public:
  Upstream(CallContext context, std::uint32_t max_calls) : context_(std::move(context)), max_calls_(max_calls) {}
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  const CallContext& context() const { return context_; }

  // Calls the rpc; the caller awaits or joins before `fetch` ends. A call above the operation's limit fails with
  // resource_exhausted and is not made.
  Task<void> call(Fetch& fetch);

  // Fills metadata, caller and deadline of a call that the owner makes itself (a stream), and counts it.
  Result<void> prepare(Call& call);

  // Ends every call of the operation, now and to come.
  void cancel(const Error& why);
  const std::optional<Error>& cancelled() const { return cancelled_; }
  std::uint32_t count() const { return count_; }
  // A subscription has the limit for each of its events.
  void reset_count() { count_ = 0; }

  // A call that is ended by `cancel` while this lives.
  class Live {
   public:
    Live(Upstream& upstream, Call& call);
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;
    ~Live();

   private:
    friend class Upstream;
    Upstream& upstream_;
    Call& call_;
    Live* next_ = nullptr;
    Live** previous_ = nullptr;
  };

 private:
  CallContext context_;
  std::uint32_t max_calls_;
  std::uint32_t count_ = 0;
  Live* live_ = nullptr;
  std::optional<Error> cancelled_;
};

}  // namespace parley::edge::graphql
