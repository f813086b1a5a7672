#include "edge/rpc/protocol.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "wire/timeout.h"

namespace parley::edge {
namespace {

constexpr std::string_view connect_edge = "connect";  // one literal: metrics tell edges apart by its address

constexpr MediaType grpc_table[] = {
    {"application/grpc", &grpc_protocol, Format::proto},
    {"application/grpc+proto", &grpc_protocol, Format::proto},
    {"application/grpc+json", &grpc_protocol, Format::json},
};
constexpr MediaType grpc_web_table[] = {
    {"application/grpc-web", &grpc_web_protocol, Format::proto},
    {"application/grpc-web+proto", &grpc_web_protocol, Format::proto},
    {"application/grpc-web+json", &grpc_web_protocol, Format::json},
    {"application/grpc-web-text", &grpc_web_protocol, Format::proto, true},
    {"application/grpc-web-text+proto", &grpc_web_protocol, Format::proto, true},
    {"application/grpc-web-text+json", &grpc_web_protocol, Format::json, true},
};
constexpr MediaType connect_stream_table[] = {
    {"application/connect+proto", &connect_stream_protocol, Format::proto},
    {"application/connect+json", &connect_stream_protocol, Format::json},
};
constexpr MediaType connect_unary_table[] = {
    {"application/proto", &connect_unary_protocol, Format::proto},
    {"application/json", &connect_unary_protocol, Format::json},
};
constexpr wire::Encoding encodings[] = {wire::Encoding::zstd, wire::Encoding::br, wire::Encoding::gzip,
                                        wire::Encoding::deflate};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view text, std::string_view in_lower_case) {
  return std::ranges::equal(text, in_lower_case, {}, lower);
}

}  // namespace

const Protocol grpc_protocol = {.edge = "grpc",
                                .ending = Ending::http_trailers,
                                .encoding_field = "grpc-encoding",
                                .accept_field = "grpc-accept-encoding",
                                .timeout_field = "grpc-timeout",
                                .version_field = {},
                                .parse_timeout = wire::parse_grpc_timeout,
                                .compress_when_accepted = false,
                                .checks_requests = false};
const Protocol grpc_web_protocol = {.edge = "grpc-web",
                                    .ending = Ending::trailers_frame,
                                    .encoding_field = "grpc-encoding",
                                    .accept_field = "grpc-accept-encoding",
                                    .timeout_field = "grpc-timeout",
                                    .version_field = {},
                                    .parse_timeout = wire::parse_grpc_timeout,
                                    .compress_when_accepted = true,
                                    .checks_requests = true};
const Protocol connect_stream_protocol = {.edge = connect_edge,
                                          .ending = Ending::end_stream_frame,
                                          .encoding_field = "connect-content-encoding",
                                          .accept_field = "connect-accept-encoding",
                                          .timeout_field = "connect-timeout-ms",
                                          .version_field = "connect-protocol-version",
                                          .parse_timeout = wire::parse_connect_timeout,
                                          .compress_when_accepted = true,
                                          .checks_requests = true};
// Unary Connect has no envelope, so no ending.
const Protocol connect_unary_protocol = {.edge = connect_edge,
                                         .ending = Ending::end_stream_frame,
                                         .encoding_field = "content-encoding",
                                         .accept_field = "accept-encoding",
                                         .timeout_field = "connect-timeout-ms",
                                         .version_field = "connect-protocol-version",
                                         .parse_timeout = wire::parse_connect_timeout,
                                         .compress_when_accepted = true,
                                         .checks_requests = true};

const std::span<const MediaType> grpc_types = grpc_table;
const std::span<const MediaType> grpc_web_types = grpc_web_table;
const std::span<const MediaType> connect_stream_types = connect_stream_table;
const std::span<const MediaType> connect_unary_types = connect_unary_table;
const std::span<const wire::Encoding> accepted_encodings = encodings;

const MediaType* find_type(std::span<const MediaType> types, std::string_view content_type) {
  const std::string_view essence = trim(content_type.substr(0, content_type.find(';')));
  for (const MediaType& type : types) {
    if (same(essence, type.name)) return &type;
  }
  return nullptr;
}

bool type_starts_with(std::string_view content_type, std::string_view prefix) {
  return same(content_type.substr(0, prefix.size()), prefix);
}

Result<wire::Encoding> request_encoding(std::string_view name) {
  if (const auto encoding = wire::encoding_from_name(name)) return *encoding;
  return fail(Error(Code::unimplemented, Blame::caller,
                    fmt::format("unknown compression \"{}\": accepted are {}", name, accepted_encoding_names))
                  .with_reason("unknown_encoding"));
}

}  // namespace parley::edge
