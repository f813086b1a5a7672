// Errors as HTTP answers: problem documents (RFC 9457, application/problem+json), or google.rpc.Status as JSON for
// clients that accept only application/json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "contract/message_table.h"
#include "wire/media_type.h"

namespace parley::edge::rest {

// google.rpc.Code's mapping to HTTP; what an edge refuses by itself (its reason says so) has the status HTTP has for
// it.
int http_status(const Error& error);
// RFC 9110's phrase: "Not Found".
std::string_view status_phrase(int status);

enum class ErrorForm : std::uint8_t { problem, rpc_status };
std::string_view content_type(ErrorForm form);
ErrorForm error_form(const wire::Accept& accept);

// Appends the document. Details are printed as ProtoJSON of their Any where `tables` (may be null) knows their type,
// else as "@type" and base64 "value". `instance`: the request's path.
void put_error(const Error& error, ErrorForm form, const contract::TableSet* tables, std::string_view instance,
               std::string& out);

// Seconds for Retry-After, from a google.rpc.RetryInfo among the details; rounded up.
std::optional<std::int64_t> retry_after(const Error& error);

}  // namespace parley::edge::rest
