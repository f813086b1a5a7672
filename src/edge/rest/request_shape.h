// What a request's body is, by its rule and its content-type.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "edge/rest/plan.h"
#include "net/exchange.h"

namespace parley::edge::rest {

enum class BodyForm : std::uint8_t {
  none,        // the rule has no body
  json,        // one JSON text; of a client stream several, or an array of them
  json_lines,  // of a client stream: NDJSON
  raw,         // any bytes, for a google.api.HttpBody
  multipart,   // multipart/form-data, for a google.api.HttpBody
};

struct RequestShape {
  BodyForm form = BodyForm::none;
  std::string_view content_type;  // of a raw body; views the request
  std::string boundary;           // of a multipart body
};

// Errors: invalid_argument "unsupported_media_type" (415) where the type does not fit the rule or its charset is not
// UTF-8; invalid_argument for multipart without a usable boundary.
Result<RequestShape> request_shape(const RulePlan& plan, const net::RequestHead& request);

// For the Accept field of a 415 (RFC 9110 section 15.5.16).
inline constexpr std::string_view accepted_types = "application/json, application/x-ndjson";

}  // namespace parley::edge::rest
