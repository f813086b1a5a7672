// Type: a named type and the lists and non-nulls around it, as a value: [String!]! is String inside three wrappers.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace parley::graphql {

struct NamedType;  // schema.h

// The wrappers from the outside in, two bits each from the lowest on: 1 a list, 2 a non-null, 0 the end. At most 30 of
// them; the parser refuses more.
class Wrapping {
 public:
  static constexpr int max_count = 30;

  bool empty() const { return bits_ == 0; }
  int count() const { return (std::bit_width(bits_) + 1) / 2; }
  bool non_null() const { return (bits_ & 3U) == 2; }
  bool list() const { return (bits_ & 3U) == 1; }
  Wrapping inner() const { return Wrapping(bits_ >> 2U); }
  Wrapping nullable() const { return non_null() ? inner() : *this; }
  // The same with one more around it.
  Wrapping in_list() const { return Wrapping(bits_ << 2U | 1U); }
  Wrapping in_non_null() const { return Wrapping(bits_ << 2U | 2U); }

  Wrapping() = default;
  bool operator==(const Wrapping&) const = default;

 private:
  explicit Wrapping(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t bits_ = 0;
};

struct Type {
  const NamedType* named = nullptr;  // null: not known
  Wrapping wrapping;

  explicit operator bool() const { return named != nullptr; }
  bool non_null() const { return wrapping.non_null(); }
  bool list() const { return wrapping.list(); }  // a nullable list: ask nullable().list() for either
  Type nullable() const { return {named, wrapping.nullable()}; }
  Type item() const { return {named, wrapping.inner()}; }  // of a list
  Type in_list() const { return {named, wrapping.in_list()}; }
  Type in_non_null() const { return {named, wrapping.in_non_null()}; }
  bool operator==(const Type&) const = default;

  std::string text() const;  // "[String!]!"
};

}  // namespace parley::graphql
