// ScalarPath: one scalar field of a message, found by a path that is resolved once ("order.customer_id") and then read
// from wire bytes as text: the keys that keep order, the fields that tell repeated calls.
//
// A value as `MessageTable`s point to each other: lives as long as the contract it was bound to. Reading is safe from
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "contract/message_table.h"

namespace parley::contract {

class ScalarPath {
 public:
  ScalarPath() = default;  // of no field: `is_set()` is false
  // Dotted, proto or JSON names. Errors: invalid_argument: a name that is not there, or what is no single scalar.
  static Result<ScalarPath> of(const MessageTable& table, std::string_view path);

  bool is_set() const { return !fields_.empty(); }
  // "order.customer_id", in proto names.
  const std::string& path() const { return path_; }

  // The field's value in a well-formed message: a string's characters, numbers in decimal, an enum value's name, bytes
  // in base64. Merges as a Protobuf parser does: the last value wins. Nothing where it is not set: a field with
  // presence that is absent, or one of a message that is. Without presence, absent is the default: "0", "false", "".
  std::optional<std::string> read(std::string_view wire) const;
  // Whether `text` is what a field without presence reads as when it is absent.
  bool is_default(std::string_view text) const;

 private:
  std::vector<const FieldTable*> fields_;
  std::string path_;
};

}  // namespace parley::contract
