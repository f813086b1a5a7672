// Call metadata to and from HTTP fields: what passes is in call/header_rules.h, `-bin` values are raw bytes in a call.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/fields.h"

namespace parley::edge {

// Adds the request fields that pass to `to`. Errors: invalid_argument for a `-bin` value that is not base64.
Result<void> read_metadata(const Fields& from, Fields& to);
// Adds reply metadata to the fields of a response; `prefix` goes before each name (Connect's "trailer-").
void write_metadata(const Fields& from, Fields& to, std::string_view prefix = {});

}  // namespace parley::edge
