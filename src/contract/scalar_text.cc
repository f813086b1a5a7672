#include "contract/scalar_text.h"

#include <bit>
#include <cmath>
#include <limits>

#include "contract/number_text.h"
#include "contract/wire_format.h"

namespace parley::contract {

namespace {

struct IntegerKind {
  bool is_signed;
  bool is_zigzag;
  std::uint64_t most;  // magnitude of the largest value
};

IntegerKind integer_kind(Kind kind) {
  constexpr std::uint64_t most_int32 = std::numeric_limits<std::int32_t>::max();
  constexpr std::uint64_t most_int64 = std::numeric_limits<std::int64_t>::max();
  switch (kind) {
    case Kind::uint32:
    case Kind::fixed32: return {false, false, std::numeric_limits<std::uint32_t>::max()};
    case Kind::uint64:
    case Kind::fixed64: return {false, false, std::numeric_limits<std::uint64_t>::max()};
    case Kind::sint32: return {true, true, most_int32};
    case Kind::sint64: return {true, true, most_int64};
    case Kind::int64:
    case Kind::sfixed64: return {true, false, most_int64};
    default: return {true, false, most_int32};  // int32, sfixed32, enums
  }
}

std::string shown(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string quoted = "\"" + std::string(text.substr(0, most));
  return quoted + (text.size() > most ? "…\"" : "\"");
}

std::string got(std::string_view expected, std::string_view text) {
  return "expected " + std::string(expected) + ", got " + shown(text);
}

std::string fault_text(NumberFault fault, const std::string& expected, std::string_view text) {
  switch (fault) {
    case NumberFault::none: return {};
    case NumberFault::range: return shown(text) + " is out of range for " + expected;
    case NumberFault::fraction:
    case NumberFault::syntax: return got(expected, text);
  }
  return {};
}

template <class Float, class Bits>
std::string floating_from_text(const FieldTable& field, std::string_view text, std::uint64_t& bits,
                               NumberFault (*get)(std::string_view, Float&)) {
  Float value = 0;
  if (text == "NaN") {
    value = std::numeric_limits<Float>::quiet_NaN();
  } else if (text == "Infinity" || text == "-Infinity") {
    value = std::numeric_limits<Float>::infinity() * (text[0] == '-' ? -1 : 1);
  } else if (const NumberFault fault = get(text, value); fault != NumberFault::none) {
    return fault_text(fault, expected_name(field), text);
  }
  bits = std::bit_cast<Bits>(value);
  return {};
}

std::string enum_from_text(const FieldTable& field, std::string_view text, std::uint64_t& bits) {
  if (const std::int32_t* number = field.enumeration->number(text)) {
    bits = static_cast<std::uint64_t>(std::int64_t{*number});
    return {};
  }
  Integer value;
  if (get_integer(text, value) != NumberFault::none) {
    return "no value " + shown(text) + " in " + field.enumeration->full_name() + ": expected one of " +
           field.enumeration->some_names();
  }
  std::string wrong = integer_bits(field.kind, value.negative, value.magnitude, bits);
  if (wrong.empty() && field.enumeration->closed() && !field.enumeration->has(static_cast<std::int32_t>(bits))) {
    wrong = "no value " + std::string(text) + " in the closed " + field.enumeration->full_name();
  }
  return wrong;
}

}  // namespace

std::string expected_name(const FieldTable& field) {
  if (field.enumeration != nullptr) return "a " + field.enumeration->full_name();
  if (field.message != nullptr) return "a " + field.message->full_name();
  const std::string kind(name(field.kind));
  return (kind.starts_with("int") ? "an " : "a ") + kind;
}

std::string integer_bits(Kind kind, bool negative, std::uint64_t magnitude, std::uint64_t& bits) {
  const IntegerKind limits = integer_kind(kind);
  const std::uint64_t most = limits.most + (negative ? 1U : 0U);
  if (magnitude > most || (negative && !limits.is_signed && magnitude != 0)) {
    return (negative ? "-" : "") + std::to_string(magnitude) + " is out of range for " + std::string(name(kind));
  }
  const std::uint64_t two_complement = negative ? ~magnitude + 1 : magnitude;
  bits = limits.is_zigzag ? zigzag(static_cast<std::int64_t>(two_complement)) : two_complement;
  return {};
}

std::string scalar_from_text(const FieldTable& field, std::string_view text, std::uint64_t& bits) {
  switch (field.kind) {
    case Kind::boolean:
      bits = text == "true" ? 1 : 0;
      return text == "true" || text == "false" ? std::string() : got("true or false", text);
    case Kind::enumeration: return enum_from_text(field, text, bits);
    case Kind::float32: return floating_from_text<float, std::uint32_t>(field, text, bits, get_float);
    case Kind::float64: return floating_from_text<double, std::uint64_t>(field, text, bits, get_double);
    default: break;
  }
  Integer value;
  const NumberFault fault = get_integer(text, value);
  if (fault != NumberFault::none) return fault_text(fault, expected_name(field), text);
  return integer_bits(field.kind, value.negative, value.magnitude, bits);
}

}  // namespace parley::contract
