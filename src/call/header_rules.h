// Which HTTP fields go through Parley: from a caller's request into a call's metadata and on to an upstream, and from
// an upstream's reply into a call's headers and trailers and on to the caller. One table for every edge and route: what
// a protocol says with its own fields (content-type, grpc-timeout, …) is in the call already, and stops here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/fields.h"

namespace parley {

enum class Direction : std::uint8_t { request, reply };

// True if a field of this name passes. `name` is in lower case. Fields that are in no table pass.
bool passes(std::string_view name, Direction direction);

// True if a call's metadata of this name goes to an upstream: what passes from a caller, and what Parley itself says of
// a delivery (`parley-message-id`, `parley-attempt`, …). No caller can have put that there.
bool passes_upstream(std::string_view name);

// Adds those fields of `from` that pass to `to`.
void copy_passing(const Fields& from, Direction direction, Fields& to);

// The table, for documents and tests. `name` ends with '*' where it is a prefix.
struct HeaderRule {
  std::string_view name;
  bool request;  // passes towards the upstream
  bool reply;    // passes towards the caller
  std::string_view why;
};
std::span<const HeaderRule> header_rules();

}  // namespace parley
