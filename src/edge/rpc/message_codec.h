// MessageCodec: the messages of one call between their form in a body (perhaps compressed, perhaps JSON) and wire
// bytes.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "contract/contract.h"
#include "edge/rpc/options.h"
#include "edge/rpc/protocol.h"

namespace parley::edge {

// A value of the edge's task; `method` and `options` outlive it.
class MessageCodec {
 public:
  struct Encodings {
    wire::Encoding request = wire::Encoding::identity;
    wire::Encoding reply = wire::Encoding::identity;
  };
  MessageCodec(const contract::Method& method, const Protocol& protocol, Format format, Encodings encodings,
               const RpcOptions& options)
      : method_(method), protocol_(protocol), format_(format), encodings_(encodings), options_(options) {}

  // A request message. Proto that came uncompressed is passed on without a copy.
  // Errors: internal (compressed, but no coding was named), resource_exhausted (above max_message), invalid_argument.
  Result<Bytes> read(Bytes payload, bool compressed) const;

  struct Encoded {
    Bytes payload;
    bool compressed = false;
  };
  // A reply message. Errors: internal, the upstream's fault, for wire bytes that are not the reply's type (JSON only).
  Result<Encoded> write(Bytes message) const;

  Format format() const { return format_; }
  const Encodings& encodings() const { return encodings_; }

 private:
  const contract::Method& method_;
  const Protocol& protocol_;
  Format format_;
  Encodings encodings_;
  const RpcOptions& options_;
};

}  // namespace parley::edge
