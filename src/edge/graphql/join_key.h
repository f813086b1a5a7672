// Keys of joins in one form, whatever kind of field they lie in: a string's characters, or the eight bytes of a number.
// So an int32 in one message finds the int64 of another.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "contract/message_table.h"

namespace parley::edge::graphql {

class JoinKey {
 public:
  // Reads a value as ItemReader and Slot give it. False where it is malformed or what an absent field reads as ("" or
  // 0): nothing is joined to that.
  bool read(const contract::FieldTable& field, std::string_view value);
  // Lives as long as this and the bytes that were read.
  std::string_view view() const { return number_ ? std::string_view(bytes_.data(), bytes_.size()) : text_; }
  bool is_number() const { return number_; }

 private:
  std::string_view text_;
  std::array<char, 8> bytes_{};
  bool number_ = false;
};

// Appends one record of `field` that holds `key`.
void put_key(const contract::FieldTable& field, std::string_view key, std::string& wire);

}  // namespace parley::edge::graphql
