#include "edge/rpc/metadata.h"

#include <string>

#include "call/header_rules.h"
#include "wire/base64.h"

namespace parley::edge {

Result<void> read_metadata(const Fields& from, Fields& to) {
  for (const Field field : from) {
    if (!passes(field.name, Direction::request)) continue;
    if (!wire::is_bin(field.name)) {
      to.add(field.name, field.value);
    } else if (!wire::add_bin_decoded(to, field.name, field.value)) {
      return invalid("the value of " + std::string(field.name) + " is not base64");
    }
  }
  return {};
}

void write_metadata(const Fields& from, Fields& to, std::string_view prefix) {
  std::string prefixed;
  for (const Field field : from) {
    if (!passes(field.name, Direction::reply)) continue;
    std::string_view name = field.name;
    if (!prefix.empty()) name = prefixed.assign(prefix).append(field.name);
    if (wire::is_bin(field.name)) {
      wire::add_bin_encoded(to, name, field.value);
    } else {
      to.add(name, field.value);
    }
  }
}

}  // namespace parley::edge
