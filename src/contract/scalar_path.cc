#include "contract/scalar_path.h"

#include <array>
#include <bit>
#include <cstring>
#include <list>

#include "base/base64.h"
#include "contract/field_path.h"
#include "contract/number_text.h"
#include "contract/wire_format.h"

namespace parley::contract {
namespace {

constexpr int max_depth = 100;  // of groups nobody knows

// What a field holds after all records of a message were merged: a number's bits, or content.
struct Found {
  bool is_there = false;
  std::uint64_t bits = 0;
  std::string_view content;
  std::string joined;  // holds `content` where a message came in several records
};

// Reads one record's value behind its tag into `out`. Null: malformed.
const char* read_value(std::uint32_t tag, const char* at, const char* end, std::uint64_t& bits,
                       std::string_view& content) {
  switch (static_cast<WireType>(tag & 7U)) {
    case WireType::varint: return read_varint(at, end, bits);
    case WireType::fixed32:
    case WireType::fixed64: {
      const char* const next = skip_record(at, end, tag, max_depth);
      if (next != nullptr) std::memcpy(&bits, at, static_cast<std::size_t>(next - at));
      return next;
    }
    case WireType::length: {
      std::size_t size = 0;
      at = read_length(at, end, size);
      if (at == nullptr) return nullptr;
      content = {at, size};
      return at + size;
    }
    case WireType::group_start: {
      const char* content_end = nullptr;
      const char* const next = skip_group(at, end, tag >> 3U, max_depth, content_end);
      if (next != nullptr) content = {at, content_end};
      return next;
    }
    case WireType::group_end: break;
  }
  return nullptr;
}

void put(const FieldTable& field, std::uint64_t bits, std::string_view content, Found& found) {
  if (field.message != nullptr && found.is_there) {
    if (found.joined.empty()) found.joined = found.content;
    found.joined += content;
    found.content = found.joined;
  } else {
    found.bits = bits;
    found.content = content;
  }
  found.is_there = true;
}

// False: the message is malformed.
bool find(const FieldTable& field, std::string_view wire, Found& found) {
  const char* at = wire.data();
  const char* const end = at + wire.size();
  while (at != end) {
    std::uint32_t tag = 0;
    at = read_tag(at, end, tag);
    if (at == nullptr) return false;
    std::uint64_t bits = 0;
    std::string_view content;
    at = read_value(tag, at, end, bits, content);
    if (at == nullptr) return false;
    if (tag == field.tag()) {
      put(field, bits, content, found);
    } else if (field.oneof != 0) {
      // Another member of the same oneof takes its place.
      const FieldTable* other = field.owner->by_number(tag >> 3U);
      if (other != nullptr && other->oneof == field.oneof && tag == other->tag()) found = {};
    }
  }
  return true;
}

std::string text_of(const FieldTable& field, const Found& found) {
  const auto as_signed = static_cast<std::int64_t>(found.bits);
  switch (field.kind) {
    case Kind::string: return std::string(found.content);
    case Kind::bytes: {
      std::string text;
      base64_encode(found.content, text);
      return text;
    }
    case Kind::boolean: return found.bits == 0 ? "false" : "true";
    case Kind::int32:
    case Kind::sfixed32: return std::to_string(static_cast<std::int32_t>(found.bits));
    case Kind::int64:
    case Kind::sfixed64: return std::to_string(as_signed);
    case Kind::uint32:
    case Kind::fixed32: return std::to_string(static_cast<std::uint32_t>(found.bits));
    case Kind::uint64:
    case Kind::fixed64: return std::to_string(found.bits);
    case Kind::sint32:
    case Kind::sint64: return std::to_string(unzigzag(found.bits));
    case Kind::enumeration: {
      const auto number = static_cast<std::int32_t>(found.bits);
      const std::string_view quoted = field.enumeration->quoted_name(number);
      return quoted.empty() ? std::to_string(number) : std::string(quoted.substr(1, quoted.size() - 2));
    }
    case Kind::float32: {
      std::array<char, max_number_size> text;
      return {text.data(), put_float(text.data(), std::bit_cast<float>(static_cast<std::uint32_t>(found.bits)))};
    }
    case Kind::float64: {
      std::array<char, max_number_size> text;
      return {text.data(), put_double(text.data(), std::bit_cast<double>(found.bits))};
    }
    case Kind::message:
    case Kind::group: break;
  }
  return "";
}

}  // namespace

Result<ScalarPath> ScalarPath::of(const MessageTable& table, std::string_view path) {
  auto fields = resolve_path(table, path);
  if (!fields) return fail(std::move(fields).error());
  const FieldTable& last = *fields->back();
  if (last.repeated || last.message != nullptr)
    return invalid("\"" + std::string(path) + "\" of " + table.full_name() + " is no single scalar");
  ScalarPath out;
  for (const FieldTable* field : *fields) {
    if (!out.path_.empty()) out.path_ += '.';
    out.path_ += field->proto_name;
  }
  out.fields_ = *std::move(fields);
  return out;
}

std::optional<std::string> ScalarPath::read(std::string_view wire) const {
  std::list<std::string> joined;  // messages that came in several records
  for (const FieldTable* field : fields_) {
    Found found;
    if (!find(*field, wire, found)) return std::nullopt;
    if (!found.is_there && (field->message != nullptr || field->has_presence)) return std::nullopt;
    if (field == fields_.back()) return text_of(*field, found);
    wire = found.joined.empty() ? found.content : joined.emplace_back(std::move(found.joined));
  }
  return std::nullopt;
}

bool ScalarPath::is_default(std::string_view text) const { return is_set() && text == text_of(*fields_.back(), {}); }

}  // namespace parley::contract
