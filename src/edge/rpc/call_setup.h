// From a request's head to a call, the same for every rpc protocol; and what ties a call to its exchange.
#pragma once

#include "call/call.h"
#include "call/front.h"
#include "edge/rpc/message_codec.h"
#include "net/exchange.h"

namespace parley::edge {

// The rpc at a request's path. Errors: unimplemented, naming it, if the contract has none or it is not served yet.
Result<const contract::Method*> find_method(const contract::Contract& contract, std::string_view path);

// Fills metadata, caller and deadline of `call`. Errors: invalid_argument for a malformed field; deadline_exceeded for
// a time-out of nothing.
Result<void> read_request_head(Call& call, const net::ServerExchange& exchange, const Protocol& protocol,
                               const RpcOptions& options);

// The codings that `fields` names and accepts. Errors: unimplemented for one that is unknown, listing the known
// (edges.md, trap 5).
Result<MessageCodec::Encodings> read_encodings(const Fields& fields, const Protocol& protocol);
Result<wire::Encoding> request_encoding(std::string_view name);

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

// Answers with an HTTP status and no body: what is no call of the protocol at all.
struct HttpRefusal {
  int status;
  Field field{};  // Allow, Accept-Post; none if its name is empty
};
void refuse_http(net::ServerExchange& exchange, const HttpRefusal& refusal, const RpcOptions& options);
// Sends a response's head; adds what a browser's page of another origin needs.
void respond(net::ServerExchange& exchange, net::ResponseHead head, const RpcOptions& options);

}  // namespace parley::edge
