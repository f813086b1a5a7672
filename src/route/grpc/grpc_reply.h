// The reply side of a gRPC call: an upstream's response becomes a call's headers, messages, trailers and status.
#pragma once

#include <optional>

#include "call/call.h"
#include "loop/task.h"
#include "net/exchange.h"
#include "wire/compression.h"
#include "wire/grpc_frame.h"

namespace parley::route {

// Lives in the route's coroutine, for one attempt.
class GrpcReply {
 public:
  GrpcReply(Call& call, net::ClientExchange& exchange, std::size_t max_message)
      : call_(call), exchange_(exchange), max_message_(max_message), decoder_(max_message) {}

  // Reads the response to its end and returns the call's status. The reply of a method that is not server-streaming is
  // written to the call only once the status is known to be success. The exchange is reset if the response breaks the
  // protocol.
  Task<Result<void>> read();
  // The response's head has come: the upstream has begun to answer.
  bool has_started() const { return started_; }

 private:
  Result<void> take_head(const net::ResponseHead& head);
  Result<Bytes> message_of(wire::GrpcFrame frame);
  Result<void> end_of_body();
  std::unexpected<Error> broken(Error why);

  Call& call_;
  net::ClientExchange& exchange_;
  const std::size_t max_message_;
  wire::GrpcFrameDecoder decoder_;
  std::optional<wire::Encoding> encoding_;
  const net::ResponseHead* head_ = nullptr;
  std::optional<Bytes> single_;  // the reply of a method that has one
  bool started_ = false;
};

}  // namespace parley::route
