// Reading scalars from JSON: the usual spellings inline and fast, the rare ones (exponents, escapes in quotes) by
// scalar_text.
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "contract/json_to_wire.h"
#include "contract/scalar_text.h"
#include "contract/wire_format.h"

namespace parley::contract {

namespace {

constexpr bool is_unsigned(Kind kind) {
  return kind == Kind::uint32 || kind == Kind::uint64 || kind == Kind::fixed32 || kind == Kind::fixed64;
}
constexpr bool is_zigzag(Kind kind) { return kind == Kind::sint32 || kind == Kind::sint64; }
constexpr bool is_wide(Kind kind) {
  return kind == Kind::int64 || kind == Kind::uint64 || kind == Kind::sint64 || kind == Kind::fixed64 ||
         kind == Kind::sfixed64;
}

constexpr std::uint64_t most(Kind kind) {
  if (is_wide(kind)) return is_unsigned(kind) ? ~std::uint64_t{0} : std::numeric_limits<std::int64_t>::max();
  return is_unsigned(kind) ? std::numeric_limits<std::uint32_t>::max() : std::numeric_limits<std::int32_t>::max();
}

// How many of the eight characters of `word`, counted from the lowest byte, are digits before the first that is none.
unsigned leading_digits(std::uint64_t word) {
  const std::uint64_t other = word ^ 0x3030303030303030U;  // digits become 0 to 9
  const std::uint64_t marks = (other | (other + 0x0606060606060606U)) & 0xf0f0f0f0f0f0f0f0U;
  return static_cast<unsigned>(std::countr_zero(marks)) / 8;
}

// The value of eight digits, the first in the lowest byte: pairs, then fours, then all.
std::uint64_t value_of_eight(std::uint64_t word) {
  word = (word & 0x0f0f0f0f0f0f0f0fU) * (10 * 256 + 1) >> 8U;
  word = (word & 0x00ff00ff00ff00ffU) * (100 * 65536 + 1) >> 16U;
  return (word & 0x0000ffff0000ffffU) * (10000 * 4294967296U + 1) >> 32U;
}

constexpr std::array<std::uint64_t, 9> powers_of_ten = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

// The digits at `at`, at most 19 of them. Returns what follows them, or null where the slow path has to look.
const char* short_integer(const char* at, const char* end, std::uint64_t& value) {
  const char* const digits = at;
  std::uint64_t sum = 0;
  while (end - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    const unsigned count = leading_digits(word);
    at += count;
    if (count == 8) {
      sum = sum * powers_of_ten[8] + value_of_eight(word);
      continue;
    }
    // Shifting zeros in before the digits leaves their value as it is.
    if (count > 0) sum = sum * powers_of_ten[count] + value_of_eight(word << (8 * (8 - count)));
    break;
  }
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned char>(*at - '0');
    if (digit > 9) break;
    sum = sum * 10 + digit;
  }
  const std::ptrdiff_t count = at - digits;
  if (count == 0 || count > 19 || (*digits == '0' && count > 1)) return nullptr;
  value = sum;
  return at;
}

}  // namespace

// Leaves the place unchanged and asks slow_integer wherever anything is out of the ordinary, so that it finds the words
// for it.
template <Kind kind>
bool JsonToWire::integer(const FieldTable& field, std::uint64_t& bits) {
  const bool quoted = in_.peek() == '"';
  const char* at = in_.at() + (quoted ? 1 : 0);
  const char* const end = in_.end();
  const bool negative = at != end && *at == '-';
  std::uint64_t magnitude = 0;
  at = short_integer(at + (negative ? 1 : 0), end, magnitude);
  if (at == nullptr) return slow_integer(field, bits);
  if (quoted) {
    if (at == end || *at != '"') return slow_integer(field, bits);
    ++at;
  } else if (at != end && (*at == '.' || *at == 'e' || *at == 'E')) {
    return slow_integer(field, bits);
  }
  if (magnitude > most(kind) + (negative ? 1U : 0U) && !(kind == Kind::uint64 || kind == Kind::fixed64)) {
    return slow_integer(field, bits);
  }
  if (negative && is_unsigned(kind) && magnitude != 0) return slow_integer(field, bits);
  in_.move_to(at);
  const std::uint64_t number = negative ? ~magnitude + 1 : magnitude;
  bits = is_zigzag(kind) ? zigzag(static_cast<std::int64_t>(number)) : number;
  return true;
}

bool JsonToWire::slow_integer(const FieldTable& field, std::uint64_t& bits) {
  if (in_.peek() == '"') return quoted_scalar(field, bits);
  const char* const start = in_.at();
  std::string_view text;
  if (scan_number(start, in_.end()) == nullptr) return in_.fail_expected(expected_name(field));
  if (!in_.read_number(text)) return false;
  std::string wrong = scalar_from_text(field, text, bits);
  return wrong.empty() || in_.fail(start, std::move(wrong));
}

bool JsonToWire::quoted_scalar(const FieldTable& field, std::uint64_t& bits) {
  const char* const start = in_.at();
  std::string_view text;
  if (!in_.read_text(text, scratch_)) return false;
  std::string wrong = scalar_from_text(field, text, bits);
  return wrong.empty() || in_.fail(start, std::move(wrong));
}

template <class Float, class Bits>
bool JsonToWire::floating(const FieldTable& field, std::uint64_t& bits) {
  if (in_.peek() == '"') return quoted_scalar(field, bits);
  const char* const start = in_.at();
  Float value = 0;
  const char* stop = nullptr;
  if constexpr (sizeof(Float) == sizeof(double)) {
    stop = read_double(start, in_.end(), value);
  } else {
    stop = read_float(start, in_.end(), value);
  }
  if (stop == nullptr) return in_.fail_expected(expected_name(field));
  if (!std::isfinite(value)) {
    return in_.fail(std::string(start, stop) + " is out of range for " + expected_name(field));
  }
  in_.move_to(stop);
  bits = std::bit_cast<Bits>(value);
  return true;
}

bool JsonToWire::boolean(std::uint64_t& bits) {
  bits = in_.take_word("true") ? 1 : 0;
  return bits == 1 || in_.take_word("false") || in_.fail_expected("true or false");
}

JsonToWire::Read JsonToWire::enumeration(const FieldTable& field, std::uint64_t& bits) {
  const char next = in_.peek();
  const auto bad_unless = [](bool good) { return good ? Read::value : Read::bad; };
  if (next == 'n' && field.takes_null) {
    bits = 0;
    return bad_unless(in_.take_word("null") || in_.fail_expected("null"));
  }
  if (next != '"') {
    if (next != '-' && (next < '0' || next > '9')) return bad_unless(in_.fail_expected(expected_name(field)));
    return bad_unless(slow_integer(field, bits));
  }
  const char* const start = in_.at();
  std::string_view text;
  if (!in_.read_text(text, scratch_)) return Read::bad;
  if (const std::int32_t* number = field.enumeration->number(text)) {
    bits = static_cast<std::uint64_t>(std::int64_t{*number});
    return Read::value;
  }
  if (options_.ignore_unknown) return Read::skipped;
  return bad_unless(in_.fail(start, "no value \"" + std::string(text.substr(0, 40)) + "\" in " +
                                        field.enumeration->full_name() + ": expected one of " +
                                        field.enumeration->some_names()));
}

template <Kind kind>
JsonToWire::Read JsonToWire::scalar_of(const FieldTable& field, std::uint64_t& bits) {
  if constexpr (kind == Kind::enumeration) {
    return enumeration(field, bits);
  } else {
    bool good = false;
    if constexpr (kind == Kind::boolean) {
      good = boolean(bits);
    } else if constexpr (kind == Kind::float64) {
      good = floating<double, std::uint64_t>(field, bits);
    } else if constexpr (kind == Kind::float32) {
      good = floating<float, std::uint32_t>(field, bits);
    } else {
      good = integer<kind>(field, bits);
    }
    return good ? Read::value : Read::bad;
  }
}

// Calls `visitor.operator()<kind>()` for the scalar kind that is only known at run time.
template <class Visitor>
static auto with_kind(Kind kind, const Visitor& visitor) {
  switch (kind) {
    case Kind::int32: return visitor.template operator()<Kind::int32>();
    case Kind::int64: return visitor.template operator()<Kind::int64>();
    case Kind::uint32: return visitor.template operator()<Kind::uint32>();
    case Kind::uint64: return visitor.template operator()<Kind::uint64>();
    case Kind::sint32: return visitor.template operator()<Kind::sint32>();
    case Kind::sint64: return visitor.template operator()<Kind::sint64>();
    case Kind::boolean: return visitor.template operator()<Kind::boolean>();
    case Kind::fixed32: return visitor.template operator()<Kind::fixed32>();
    case Kind::sfixed32: return visitor.template operator()<Kind::sfixed32>();
    case Kind::float32: return visitor.template operator()<Kind::float32>();
    case Kind::fixed64: return visitor.template operator()<Kind::fixed64>();
    case Kind::sfixed64: return visitor.template operator()<Kind::sfixed64>();
    case Kind::float64: return visitor.template operator()<Kind::float64>();
    default: return visitor.template operator()<Kind::enumeration>();
  }
}

JsonToWire::Read JsonToWire::scalar(const FieldTable& field, std::uint64_t& bits) {
  return with_kind(field.kind, [&]<Kind kind>() { return scalar_of<kind>(field, bits); });
}

bool JsonToWire::packed(const FieldTable& field) {
  put_tag(field);
  const std::size_t content = out_.open();
  if (!with_kind(field.kind, [&]<Kind kind>() { return packed_elements<kind>(field); })) return false;
  out_.close(content);
  return true;
}

template <Kind kind>
bool JsonToWire::packed_elements(const FieldTable& field) {
  std::size_t index = 0;
  do {
    std::uint64_t bits = 0;
    const Read read = scalar_of<kind>(field, bits);
    if (read == Read::bad || !within_limit()) {
      in_.in_element(index);
      return false;
    }
    if (read == Read::value) out_.advance(put_scalar(out_.need(max_varint_size), kind, bits));
  } while (++index, in_.take(','));
  return true;
}

}  // namespace parley::contract
