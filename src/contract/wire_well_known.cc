// To JSON: the well-known types whose JSON is a string, and Any.
#include <cmath>
#include <utility>

#include "contract/number_text.h"
#include "contract/well_known.h"
#include "contract/wire_to_json.h"

namespace parley::contract {

namespace {

// Calls `visit(tag, from, end)` with the value of each record; it returns what follows the value, or null.
template <class Visit>
bool each_record(Fragments content, const Visit& visit) {
  for (const std::string_view fragment : content) {
    const char* from = fragment.data();
    const char* const end = from + fragment.size();
    while (from != end) {
      std::uint32_t tag = 0;
      from = read_tag(from, end, tag);
      if (from == nullptr) return false;
      from = visit(tag, from, end);
      if (from == nullptr) return false;
    }
  }
  return true;
}

constexpr int unknown_depth = 100;  // of groups nobody knows

const char* read_text(const char* from, const char* end, std::string_view& text) {
  std::size_t size = 0;
  from = read_length(from, end, size);
  if (from == nullptr) return nullptr;
  text = {from, size};
  return from + size;
}

}  // namespace

bool WireToJson::time(const MessageTable& table, Fragments content) {
  std::uint64_t seconds = 0;
  std::uint64_t nanos = 0;
  const bool good = each_record(content, [&](std::uint32_t tag, const char* from, const char* end) {
    if (tag == 0x08) return read_varint(from, end, seconds);
    if (tag == 0x10) return read_varint(from, end, nanos);
    return skip_record(from, end, tag, unknown_depth);
  });
  if (!good) return fail("malformed Protobuf in a " + table.full_name());
  const SecondsNanos time{static_cast<std::int64_t>(seconds), static_cast<std::int32_t>(nanos)};
  char* const start = out_.need(max_time_size + 2);
  *start = '"';
  const bool stamp = table.well_known() == WellKnown::timestamp;
  char* const stop = stamp ? put_timestamp(start + 1, time) : put_duration(start + 1, time);
  if (stop == nullptr) return fail("a " + table.full_name() + " is out of range");
  *stop = '"';
  out_.advance(stop + 1);
  return true;
}

bool WireToJson::field_mask(const MessageTable& table, Fragments content) {
  std::string json;
  bool first = true;
  bool round_trips = true;
  const bool good = each_record(content, [&](std::uint32_t tag, const char* from, const char* end) {
    if (tag != 0x0a) return skip_record(from, end, tag, unknown_depth);
    std::string_view path;
    from = read_text(from, end, path);
    if (!std::exchange(first, false)) json += ',';
    round_trips = round_trips && path_to_json(path, json);
    return from;
  });
  if (!good) return fail("malformed Protobuf in a " + table.full_name());
  if (!round_trips) return fail("a path of a google.protobuf.FieldMask has no JSON form that reads back as the same");
  return text(json);
}

bool WireToJson::any(const MessageTable& table, Fragments content, int depth) {
  std::string_view url;
  std::string_view value;
  const bool good = each_record(content, [&](std::uint32_t tag, const char* from, const char* end) {
    if (tag == 0x0a) return read_text(from, end, url);
    if (tag == 0x12) return read_text(from, end, value);
    return skip_record(from, end, tag, unknown_depth);
  });
  if (!good) return fail("malformed Protobuf in a " + table.full_name());
  if (url.empty() && value.empty()) return out_.put("{}"), true;
  const std::size_t slash = url.rfind('/');
  const MessageTable* type = slash == std::string_view::npos ? nullptr : table.set().find(url.substr(slash + 1));
  if (type == nullptr)
    return fail("the contract has no type for the Any's \"" + std::string(url.substr(0, 200)) + "\"");
  out_.put("{\"@type\":");
  if (!text(url)) return false;
  if (type->well_known() != WellKnown::none) {
    out_.put(",\"value\":");
    if (!message(*type, {&value, 1}, depth - 1)) return false;
    out_.put('}');
    return true;
  }
  const std::size_t start = out_.size();
  if (!message(*type, {&value, 1}, depth - 1)) return false;
  if (out_.size() - start == 2) {  // {}
    out_.cut(start);
    out_.put('}');
  } else {
    *out_.at(start) = ',';
  }
  return true;
}

// JSON has no number for these, and a Value no string that stands for them.
bool WireToJson::value_is_finite(const Record& record) {
  if (record.field->kind != Kind::float64 || record.field->owner->well_known() != WellKnown::value) return true;
  double number = 0;
  if (record.end - record.from == sizeof(number)) std::memcpy(&number, record.from, sizeof(number));
  return std::isfinite(number) || fail("a google.protobuf.Value holds NaN or an infinity");
}

}  // namespace parley::contract
