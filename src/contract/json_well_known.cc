// From JSON: the well-known types, whose JSON is not the object of their fields (ProtoJSON's table).
#include <array>
#include <cmath>

#include "contract/json_to_wire.h"
#include "contract/scalar_text.h"
#include "contract/text_escape.h"
#include "contract/well_known.h"
#include "contract/wire_format.h"

namespace parley::contract {

namespace {

// The tags these types have by definition; struct.proto, any.proto, timestamp.proto, duration.proto, field_mask.proto.
namespace tag {
constexpr char seconds = 0x08, nanos = 0x10;
constexpr char paths = 0x0a;
constexpr char type_url = 0x0a, any_value = 0x12;
constexpr char fields = 0x0a, key = 0x0a, value = 0x12;  // Struct and its map entries
constexpr char values = 0x0a;                            // ListValue
constexpr char null_value = 0x08, number_value = 0x11, string_value = 0x1a, bool_value = 0x20, struct_value = 0x2a,
               list_value = 0x32;
}  // namespace tag

}  // namespace

bool JsonToWire::time(const MessageTable& table) {
  if (in_.peek() != '"') return in_.fail_expected("a " + table.full_name() + " as a string");
  const char* const start = in_.at();
  std::string_view text;
  if (!in_.read_text(text, scratch_)) return false;
  SecondsNanos time;
  const bool stamp = table.well_known() == WellKnown::timestamp;
  std::string wrong = stamp ? get_timestamp(text, time) : get_duration(text, time);
  if (!wrong.empty()) return in_.fail(start, std::move(wrong));
  char* to = out_.need(2 * (1 + max_varint_size));
  if (time.seconds != 0) {
    *to++ = tag::seconds;
    to = put_varint(to, static_cast<std::uint64_t>(time.seconds));
  }
  if (time.nanos != 0) {
    *to++ = tag::nanos;
    to = put_varint(to, static_cast<std::uint64_t>(std::int64_t{time.nanos}));
  }
  out_.advance(to);
  return true;
}

bool JsonToWire::field_mask() {
  if (in_.peek() != '"') return in_.fail_expected("a google.protobuf.FieldMask as a string");
  const char* const start = in_.at();
  std::string_view text;
  if (!in_.read_text(text, scratch_)) return false;
  for (bool more = !text.empty(); more;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string path;
    if (!path_from_json(text.substr(0, comma), path)) {
      return in_.fail(start, "a field mask is a list of JSON names (userName,item.price) without underscores");
    }
    put_text(static_cast<unsigned char>(tag::paths), 1, path);
    more = comma < text.size();
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return true;
}

// ---- Any: {"@type": url, …fields} or, for a type that has a JSON form of its own, {"@type": url, "value": …}

bool JsonToWire::any(const MessageTable& any_table, int depth) {
  if (in_.peek() != '{') return in_.fail_expected("an object with \"@type\"");
  const char* const start = in_.at();
  std::string_view url;
  std::string url_text;
  if (!find_type_url(url, depth)) return false;
  if (in_.at() != start) return true;  // {}: an Any that holds nothing
  url_text = url;                      // what was unescaped does not outlive the next string
  const std::size_t slash = url_text.rfind('/');
  const std::string_view name = std::string_view(url_text).substr(slash + 1);
  const MessageTable* table = slash == std::string::npos ? nullptr : any_table.set().find(name);
  if (slash == std::string::npos)
    return in_.fail("\"@type\" is a URL such as type.googleapis.com/google.rpc.ErrorInfo");
  if (table == nullptr) return in_.fail("the contract has no type \"" + std::string(name) + "\"");
  put_text(static_cast<unsigned char>(tag::type_url), 1, url_text);
  out_.put(tag::any_value);
  const std::size_t content = out_.open();
  if (!any_content(*table, depth)) return false;
  out_.close(content);
  return true;
}

// Looks ahead for "@type", which may come last, and leaves the place at the object's start; behind it for an empty
// object.
bool JsonToWire::find_type_url(std::string_view& url, int depth) {
  const char* const start = in_.at();
  in_.take('{');
  if (in_.take('}')) return true;
  bool found = false;
  std::string key_scratch;
  do {
    std::string_view key;
    if (in_.peek() != '"') return in_.fail_expected("the name of a field in quotes");
    const char* const key_at = in_.at();
    if (!in_.read_text(key, key_scratch) || !in_.expect(':', "':'")) return false;
    if (key != "@type") {
      if (!in_.skip_value(depth + options_.max_depth)) return false;
      continue;
    }
    if (found) return in_.fail(key_at, "the field is set twice");
    if (in_.peek() != '"') return in_.fail_expected("a type URL");
    if (!in_.read_text(url, scratch_)) return false;
    found = true;
  } while (in_.take(','));
  if (!in_.expect('}', "',' or '}'")) return false;
  if (!found) return in_.fail(start, "an Any needs \"@type\"");
  in_.move_to(start);
  return true;
}

bool JsonToWire::any_content(const MessageTable& table, int depth) {
  in_.take('{');
  if (depth <= 1) return in_.fail("nested too deeply");
  if (table.well_known() == WellKnown::none) return members(table, depth - 1, true);
  bool found = false;
  do {
    std::string_view key;
    const char* const key_at = in_.at();
    if (!in_.read_text(key, scratch_) || !in_.expect(':', "':'")) return false;
    if (key == "@type") {
      if (!in_.skip_value(0)) return false;
    } else if (key != "value") {
      return in_.fail(key_at, "an Any with a " + table.full_name() + " has \"@type\" and \"value\" only");
    } else if (found) {
      return in_.fail(key_at, "the field is set twice");
    } else {
      found = true;
      if (!message(table, depth - 1)) return in_.in_field("value"), false;
    }
  } while (in_.take(','));
  if (!found) return in_.fail("an Any with a " + table.full_name() + " needs \"value\"");
  return in_.expect('}', "',' or '}'");
}

// ---- Struct, Value, ListValue: any JSON

bool JsonToWire::json_value(int depth) {
  if (depth <= 0) return in_.fail("nested too deeply");
  switch (in_.peek()) {
    case 'n':
    case 't':
    case 'f': {
      const bool is_null = in_.take_word("null");
      const bool is_true = !is_null && in_.take_word("true");
      if (!is_null && !is_true && !in_.take_word("false")) return in_.fail_expected("a value");
      out_.put(is_null ? tag::null_value : tag::bool_value);
      out_.put(is_true ? '\1' : '\0');
      return true;
    }
    case '"': out_.put(tag::string_value); return json_text();
    case '{':
    case '[': {
      const bool is_object = in_.peek() == '{';
      out_.put(is_object ? tag::struct_value : tag::list_value);
      const std::size_t content = out_.open();
      if (!(is_object ? json_struct(depth) : json_list(depth))) return false;
      out_.close(content);
      return within_limit();
    }
    default: return json_number();
  }
}

bool JsonToWire::json_number() {
  in_.peek();
  const char* const start = in_.at();
  double number = 0;
  const char* const stop = read_double(start, in_.end(), number);
  if (stop == nullptr) return in_.fail_expected("a value");
  if (!std::isfinite(number)) return in_.fail(std::string(start, stop) + " is out of range for a double");
  in_.move_to(stop);
  char* const to = out_.need(9);
  *to = tag::number_value;
  std::memcpy(to + 1, &number, 8);
  out_.advance(to + 9);
  return true;
}

// A length and the characters of a string.
bool JsonToWire::json_text() {
  std::string_view text;
  if (!in_.read_text(text, scratch_)) return false;
  put_text(0, 0, text);
  return true;
}

bool JsonToWire::json_struct(int depth) {
  if (!in_.take('{')) return in_.fail_expected("an object");
  if (in_.take('}')) return true;
  KeySet keys;
  do {
    if (in_.peek() != '"') return in_.fail_expected("a key in quotes");
    const char* const key_at = in_.at();
    out_.put(tag::fields);
    const std::size_t entry = out_.open();
    out_.put(tag::key);
    if (!json_text()) return false;
    const std::string_view shown(key_at, in_.at());
    if (!keys.add({out_.at(entry), out_.size() - entry})) return in_.fail(key_at, "this key is there twice");
    if (!in_.expect(':', "':'")) return false;
    out_.put(tag::value);
    const std::size_t value = out_.open();
    if (!json_value(depth - 1)) return in_.in_key(shown), false;
    out_.close(value);
    out_.close(entry);
  } while (in_.take(','));
  return in_.expect('}', "',' or '}'");
}

bool JsonToWire::json_list(int depth) {
  if (!in_.take('[')) return in_.fail_expected("an array");
  if (in_.take(']')) return true;
  std::size_t index = 0;
  do {
    out_.put(tag::values);
    const std::size_t value = out_.open();
    if (!json_value(depth - 1)) return in_.in_element(index), false;
    out_.close(value);
    ++index;
  } while (in_.take(','));
  return in_.expect(']', "',' or ']'");
}

}  // namespace parley::contract
