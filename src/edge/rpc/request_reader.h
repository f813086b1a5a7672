// RequestReader: the enveloped messages of a request's body.
#pragma once

#include <optional>

#include "call/call.h"
#include "edge/rpc/message_codec.h"
#include "wire/base64.h"
#include "wire/grpc_frame.h"

namespace parley::edge {

// Lives in the edge's task, beside the call; everything it is given outlives it.
class RequestReader {
 public:
  RequestReader(Pipe& body, const MessageCodec& codec, bool base64_text, std::size_t max_message)
      : body_(body), codec_(codec), decoder_(max_message), is_text_(base64_text) {}

  // The message of a method with one request, once the body has ended. Errors: unimplemented for none or two (edges.md,
  // trap 4), MessageCodec's and the frame's, the body's abort.
  Task<Result<Bytes>> only_message();
  // Writes every message to the call's requests and ends them. What is wrong cancels the call.
  Task<void> pump(Call& call);

 private:
  Result<void> feed(Bytes chunk);
  // The next message of what was fed; nothing: needs more.
  Result<std::optional<Bytes>> next();
  // At the body's end. Errors: invalid_argument where it was cut off.
  Result<void> check_end() const;
  Task<Result<void>> pump_messages(Pipe& requests);

  Pipe& body_;
  const MessageCodec& codec_;
  wire::GrpcFrameDecoder decoder_;
  wire::Base64StreamDecoder text_;
  bool is_text_;
};

}  // namespace parley::edge
