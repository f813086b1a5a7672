// ReplyWriter: an enveloped reply: head, messages in frames, and the end as the protocol has it.
#pragma once

#include "call/call.h"
#include "edge/rpc/message_codec.h"
#include "net/exchange.h"

namespace parley::edge {

// Lives in the edge's task; everything it is given outlives it. Nothing is written to an exchange that broke off.
class ReplyWriter {
 public:
  ReplyWriter(net::ServerExchange& exchange, const MediaType& type, const RpcOptions& options)
      : exchange_(exchange), type_(type), options_(options) {}

  // `encoding`: of the messages that will be compressed.
  void head(const Fields& metadata, wire::Encoding encoding);
  // Queues one message; await it for backpressure. After `head`.
  Pipe::Write message(const MessageCodec::Encoded& message);
  // Null is success. After `head`.
  void end(const Error* status, const Fields& trailers, const contract::Contract* contract);
  // The whole reply of a call that ended before anything of it was sent: gRPC's and gRPC-Web's Trailers-Only, where the
  // status stands in the response's head (edges.md, trap 1); for Connect an end-stream frame.
  void only_end(const Error& status, const Fields& trailers, const contract::Contract* contract);

 private:
  Pipe::Write frame(std::uint8_t flags, Bytes payload);
  net::ResponseHead new_head() const;

  net::ServerExchange& exchange_;
  const MediaType& type_;
  const RpcOptions& options_;
};

}  // namespace parley::edge
