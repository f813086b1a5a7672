// In what form a client gets its replies, by Accept.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "edge/rest/plan.h"
#include "wire/media_type.h"

namespace parley::edge::rest {

enum class ReplyFormat : std::uint8_t {
  json,    // one JSON text
  ndjson,  // a stream: one JSON text a line
  sse,     // a stream: server-sent events
  array,   // a stream: the elements of one JSON array
  raw,     // google.api.HttpBody: bytes of their own type
};

std::string_view content_type(ReplyFormat format);  // "" for raw

// The format the client weighs highest. Ties go to the one it names over one that a wildcard covers, then to NDJSON,
// events, array. Events are only sent to clients that name them. Raw replies are not negotiated: their type is known
// only with the reply. Errors: invalid_argument "not_acceptable" (406), with what there is.
Result<ReplyFormat> reply_format(const RulePlan& plan, std::string_view accept);

}  // namespace parley::edge::rest
