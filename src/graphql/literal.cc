#include "graphql/literal.h"

#include <charconv>
#include <cstdint>
#include <limits>
#include <vector>

#include "contract/well_known.h"
#include "graphql/suggestions.h"

namespace parley::graphql {
namespace {

using Wrong = std::optional<std::string>;

std::string printed(const Value& value) {
  std::string out;
  print(value, out);
  return out;
}

template <class Int>
bool fits(std::string_view text) {
  Int value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && end == text.data() + text.size();
}

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Wrong wrong_enumeration(const NamedType& type, const Value& value) {
  const bool is_name = value.kind == ValueKind::enumeration;
  if (is_name && type.value(value.text) != nullptr) return std::nullopt;
  const std::string text = printed(value);
  std::vector<std::string_view> names;
  for (const EnumValue& each : type.values) names.push_back(each.name);
  const std::string hint = did_you_mean(suggestions(text, names), "the enum value");
  const std::string name(type.name);
  if (is_name) return "Value \"" + text + "\" does not exist in \"" + name + "\" enum." + hint;
  return "Enum \"" + name + "\" cannot represent non-enum value: " + text + "." + hint;
}

Wrong wrong_int(const Value& value) {
  if (value.kind != ValueKind::integer) return "Int cannot represent non-integer value: " + printed(value);
  if (fits<std::int32_t>(value.text)) return std::nullopt;
  return "Int cannot represent non 32-bit signed integer value: " + std::string(value.text);
}

// Int64, UInt64 and UInt32 take a number, and a string of digits.
template <class Int>
Wrong wrong_long(std::string_view type, const Value& value) {
  const std::string name(type);
  if ((value.kind != ValueKind::integer && value.kind != ValueKind::string) || !is_whole(value.text))
    return name + " cannot represent non-integer value: " + printed(value);
  if (fits<Int>(value.text)) return std::nullopt;
  const std::string range = std::to_string(sizeof(Int) * 8) + "-bit " +
                            (std::numeric_limits<Int>::is_signed ? "signed" : "unsigned") + " integer";
  return name + " cannot represent non " + range + " value: " + printed(value);
}

Wrong wrong_time(std::string_view type, const Value& value,
                 std::string (*get)(std::string_view, contract::SecondsNanos&)) {
  contract::SecondsNanos parsed;
  if (value.kind != ValueKind::string)
    return std::string(type) + " cannot represent a non string value: " + printed(value);
  const std::string problem = get(value.text, parsed);
  if (problem.empty()) return std::nullopt;
  return std::string(type) + " cannot represent value: " + printed(value) + ": " + problem;
}

Wrong wrong_string(std::string_view type, const Value& value) {
  if (value.kind == ValueKind::string) return std::nullopt;
  return std::string(type) + " cannot represent a non string value: " + printed(value);
}

}  // namespace

Wrong wrong_with_literal(const NamedType& type, const Value& value) {
  if (type.kind == TypeKind::enumeration) return wrong_enumeration(type, value);
  switch (type.scalar) {
    case Scalar::int32: return wrong_int(value);
    case Scalar::float64:
      if (value.kind == ValueKind::floating || value.kind == ValueKind::integer) return std::nullopt;
      return "Float cannot represent non numeric value: " + printed(value);
    case Scalar::boolean:
      if (value.kind == ValueKind::boolean) return std::nullopt;
      return "Boolean cannot represent a non boolean value: " + printed(value);
    case Scalar::id:
      if (value.kind == ValueKind::string || value.kind == ValueKind::integer) return std::nullopt;
      return "ID cannot represent a non-string and non-integer value: " + printed(value);
    case Scalar::int64: return wrong_long<std::int64_t>(type.name, value);
    case Scalar::uint64: return wrong_long<std::uint64_t>(type.name, value);
    case Scalar::uint32: return wrong_long<std::uint32_t>(type.name, value);
    case Scalar::timestamp: return wrong_time(type.name, value, contract::get_timestamp);
    case Scalar::duration: return wrong_time(type.name, value, contract::get_duration);
    case Scalar::string:
    case Scalar::bytes:
    case Scalar::field_mask: return wrong_string(type.name, value);
    case Scalar::json:
    case Scalar::none: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace parley::graphql
