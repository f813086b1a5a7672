// The rpc protocols as data: what tells gRPC, gRPC-Web and Connect apart is in these tables, and the code that serves
// calls is one.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "wire/compression.h"

namespace parley::edge {

enum class Format : std::uint8_t { proto, json };  // of the messages in bodies

// How an enveloped reply ends.
enum class Ending : std::uint8_t {
  http_trailers,    // gRPC: HTTP trailers
  trailers_frame,   // gRPC-Web: a frame that holds trailers as a header block
  end_stream_frame  // Connect: a frame that holds JSON
};

struct Protocol {
  std::string_view edge;  // the call's, for metrics and logs
  Ending ending;
  // Fields that name the coding of request and reply messages, and those the peer can read.
  std::string_view encoding_field;
  std::string_view accept_field;
  std::string_view timeout_field;
  std::string_view version_field;  // where it is there, it must be "1"; "" where the protocol has none
  std::optional<Duration> (*parse_timeout)(std::string_view);
  // Every gRPC client lists gzip as accepted: it gets it only where it compresses its own requests.
  bool compress_when_accepted;
  // Whether proto requests are checked to be well-formed here, so that rubbish from a browser is the caller's fault.
  // gRPC passes messages on unread: the service parses them.
  bool checks_requests;
};
extern const Protocol grpc_protocol;
extern const Protocol grpc_web_protocol;
extern const Protocol connect_stream_protocol;
extern const Protocol connect_unary_protocol;

struct MediaType {
  std::string_view name;
  const Protocol* protocol;
  Format format;
  bool text = false;  // the body is base64
};
extern const std::span<const MediaType> grpc_types;
extern const std::span<const MediaType> grpc_web_types;
extern const std::span<const MediaType> connect_stream_types;
extern const std::span<const MediaType> connect_unary_types;

// By a Content-Type, whose parameters and case do not count; null if it is none of `types`.
const MediaType* find_type(std::span<const MediaType> types, std::string_view content_type);
// Whether a Content-Type begins like `prefix` (in lower case).
bool type_starts_with(std::string_view content_type, std::string_view prefix);

// The codings of messages, best first, and their names as an accept field's value.
extern const std::span<const wire::Encoding> accepted_encodings;
inline constexpr std::string_view accepted_encoding_names = "zstd, br, gzip, deflate";
// A coding by its name in a request. Errors: unimplemented, listing the known (edges.md, trap 5).
Result<wire::Encoding> request_encoding(std::string_view name);

}  // namespace parley::edge
