// Path templates: the language of google.api.http paths (google/api/http.proto, "Path template syntax").
//
//     template = "/" segments [ ":" LITERAL ]        segments = segment { "/" segment }
//     segment  = "*" | "**" | LITERAL | variable     variable = "{" field_path [ "=" segments ] "}"
//
// One `**` may stand anywhere (the syntax has it last; grpc-gateway takes it everywhere, and so do we). "/" alone is
// the root.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/http_rule.h"

namespace parley::contract {

struct PathTemplate {
  std::vector<Segment> segments;
  std::vector<PathVariable> variables;
  std::string colon_verb;
};

struct TemplateError {
  std::size_t offset;   // into the template
  std::string message;  // a sentence without the template
  std::string hint;     // may be empty
};

std::expected<PathTemplate, TemplateError> parse_path_template(std::string_view text);

// Percent-decoding (RFC 3986 section 2.1). `keep_slash` leaves %2F as it is, which a variable of several segments
// needs. Nothing if an escape is cut short or is not hexadecimal.
std::optional<std::string> percent_decode(std::string_view text, bool keep_slash = false);
// Escapes everything but unreserved characters; the reverse of percent_decode.
std::string percent_encode(std::string_view text);

// What two rules must not share: "GET /v1/orders/*:cancel", variables replaced by what they match.
std::string binding_key(const HttpRule& rule);

}  // namespace parley::contract
