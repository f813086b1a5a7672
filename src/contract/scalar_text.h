// Scalars of a field as text: quoted numbers in JSON, map keys, variables of paths and queries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/message_table.h"
#include "contract/wire_format.h"

namespace parley::contract {

// Every scalar but strings and bytes travels as up to 64 bits: the varint's value (zigzagged for sint), or the fixed
// word. Reads `text` as a value of the field's kind. Returns "" or what is wrong ("expected an int32, got …").
std::string scalar_from_text(const FieldTable& field, std::string_view text, std::uint64_t& bits);

// Checks the range of an integer kind and gives its bits. Same result.
std::string integer_bits(Kind kind, bool negative, std::uint64_t magnitude, std::uint64_t& bits);

// "an int32", "a string", "a shop.Order": what an error says was expected.
std::string expected_name(const FieldTable& field);

// Writes the value of a scalar kind as the wire has it; `to` has room for 10 bytes.
inline char* put_scalar(char* to, Kind kind, std::uint64_t bits) {
  if (kind < Kind::fixed32) return put_varint_wide(to, bits);
  const std::size_t size = kind < Kind::fixed64 ? 4 : 8;
  std::memcpy(to, &bits, 8);
  return to + size;
}

}  // namespace parley::contract
