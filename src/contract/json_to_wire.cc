#include "contract/json_to_wire.h"

#include <cstring>

#include "base/base64.h"
#include "contract/field_path.h"
#include "contract/name_hash.h"
#include "contract/scalar_text.h"
#include "contract/text_escape.h"
#include "contract/wire_format.h"

namespace parley::contract {

namespace {

// Whether `text` starts with `prefix`, which has 16 readable bytes after its end (a MessageTable's key).
bool starts_with_padded(const char* text, const char* end, std::string_view prefix) {
  const std::size_t size = prefix.size();
  if (static_cast<std::size_t>(end - text) < size + 8) return std::string_view(text, end).starts_with(prefix);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    if (load_up_to_8(text + i, 8) != load_up_to_8(prefix.data() + i, 8)) return false;
  }
  const std::uint64_t differ = load_up_to_8(text + i, 8) ^ load_up_to_8(prefix.data() + i, 8);
  return (differ & ((std::uint64_t{1} << 8 * (size - i)) - 1)) == 0;
}

}  // namespace

bool JsonToWire::too_large() {
  in_.too_large();
  return in_.fail("more than " + std::to_string(options_.max_bytes) + " bytes of Protobuf come of this");
}

bool JsonToWire::message(const MessageTable& table, int depth) {
  if (depth <= 0) return in_.fail("nested too deeply");
  switch (table.well_known()) {
    case WellKnown::none: return object(table, depth);
    case WellKnown::any: return any(table, depth);
    case WellKnown::timestamp:
    case WellKnown::duration: return time(table);
    case WellKnown::field_mask: return field_mask();
    case WellKnown::structure: return json_struct(depth);
    case WellKnown::value: return json_value(depth);
    case WellKnown::list_value: return json_list(depth);
    case WellKnown::wrapper: return value(table.fields()[0], depth, false) != Read::bad;
    case WellKnown::message_set: return in_.fail(table.full_name() + " is a message set, which has no JSON form");
  }
  return false;
}

bool JsonToWire::object(const MessageTable& table, int depth) {
  if (!in_.take('{')) return in_.fail_expected("an object");
  return members(table, depth, false);
}

bool JsonToWire::members(const MessageTable& table, int depth, bool in_any) {
  SeenSet seen(table.fields().size() + table.oneof_count());
  const FieldTable* next = table.fields().data();
  if (!in_.take('}')) {
    do {
      const FieldTable* field = next;
      if (!key(table, field, in_any)) return false;
      if (field == nullptr) continue;  // skipped
      if (!member(table, *field, seen, depth) || !within_limit()) {
        in_.in_field(field->json_name);
        return false;
      }
      next = field + 1;
    } while (in_.take(','));
    if (!in_.expect('}', "',' or '}'")) return false;
  }
  return !table.has_required() || check_required(table, seen);
}

// Reads a name and its colon. `field` comes in as the guess (the one declared after the last), and goes out as the
// field, or null for a name that is to be skipped (its value is skipped, too).
bool JsonToWire::key(const MessageTable& table, const FieldTable*& field, bool in_any) {
  if (in_.peek() == '"' && field != table.fields().data() + table.fields().size()) [[likely]] {
    const std::string_view guess = field->json_key.substr(1);  // without the comma
    if (starts_with_padded(in_.at(), in_.end(), guess)) {
      in_.move_to(in_.at() + guess.size());
      return true;
    }
  }
  const char* const start = in_.at();
  std::string_view name;
  if (in_.peek() != '"') return in_.fail_expected("the name of a field in quotes");
  if (!in_.read_text(name, scratch_) || !in_.expect(':', "':'")) return false;
  field = table.by_name(name);
  if (field != nullptr) return true;
  if (in_any && name == "@type") return in_.skip_value(0);
  if (options_.ignore_unknown) return in_.skip_value(options_.max_depth);
  return in_.fail(start, no_such_field(table, name));
}

bool JsonToWire::member(const MessageTable& table, const FieldTable& field, SeenSet& seen, int depth) {
  const char* const start = in_.at();
  if (!seen.add(field.index)) [[unlikely]]
    return in_.fail(start, "the field is set twice");
  if (in_.peek() == 'n' && !field.takes_null) {
    return in_.take_word("null") || in_.fail_expected(expected_name(field));
  }
  if (field.oneof != 0 && !seen.add(table.fields().size() + field.oneof - 1U)) {
    return in_.fail(start, "another field of the same oneof is set already");
  }
  return this->field(field, depth, field.has_presence);
}

bool JsonToWire::check_required(const MessageTable& table, const SeenSet& seen) {
  for (const FieldTable& field : table.fields()) {
    if (field.required && !seen.has(field.index)) {
      return in_.fail("the required field \"" + std::string(field.json_name) + "\" is missing");
    }
  }
  return true;
}

bool JsonToWire::field(const FieldTable& field, int depth, bool keep_zero) {
  if (field.map) return map(field, depth);
  if (field.repeated) return in_.peek() == 'n' && in_.take_word("null") ? true : array(field, depth);
  return singular(field, depth, keep_zero);
}

bool JsonToWire::singular(const FieldTable& field, int depth, bool keep_zero) {
  return value(field, depth, keep_zero) != Read::bad;
}

void JsonToWire::put_tag(const FieldTable& field) {
  char* const to = out_.need(8);
  std::memcpy(to, &field.tag_bytes, 8);
  out_.advance(to + field.tag_size);
}

// One record, tag and value.
JsonToWire::Read JsonToWire::value(const FieldTable& field, int depth, bool keep_zero) {
  switch (field.kind) {
    case Kind::string: return string(field, keep_zero);
    case Kind::bytes: return bytes(field, keep_zero);
    case Kind::message:
    case Kind::group: return sub_message(field, depth - 1);
    default: break;
  }
  std::uint64_t bits = 0;
  const Read read = scalar(field, bits);
  if (read != Read::value || (bits == 0 && !keep_zero)) return read;
  char* to = out_.need(8 + max_varint_size);
  std::memcpy(to, &field.tag_bytes, 8);
  out_.advance(put_scalar(to + field.tag_size, field.kind, bits));
  return read;
}

JsonToWire::Read JsonToWire::sub_message(const FieldTable& field, int depth) {
  put_tag(field);
  if (field.kind == Kind::message) {
    const std::size_t content = out_.open();
    if (!message(*field.message, depth)) return Read::bad;
    out_.close(content);
    return Read::value;
  }
  if (!message(*field.message, depth)) return Read::bad;
  const std::uint64_t end_tag = std::uint64_t{field.number} << 3U | static_cast<std::uint64_t>(WireType::group_end);
  out_.advance(put_varint(out_.need(max_varint_size), end_tag));
  return Read::value;
}

void JsonToWire::put_text(std::uint64_t tag_bytes, std::size_t tag_size, std::string_view text) {
  char* to = out_.need(8 + max_varint_size + text.size());
  std::memcpy(to, &tag_bytes, 8);
  to = put_varint(to + tag_size, text.size());
  std::memcpy(to, text.data(), text.size());
  out_.advance(to + text.size());
}

JsonToWire::Read JsonToWire::string(const FieldTable& field, bool keep_zero) {
  if (in_.peek() != '"') return in_.fail_expected("a string"), Read::bad;
  std::string_view text;
  if (!in_.read_text(text, scratch_)) return Read::bad;
  if (!text.empty() || keep_zero) put_text(field.tag_bytes, field.tag_size, text);
  return Read::value;
}

JsonToWire::Read JsonToWire::bytes(const FieldTable& field, bool keep_zero) {
  if (in_.peek() != '"') return in_.fail_expected("a string of base64"), Read::bad;
  const char* const start = in_.at();
  std::string_view text;
  if (!in_.read_text(text, scratch_)) return Read::bad;
  if (text.empty() && !keep_zero) return Read::value;
  put_tag(field);
  const std::size_t content = out_.open();
  char* const stop = get_base64(out_.need(base64_decoded_size(text.size())), text);
  if (stop == nullptr) return in_.fail(start, "this string is not base64"), Read::bad;
  out_.advance(stop);
  out_.close(content);
  return Read::value;
}

// ---- arrays and maps

bool JsonToWire::array(const FieldTable& field, int depth) {
  if (!in_.take('[')) return in_.fail_expected("an array");
  if (in_.take(']')) return true;
  const bool good = field.packed ? packed(field) : elements(field, depth);
  return good && in_.expect(']', "',' or ']'");
}

bool JsonToWire::elements(const FieldTable& field, int depth) {
  std::size_t index = 0;
  do {
    if (in_.peek() == 'n' && !field.takes_null) {
      in_.fail_expected(expected_name(field));
    } else if (singular(field, depth, true) && within_limit()) {
      continue;
    }
    in_.in_element(index);
    return false;
  } while (++index, in_.take(','));
  return true;
}

bool JsonToWire::map(const FieldTable& field, int depth) {
  if (!in_.take('{')) return in_.fail_expected("an object");
  if (in_.take('}')) return true;
  KeySet keys;
  do {
    if (!entry(field, depth, keys) || !within_limit()) return false;
  } while (in_.take(','));
  return in_.expect('}', "',' or '}'");
}

bool JsonToWire::entry(const FieldTable& field, int depth, KeySet& keys) {
  const FieldTable& value_field = field.message->fields()[1];
  const std::size_t start = out_.size();
  put_tag(field);
  const std::size_t content = out_.open();
  in_.peek();
  const char* const key_at = in_.at();
  if (!map_key(field.message->fields()[0])) return false;
  const std::string_view shown(key_at, in_.at());
  if (!keys.add({out_.at(content), out_.size() - content})) return in_.fail(key_at, "this key is there twice");
  if (!in_.expect(':', "':'")) return false;
  Read read = Read::bad;
  if (in_.peek() == 'n' && !value_field.takes_null) {
    in_.fail_expected(expected_name(value_field));
  } else {
    read = value(value_field, depth, true);
  }
  if (read == Read::value) out_.close(content);
  if (read == Read::skipped) out_.cut(start);
  if (read == Read::bad) in_.in_key(shown);
  return read != Read::bad;
}

bool JsonToWire::map_key(const FieldTable& key) {
  const char* const start = in_.at();
  std::string_view text;
  if (in_.peek() != '"') return in_.fail_expected("a key in quotes");
  if (!in_.read_text(text, scratch_)) return false;
  if (key.kind == Kind::string) {
    put_text(key.tag_bytes, key.tag_size, text);
    return true;
  }
  std::uint64_t bits = 0;
  std::string wrong = scalar_from_text(key, text, bits);
  if (!wrong.empty()) return in_.fail(start, std::move(wrong));
  put_tag(key);
  out_.advance(put_scalar(out_.need(max_varint_size), key.kind, bits));
  return true;
}

}  // namespace parley::contract
