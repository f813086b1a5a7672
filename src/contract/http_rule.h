// HttpRule: one compiled google.api.http binding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace parley::contract {

// One segment of a path template (google/api/http.proto, "Path template syntax").
struct Segment {
  enum class Kind : std::uint8_t { literal, any /* `*` */, rest /* `**` */ };
  Kind kind;
  std::string text;  // of a literal, decoded
};

// A variable of a template: the segments it covers and the field it binds.
struct PathVariable {
  std::string field_path;  // "order.name", proto names
  std::uint16_t first = 0;
  std::uint16_t count = 0;  // segments covered; a `**` among them covers any number
  bool multi = false;  // covers more than one segment: %2F stays encoded (the template language's reserved expansion)
};

struct HttpRule {
  std::string verb;     // "GET", or a custom kind's; "*" matches every verb
  std::string pattern;  // as written: "/v1/{name=orders/*}:cancel"
  std::vector<Segment> segments;
  std::string colon_verb;  // "cancel", or empty
  std::vector<PathVariable> variables;
  std::string body;           // "": no body; "*": the whole message; else a field's path, proto names
  std::string response_body;  // "": the whole message; else a field's path
  bool assumed = false;       // not in the contract: the default binding
};

}  // namespace parley::contract
