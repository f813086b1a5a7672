#include "queue/cloud_event.h"

#include <algorithm>
#include <cstdio>

#include <simdjson.h>

#include "base/base64.h"
#include "base/text.h"
#include "wire/media_type.h"
#include "wire/percent.h"

namespace parley::queue {
namespace {

namespace json = simdjson::ondemand;

constexpr std::string_view prefix = "ce-";
constexpr std::string_view version = "1.0";

bool is_json(std::string_view content_type) {
  const auto type = wire::parse_media_type(content_type);
  return type && type->is_json();
}

// spec.md, "Naming conventions": lower-case letters and digits.
bool is_attribute_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// spec.md, "Type System", String: none of U+0000 to U+001F. They would also end a header on the way to a service.
bool has_control_characters(std::string_view value) {
  return std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::unexpected<Error> bad(std::string_view attribute, std::string_view why) {
  return fail(Error(Code::invalid_argument, Blame::caller,
                    "CloudEvent attribute `" + std::string(attribute) + "`: " + std::string(why))
                  .with_reason("malformed_event"));
}

// One context attribute; `seen_version` is set by `specversion`.
Result<void> take_attribute(std::string_view name, std::string value, Message& message, bool& seen_version) {
  if (!is_attribute_name(name)) return bad(name, "a name has lower-case letters and digits only");
  if (has_control_characters(value)) return bad(name, "it has control characters");
  if (name == "specversion") {
    if (value != version) return bad(name, "\"" + value + "\" is not supported; 1.0 is");
    seen_version = true;
    return {};
  }
  if (name == "time") {
    const auto time = parse_time(value);
    if (!time) return bad(name, "\"" + value + "\" is no RFC 3339 time");
    message.time = *time;
    return {};
  }
  std::string* field = name == "id"                ? &message.id
                       : name == "source"          ? &message.source
                       : name == "type"            ? &message.type
                       : name == "partitionkey"    ? &message.key
                       : name == "datacontenttype" ? &message.content_type
                                                   : nullptr;
  if (field == nullptr) {
    message.metadata.add(std::string(prefix) + std::string(name), value);
  } else if (value.empty()) {
    return bad(name, "it is empty");
  } else {
    *field = std::move(value);
  }
  return {};
}

// spec.md, "REQUIRED attributes".
Result<void> check(const Message& message, bool seen_version) {
  if (!seen_version) return bad("specversion", "it is missing");
  if (message.id.empty()) return bad("id", "it is missing");
  if (message.source.empty()) return bad("source", "it is missing");
  if (message.type.empty()) return bad("type", "it is missing");
  return {};
}

Result<std::string> attribute_text(std::string_view name, json::value& value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  // Integers and booleans are their JSON.
  if (value.type().value_unsafe() == json::json_type::number || value.type().value_unsafe() == json::json_type::boolean)
    return std::string(trim(value.raw_json_token()));
  return bad(name, "it is no text, number or boolean");
}

// json-format.md section 3.1: JSON data stands as it is; a string of another content type is that text.
Result<void> put_data(json::value& value, Message& message) {
  const bool as_text = !message.content_type.empty() && !is_json(message.content_type);
  std::string_view text;
  if (as_text && value.get_string().get(text) == simdjson::SUCCESS) {
    message.payload = Bytes::copy_of(text);
    return {};
  }
  if (as_text) return bad("data", "it is JSON, and `datacontenttype` is " + message.content_type);
  std::string_view raw;
  if (simdjson::to_json_string(value).get(raw) != simdjson::SUCCESS) return bad("data", "it is not JSON");
  message.payload = Bytes::copy_of(trim(raw));
  if (message.content_type.empty()) message.content_type = "application/json";
  return {};
}

Result<void> put_data_base64(json::value& value, Message& message) {
  std::string_view text;
  std::string bytes;
  if (value.get_string().get(text) != simdjson::SUCCESS || !base64_decode(text, bytes))
    return bad("data_base64", "it is not base64");
  message.payload = Bytes(std::move(bytes));
  return {};
}

std::unexpected<Error> not_json(simdjson::error_code code) {
  return fail(Error(Code::invalid_argument, Blame::caller,
                    std::string("the body is not JSON: ") + simdjson::error_message(code))
                  .with_reason("malformed_event"));
}

std::unexpected<Error> not_of_form(const char* what) {
  return fail(Error(Code::invalid_argument, Blame::caller, what).with_reason("malformed_event"));
}

// The on-demand parser reads what it is asked for, and would miss what is wrong elsewhere.
simdjson::error_code check_json(const simdjson::padded_string& text) {
  simdjson::dom::parser parser;
  return parser.parse(text).error();
}

Result<Message> event_of(json::object object) {
  Message message;
  bool seen_version = false;
  bool has_data = false;
  for (auto each : object) {
    json::field field;
    if (const auto code = std::move(each).get(field); code != simdjson::SUCCESS) return not_json(code);
    std::string_view name;
    if (const auto code = field.unescaped_key().get(name); code != simdjson::SUCCESS) return not_json(code);
    if (name == "data" || name == "data_base64") {
      has_data = true;
      continue;
    }
    json::value value = field.value();
    if (bool null = false; value.is_null().get(null) == simdjson::SUCCESS && null) continue;
    const std::string attribute(name);  // the next string takes its room
    auto text = attribute_text(attribute, value);
    if (!text) return fail(std::move(text).error());
    if (auto taken = take_attribute(attribute, std::move(*text), message, seen_version); !taken)
      return fail(std::move(taken).error());
  }
  if (auto checked = check(message, seen_version); !checked) return fail(std::move(checked).error());
  // Only now: what the data is depends on `datacontenttype`, which may stand behind it.
  json::value data;
  if (has_data && object.reset().error() == simdjson::SUCCESS && object["data"].get(data) == simdjson::SUCCESS) {
    if (auto put = put_data(data, message); !put) return fail(std::move(put).error());
  } else if (has_data && object.reset().error() == simdjson::SUCCESS &&
             object["data_base64"].get(data) == simdjson::SUCCESS) {
    if (auto put = put_data_base64(data, message); !put) return fail(std::move(put).error());
  } else if (is_json(message.content_type)) {
    message.content_type.clear();  // no data at all: the empty message
  }
  return message;
}

int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

constexpr std::string_view any_structured = "application/cloudevents";
constexpr std::string_view structured_json = "application/cloudevents+json";

}  // namespace

bool is_structured(std::string_view content_type) {
  const auto type = wire::parse_media_type(content_type);
  return type && type->essence.starts_with(any_structured);
}

Result<void> unpack_structured(Message& message) {
  const auto type = wire::parse_media_type(message.content_type);
  if (!type || type->essence != structured_json) {
    return fail(
        Error(Code::invalid_argument, Blame::caller,
              "events in one piece are read as " + std::string(structured_json) + ", not as " + message.content_type)
            .with_reason("malformed_event"));
  }
  auto event = event_from_json(message.payload.view());
  if (!event) return fail(std::move(event).error());
  if (!message.key.empty()) event->key = std::move(message.key);
  if (event->time == WallTime()) event->time = message.time;
  if (event->content_type.empty()) event->content_type = "application/protobuf";
  for (const Field field : message.metadata) {
    if (!field.name.starts_with(prefix)) event->metadata.add(field.name, field.value);
  }
  message = std::move(*event);
  return {};
}

Result<Message> event_from_headers(const Fields& fields, Bytes body) {
  Message message;
  bool seen_version = false;
  for (const Field field : fields) {
    if (!field.name.starts_with(prefix)) continue;
    std::string value;
    // Section 3.1.3.2: percent-encoded, quoted by some.
    std::string_view text = field.value;
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    if (!wire::decode_query_component(text, value, false))
      return bad(field.name.substr(prefix.size()), "a percent escape is malformed");
    if (auto taken = take_attribute(field.name.substr(prefix.size()), std::move(value), message, seen_version); !taken)
      return fail(std::move(taken).error());
  }
  if (auto checked = check(message, seen_version); !checked) return fail(std::move(checked).error());
  message.content_type = fields.get("content-type");
  if (body.empty() && is_json(message.content_type)) message.content_type.clear();
  message.payload = std::move(body);
  return message;
}

Result<Message> event_from_json(std::string_view text) {
  json::parser parser;
  const simdjson::padded_string padded(text);
  if (const auto code = check_json(padded); code != simdjson::SUCCESS) return not_json(code);
  json::document document;
  json::object object;
  if (const auto code = parser.iterate(padded).get(document); code != simdjson::SUCCESS) return not_json(code);
  if (document.get_object().get(object) != simdjson::SUCCESS) return not_of_form("an event is a JSON object");
  return event_of(object);
}

Result<std::vector<Message>> events_from_json(std::string_view text) {
  json::parser parser;
  const simdjson::padded_string padded(text);
  if (const auto code = check_json(padded); code != simdjson::SUCCESS) return not_json(code);
  json::document document;
  json::array array;
  if (const auto code = parser.iterate(padded).get(document); code != simdjson::SUCCESS) return not_json(code);
  if (document.get_array().get(array) != simdjson::SUCCESS)
    return not_of_form("a batch of events is a JSON array; one alone is application/cloudevents+json");
  std::vector<Message> out;
  for (auto each : array) {
    std::string_view raw;
    if (const auto code = simdjson::to_json_string(each).get(raw); code != simdjson::SUCCESS) return not_json(code);
    auto message = event_from_json(raw);
    if (!message)
      return fail(std::move(message).error().during("event " + std::to_string(out.size() + 1) + " of the batch"));
    out.push_back(std::move(*message));
  }
  return out;
}

std::optional<WallTime> parse_time(std::string_view text) {
  // 2026-11-22T16:07:00[.123]Z or +01:00 (RFC 3339 section 5.6).
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':' || year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (month < 1 || day < 1 || !date.ok()) return std::nullopt;
  std::size_t at = 19;
  int milliseconds = 0;
  if (text[at] == '.') {
    int scale = 100;
    const std::size_t first = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      milliseconds += (text[at] - '0') * scale;
    if (at == first) return std::nullopt;
  }
  std::chrono::minutes offset{0};
  const std::string_view zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    const int hours = digits(zone, 1, 2), minutes = digits(zone, 4, 2);
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || hours < 0 || hours > 23 ||
        minutes < 0 || minutes > 59)
      return std::nullopt;
    offset = std::chrono::minutes((hours * 60 + minutes) * (zone[0] == '-' ? -1 : 1));
  }
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + std::chrono::milliseconds(milliseconds) - offset;
}

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[40];
  const int size =
      std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02ld:%02ld:%02ld.%03ldZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<long>(clock.hours().count()), static_cast<long>(clock.minutes().count()),
                    static_cast<long>(clock.seconds().count()), static_cast<long>(clock.subseconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace parley::queue
