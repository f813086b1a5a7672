#include "edge/rpc/message_codec.h"

#include <fmt/format.h>

#include "contract/transcode.h"

namespace parley::edge {

Result<Bytes> MessageCodec::read(Bytes payload, bool compressed) const {
  if (compressed && encodings_.request == wire::Encoding::identity) {
    return fail(
        Error(Code::internal, Blame::caller, "a message is marked as compressed, but the request names no encoding"));
  }
  if (payload.size() > options_.max_message) {
    return fail(
        Error(Code::resource_exhausted, Blame::caller,
              fmt::format("a message of {} bytes is above the limit of {}", payload.size(), options_.max_message))
            .with_reason("message_too_large"));
  }
  if (compressed && !payload.empty()) {
    std::string plain;
    const wire::DecompressLimits limits{.max_bytes = options_.max_message};
    if (auto done = wire::decompress(encodings_.request, payload.view(), limits, plain); !done)
      return fail(done.error());
    payload = Bytes(std::move(plain));
  }
  if (format_ == Format::proto) {
    if (!protocol_.checks_requests) return payload;
    if (auto good = contract::validate_wire(*method_.input, payload.view()); !good)
      return fail(std::move(good).error());
    return payload;
  }
  contract::JsonOptions json;
  json.ignore_unknown = true;  // Connect's other servers do, so that a client may be newer than a service
  std::string message;
  if (auto done = contract::json_to_wire(*method_.input, payload.view(), message, json); !done)
    return fail(done.error());
  return Bytes(std::move(message));
}

Result<MessageCodec::Encoded> MessageCodec::write(Bytes message) const {
  Encoded encoded{std::move(message), false};
  if (format_ == Format::json) {
    std::string text;
    if (auto done = contract::wire_to_json(*method_.output, encoded.payload.view(), text, options_.json); !done) {
      return fail(Error(Code::internal, Blame::upstream, "the service's reply: " + done.error().message())
                      .with_reason("bad_reply"));
    }
    encoded.payload = Bytes(std::move(text));
  }
  if (encodings_.reply != wire::Encoding::identity && encoded.payload.size() >= options_.compress_from) {
    std::string small;
    wire::compress(encodings_.reply, encoded.payload.view(), small);
    encoded = {Bytes(std::move(small)), true};
  }
  return encoded;
}

}  // namespace parley::edge
