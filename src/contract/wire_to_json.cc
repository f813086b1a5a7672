#include "contract/wire_to_json.h"

#include <bit>

#include "base/base64.h"
#include "contract/number_text.h"
#include "contract/text_escape.h"

namespace parley::contract {

// ---- errors

bool WireToJson::fail(std::string message) {
  if (!failed_) message_ = std::move(message);
  failed_ = true;
  return false;
}

bool WireToJson::give_up() {
  return fail("records out of order");  // never shown: the merging way has the last word
}

bool WireToJson::too_large() {
  too_large_ = true;
  return fail("more than " + std::to_string(options_.max_bytes) + " bytes of JSON come of this");
}

bool WireToJson::in_field(const FieldTable& field) {
  path_.insert(0, "." + std::string(field.json_name));
  return false;
}

Error WireToJson::error() const {
  return {too_large_ ? Code::resource_exhausted : Code::invalid_argument, Blame::caller, "$" + path_ + ": " + message_};
}

// ---- records

bool WireToJson::takes(const FieldTable& field, WireType type) {
  const WireType unpacked = wire_type(field.kind);
  return type == unpacked || (type == WireType::length && field.repeated && field.kind < Kind::string);
}

const char* WireToJson::read_record(const MessageTable& table, const char* from, const char* end, Record& record,
                                    int depth) {
  std::uint32_t tag = 0;
  from = read_tag(from, end, tag);
  if (from == nullptr) return fail("malformed Protobuf: bad tag"), nullptr;
  record.type = static_cast<WireType>(tag & 7U);
  record.field = table.by_number(tag >> 3U);
  if (record.field != nullptr && !takes(*record.field, record.type)) record.field = nullptr;
  return read_content(record, from, end, tag, depth);
}

const char* WireToJson::read_content(Record& record, const char* from, const char* end, std::uint32_t tag, int depth) {
  const char* next = nullptr;
  record.from = from;
  if (record.type == WireType::length) {
    std::size_t size = 0;
    record.from = read_length(from, end, size);
    if (record.from != nullptr) next = record.from + size;
    record.end = next;
  } else if (record.type == WireType::group_start) {
    next = skip_group(from, end, tag >> 3U, depth, record.end);
  } else {
    next = skip_record(from, end, tag, depth);
    record.end = next;
  }
  if (next == nullptr) {
    fail("malformed Protobuf: field " + std::to_string(tag >> 3U) + " is cut off or nested too deeply");
    return nullptr;
  }
  if (record.field != nullptr && record.type == WireType::varint && record.field->enumeration != nullptr &&
      record.field->enumeration->closed()) {
    std::uint64_t number = 0;
    read_varint(from, end, number);
    if (!record.field->enumeration->has(static_cast<std::int32_t>(number))) record.field = nullptr;
  }
  return next;
}

// ---- messages

bool WireToJson::message(const MessageTable& table, Fragments content, int depth) {
  if (depth <= 0) return fail("nested too deeply");
  Form form = Form::object;
  switch (table.well_known()) {
    case WellKnown::timestamp:
    case WellKnown::duration: return time(table, content);
    case WellKnown::field_mask: return field_mask(table, content);
    case WellKnown::any: return any(table, content, depth);
    case WellKnown::structure:
    case WellKnown::value:
    case WellKnown::list_value:
    case WellKnown::wrapper: form = Form::bare; break;
    case WellKnown::message_set: return fail(table.full_name() + " is a message set, which has no JSON form");
    case WellKnown::none: break;
  }
  if (way_ == Way::merging) return merging(table, content, form, depth);
  if (content.size() != 1) return give_up();
  return straight(table, content[0], form, depth);
}

// Whether the straight way may write this record now.
bool WireToJson::fits(const Record& record, SeenSet& seen, const MessageTable& table) {
  const FieldTable& field = *record.field;
  if (!seen.add(field.index)) return give_up();
  if (field.oneof != 0 && !seen.add(table.fields().size() + field.oneof - 1U)) return give_up();
  return true;
}

bool WireToJson::straight(const MessageTable& table, std::string_view content, Form form, int depth) {
  SeenSet seen(table.fields().size() + table.oneof_count());
  const std::size_t start = out_.size();
  const char* from = content.data();
  const char* const end = from + content.size();
  while (from != end) {
    Record record;
    from = read_record(table, from, end, record, depth);
    if (from == nullptr) return false;
    if (record.field == nullptr) continue;
    if (!fits(record, seen, table)) return false;
    if (form == Form::object) put_key(*record.field);
    if (record.field->map) {
      from = straight_map(record, from, end, depth);
    } else if (record.field->repeated) {
      from = straight_repeated(record, from, end, depth);
    } else if (!value(record, depth)) {
      from = nullptr;
    }
    if (from == nullptr || !within_limit()) return in_field(*record.field);
  }
  if (form == Form::bare) return out_.size() != start || absent_bare(table);
  if ((options_.emit_defaults || table.has_required()) && !absent_fields(table, seen)) return false;
  if (out_.size() == start) out_.put('{');
  *out_.at(start) = '{';  // where the first key has its comma
  out_.put('}');
  return true;
}

// The records of one repeated field that follow one another. Returns what follows them.
const char* WireToJson::straight_repeated(const Record& first, const char* next, const char* end, int depth) {
  const FieldTable& field = *first.field;
  const std::size_t start = out_.size();
  Record record = first;
  for (;;) {
    if (record.field != nullptr && !(elements(record, depth) && within_limit())) return nullptr;
    if (next == end) break;
    std::uint32_t tag = 0;
    const char* const content = read_tag(next, end, tag);
    record.field = &field;
    record.type = static_cast<WireType>(tag & 7U);
    if (content == nullptr || tag >> 3U != field.number || !takes(field, record.type)) break;
    next = read_content(record, content, end, tag, depth);
    if (next == nullptr) return nullptr;
  }
  if (out_.size() == start) out_.put('[');
  *out_.at(start) = '[';
  out_.put(']');
  return next;
}

const char* WireToJson::straight_map(const Record& first, const char* next, const char* end, int depth) {
  const FieldTable& field = *first.field;
  const std::size_t start = out_.size();
  Record record = first;
  KeySet keys;
  for (;;) {
    Entry entry;
    if (!read_entry(field, record.content(), entry, depth)) return nullptr;
    if (!entry.skip) {
      const std::size_t key = out_.size();
      if (!put_entry_key(field, entry)) return nullptr;
      if (!keys.add({out_.at(key), out_.size() - key})) return give_up(), nullptr;
      if (!put_entry_value(field, entry, depth) || !within_limit()) return nullptr;
    }
    if (next == end) break;
    std::uint32_t tag = 0;
    const char* const content = read_tag(next, end, tag);
    record.type = WireType::length;
    if (content == nullptr || tag != field.tag()) break;
    next = read_content(record, content, end, tag, depth);
    if (next == nullptr) return nullptr;
  }
  if (out_.size() == start) out_.put('{');
  *out_.at(start) = '{';
  out_.put('}');
  return next;
}

// What an absent field is shown as where the options ask for it; a missing required field is an error.
bool WireToJson::absent_fields(const MessageTable& table, const SeenSet& seen) {
  for (const FieldTable& field : table.fields()) {
    if (seen.has(field.index)) continue;
    if (field.required) return fail("the required field \"" + std::string(field.json_name) + "\" is missing");
    if (!options_.emit_defaults || field.extension || (field.has_presence && !field.repeated)) continue;
    put_key(field);
    put_default(field);
  }
  return true;
}

void WireToJson::put_default(const FieldTable& field) {
  if (field.enumeration != nullptr && !field.repeated) {
    const EnumTable& values = *field.enumeration;
    if (values.is_null_value()) return out_.put("null");
    if (options_.enums_as_numbers) return out_.put(std::to_string(values.first_number()));
  }
  out_.put(field.default_json);
}

bool WireToJson::absent_bare(const MessageTable& table) {
  if (table.well_known() == WellKnown::value) return fail("a google.protobuf.Value holds nothing, not even null");
  put_default(table.fields()[0]);
  return true;
}

// ---- map entries: messages of a key (field 1) and a value (field 2), in any order, either possibly absent

bool WireToJson::read_entry(const FieldTable& map, std::string_view content, Entry& entry, int depth) {
  const char* from = content.data();
  const char* const end = from + content.size();
  const FieldTable& value_field = map.message->fields()[1];
  while (from != end) {
    Record record;
    std::uint32_t tag = 0;
    if (const char* peeked = read_tag(from, end, tag); peeked == nullptr) return fail("malformed Protobuf: bad tag");
    from = read_record(*map.message, from, end, record, depth);
    if (from == nullptr) return false;
    if (record.field == nullptr) {
      // An undeclared number of a closed enum makes the whole entry unknown.
      entry.skip = entry.skip || (value_field.enumeration != nullptr && tag == value_field.tag());
    } else if (way_ == Way::straight && (record.field->index == 0 ? entry.key : entry.value).field != nullptr) {
      return give_up();  // what is overwritten here must still be well-formed: the other way checks the whole first
    } else if (record.field->index == 0) {
      entry.key = record;
    } else {
      if (entry.value.field != nullptr && value_field.message != nullptr) {
        if (entry.parts.empty()) entry.parts.push_back(entry.value.content());
        entry.parts.push_back(record.content());
      }
      entry.value = record;
      entry.skip = false;
    }
  }
  return true;
}

// `,"key":`
bool WireToJson::put_entry_key(const FieldTable& map, const Entry& entry) {
  const FieldTable& field = map.message->fields()[0];
  out_.put(',');
  const bool quoted = field.default_json.starts_with('"');  // strings and 64-bit integers bring their quotes
  if (!quoted) out_.put('"');
  if (entry.key.field == nullptr) {
    out_.put(field.default_json);
  } else if (!value(entry.key, 1)) {
    return false;
  }
  if (!quoted) out_.put('"');
  out_.put(':');
  return true;
}

bool WireToJson::put_entry_value(const FieldTable& map, const Entry& entry, int depth) {
  const FieldTable& field = map.message->fields()[1];
  if (!entry.parts.empty()) return sub_message(field, entry.parts, depth);
  if (entry.value.field != nullptr) return value(entry.value, depth);
  if (field.message != nullptr) {
    const std::string_view nothing;
    return sub_message(field, {&nothing, 1}, depth);
  }
  put_default(field);
  return true;
}

// ---- values

bool WireToJson::value(const Record& record, int depth) {
  const FieldTable& field = *record.field;
  switch (field.kind) {
    case Kind::string: return text(record.content());
    case Kind::bytes: return base64(record.content()), true;
    case Kind::message:
    case Kind::group: {
      const std::string_view content = record.content();
      return sub_message(field, {&content, 1}, depth);
    }
    default: break;
  }
  if (!value_is_finite(record)) return false;
  const char* from = record.from;
  return scalar(field, from, record.end);
}

bool WireToJson::sub_message(const FieldTable& field, Fragments content, int depth) {
  return message(*field.message, content, depth - 1);
}

bool WireToJson::text(std::string_view text) {
  return put_json_string(out_, text) || fail("a string is not valid UTF-8");
}

void WireToJson::base64(std::string_view bytes) {
  char* to = out_.need(base64_size(bytes.size()) + 2);
  *to++ = '"';
  to = put_base64(to, bytes);
  *to++ = '"';
  out_.advance(to);
}

}  // namespace parley::contract
