// Percent-encoding of `grpc-message` (PROTOCOL-HTTP2.md, "Status-Message") and of URLs.
#pragma once

#include <string>
#include <string_view>

namespace parley::wire {

// Everything but printable ASCII without '%' becomes %XX.
std::string encode_grpc_message(std::string_view message);
// Lenient, as the protocol demands: a '%' that two hex digits do not follow stays as it is, and bytes that are no UTF-8
// become U+FFFD, so that a malformed message cannot fail a call.
std::string decode_grpc_message(std::string_view text);

// Bytes that are no UTF-8 (RFC 3629) become U+FFFD, one each.
std::string repair_utf8(std::string_view text);

// A component of a URL's query. `plus_is_space`: as HTML forms write it. False (and `out` undefined) for a malformed
// escape.
[[nodiscard]] bool decode_query_component(std::string_view text, std::string& out, bool plus_is_space = true);
// Everything but RFC 3986's unreserved characters becomes %XX.
std::string encode_query_component(std::string_view text);

}  // namespace parley::wire
