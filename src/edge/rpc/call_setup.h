// From a request's head to a call, the same for every rpc protocol; and what ties a call to its exchange.
#pragma once

#include "call/call.h"
#include "call/front.h"
#include "edge/rpc/message_codec.h"
#include "net/exchange.h"

namespace parley::edge {

// The rpc at a request's path. Errors: unimplemented, naming it, if the contract has none; the front is told.
Result<const contract::Method*> find_method(const RpcEdge& edge, const contract::Contract& contract,
                                            const net::ServerExchange& exchange);

// Fills metadata, caller and deadline of `call`, and returns the codings of its messages. What is wrong cancels the
// call, so that its handler, and with it telemetry, hears of it: unimplemented for a method that is not served yet or
// an unknown coding, listing the known (edges.md, trap 5); invalid_argument for a malformed field; deadline_exceeded
// for a time-out of nothing.
MessageCodec::Encodings open_call(Call& call, const net::ServerExchange& exchange, const Protocol& protocol);

// How the call stands for its edge: its final status once it has finished, why it was cancelled before that, null if
// all is well.
const Error* end_of(const Call& call);

// Reads the replies of a method with one reply to their end. Errors: the call's status; unimplemented for none or two
// of them (gRPC's statuscodes.md, "Response cardinality violation").
Task<Result<Bytes>> only_reply(Call& call);

// Cancels the call when the exchange breaks off; wakes whoever reads the request when the call is cancelled.
// Lives in the edge's task, shorter than both.
class CallLink {
 public:
  CallLink(Call& call, net::ServerExchange& exchange);
  CallLink(const CallLink&) = delete;
  CallLink& operator=(const CallLink&) = delete;
  ~CallLink();

 private:
  Call& call_;
  net::ServerExchange& exchange_;
  Call::OnCancel on_cancel_;
};

// Answers with an HTTP status (405, 415 or 505) and no body what is no call of the protocol at all; the front is told.
struct HttpRefusal {
  int status;
  Field field{};  // Allow, Accept-Post; none if its name is empty
};
void refuse_http(const RpcEdge& edge, net::ServerExchange& exchange, const HttpRefusal& refusal);
// Sends a response's head; adds what a browser's page of another origin needs.
void respond(net::ServerExchange& exchange, net::ResponseHead head, const RpcOptions& options);

}  // namespace parley::edge
