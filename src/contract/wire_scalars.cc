// To JSON: scalars, alone and in packed arrays.
#include <bit>

#include "contract/number_text.h"
#include "contract/wire_to_json.h"

namespace parley::contract {

namespace {

template <class Word>
bool read_word(const char*& from, const char* end, Word& word) {
  if (end - from < static_cast<std::ptrdiff_t>(sizeof(Word))) return false;
  std::memcpy(&word, from, sizeof(Word));
  from += sizeof(Word);
  return true;
}

// The number's text at `to`, in quotes where JSON's doubles could not hold it.
template <Kind kind>
char* put_varint_kind(char* to, std::uint64_t bits) {
  switch (kind) {
    case Kind::int32: return put_int(to, static_cast<std::int32_t>(bits));
    case Kind::uint32: return put_uint(to, static_cast<std::uint32_t>(bits));
    case Kind::sint32: return put_int(to, static_cast<std::int32_t>(unzigzag(static_cast<std::uint32_t>(bits))));
    case Kind::boolean: {
      const std::string_view word = bits != 0 ? "true" : "false";
      std::memcpy(to, word.data(), word.size());
      return to + word.size();
    }
    default: break;
  }
  *to++ = '"';
  if (kind == Kind::int64) to = put_int(to, static_cast<std::int64_t>(bits));
  if (kind == Kind::uint64) to = put_uint(to, bits);
  if (kind == Kind::sint64) to = put_int(to, unzigzag(bits));
  *to++ = '"';
  return to;
}

template <Kind kind>
char* put_fixed32_kind(char* to, std::uint32_t bits) {
  if (kind == Kind::fixed32) return put_uint(to, bits);
  if (kind == Kind::sfixed32) return put_int(to, static_cast<std::int32_t>(bits));
  return put_float(to, std::bit_cast<float>(bits));
}

template <Kind kind>
char* put_fixed64_kind(char* to, std::uint64_t bits) {
  if (kind == Kind::float64) return put_double(to, std::bit_cast<double>(bits));
  *to++ = '"';
  to = kind == Kind::fixed64 ? put_uint(to, bits) : put_int(to, static_cast<std::int64_t>(bits));
  *to++ = '"';
  return to;
}

// Writes the value at `from` and moves `from` behind it; null if it is cut off. `to` has room for max_number_size.
template <Kind kind>
char* convert(char* to, const char*& from, const char* end) {
  if constexpr (kind < Kind::enumeration) {
    std::uint64_t bits = 0;
    from = read_varint_wide(from, end, bits);
    return from == nullptr ? nullptr : put_varint_kind<kind>(to, bits);
  } else if constexpr (kind < Kind::fixed64) {
    std::uint32_t bits = 0;
    return read_word(from, end, bits) ? put_fixed32_kind<kind>(to, bits) : nullptr;
  } else {
    std::uint64_t bits = 0;
    return read_word(from, end, bits) ? put_fixed64_kind<kind>(to, bits) : nullptr;
  }
}

template <class Visitor>
auto with_kind(Kind kind, const Visitor& visitor) {
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

}  // namespace

bool WireToJson::enumeration(const FieldTable& field, std::int32_t number) {
  const EnumTable& values = *field.enumeration;
  if (values.is_null_value()) return out_.put("null"), true;
  const std::string_view quoted = options_.enums_as_numbers ? std::string_view() : values.quoted_name(number);
  if (!quoted.empty()) {
    out_.put_padded(quoted);
  } else {
    out_.advance(put_int(out_.need(max_number_size), number));
  }
  return true;
}

template <Kind kind>
bool WireToJson::scalar_of(const FieldTable& field, const char*& from, const char* end) {
  if constexpr (kind == Kind::enumeration) {
    std::uint64_t bits = 0;
    from = read_varint(from, end, bits);
    if (from == nullptr) return fail("malformed Protobuf: a number is cut off");
    return enumeration(field, static_cast<std::int32_t>(bits));
  } else {
    char* const to = convert<kind>(out_.need(max_number_size), from, end);
    if (to == nullptr) return fail("malformed Protobuf: a number is cut off");
    out_.advance(to);
    return true;
  }
}

bool WireToJson::scalar(const FieldTable& field, const char*& from, const char* end) {
  return with_kind(field.kind, [&]<Kind kind>() { return scalar_of<kind>(field, from, end); });
}

// `,1,2,3`: what one record adds to an array.
bool WireToJson::elements(const Record& record, int depth) {
  const FieldTable& field = *record.field;
  if (record.type == WireType::length && field.kind < Kind::string) {
    return with_kind(field.kind, [&]<Kind kind>() { return packed_elements<kind>(field, record.from, record.end); });
  }
  out_.put(',');
  return value(record, depth);
}

template <Kind kind>
bool WireToJson::packed_elements(const FieldTable& field, const char* from, const char* end) {
  while (from != end) {
    if constexpr (kind == Kind::enumeration) {
      const char* const start = from;
      std::uint64_t bits = 0;
      from = read_varint(from, end, bits);
      if (from == nullptr) return fail("malformed Protobuf: a number is cut off");
      if (field.enumeration->closed() && !field.enumeration->has(static_cast<std::int32_t>(bits))) continue;
      from = start;
    }
    out_.put(',');
    if (!scalar_of<kind>(field, from, end) || !within_limit()) return false;
  }
  return true;
}

}  // namespace parley::contract
