#include "queue/rabbitmq/envelope.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include <fmt/format.h>

#include "queue/cloud_event.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr std::string_view prefix = "cloudEvents:";
constexpr std::string_view other_prefix = "cloudEvents_";  // the binding allows it where ':' is not liked

std::string attribute_name(std::string_view name) { return fmt::format("{}{}", prefix, name); }

// One of the two spellings.
std::string attribute(const Envelope& of, std::string_view name) {
  std::string value = of.text(attribute_name(name));
  return value.empty() ? of.text(fmt::format("{}{}", other_prefix, name)) : value;
}

std::optional<std::int64_t> integer_of(const amqp_field_value_t& v) {
  switch (v.kind) {
    case AMQP_FIELD_KIND_I8: return v.value.i8;
    case AMQP_FIELD_KIND_U8: return v.value.u8;
    case AMQP_FIELD_KIND_I16: return v.value.i16;
    case AMQP_FIELD_KIND_U16: return v.value.u16;
    case AMQP_FIELD_KIND_I32: return v.value.i32;
    case AMQP_FIELD_KIND_U32: return v.value.u32;
    case AMQP_FIELD_KIND_I64: return v.value.i64;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP: return static_cast<std::int64_t>(v.value.u64);
    default: return std::nullopt;
  }
}

void read_header(const amqp_table_entry_t& entry, std::vector<Header>& to) {
  const std::string name(view_of(entry.key));
  const amqp_field_value_t& v = entry.value;
  if (const auto number = integer_of(v)) {
    to.push_back({name, *number});
  } else if (v.kind == AMQP_FIELD_KIND_UTF8 || v.kind == AMQP_FIELD_KIND_BYTES) {
    to.push_back({name, std::string(view_of(v.value.bytes))});
  } else if (v.kind == AMQP_FIELD_KIND_BOOLEAN) {
    to.push_back({name, v.value.boolean != 0});
  } else if (v.kind == AMQP_FIELD_KIND_F64 || v.kind == AMQP_FIELD_KIND_F32) {
    to.push_back({name, v.kind == AMQP_FIELD_KIND_F64 ? v.value.f64 : static_cast<double>(v.value.f32)});
  }
}

std::string text_of(const Header& header) {
  if (const auto* text = std::get_if<std::string>(&header.value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&header.value)) return fmt::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&header.value)) return *truth ? "true" : "false";
  return fmt::to_string(std::get<double>(header.value));
}

struct TextProperty {
  amqp_flags_t flag;
  amqp_bytes_t amqp_basic_properties_t::* theirs;
  std::string Envelope::* ours;
};
constexpr TextProperty text_properties[] = {
    {AMQP_BASIC_CONTENT_TYPE_FLAG, &amqp_basic_properties_t::content_type, &Envelope::content_type},
    {AMQP_BASIC_CONTENT_ENCODING_FLAG, &amqp_basic_properties_t::content_encoding, &Envelope::content_encoding},
    {AMQP_BASIC_MESSAGE_ID_FLAG, &amqp_basic_properties_t::message_id, &Envelope::message_id},
    {AMQP_BASIC_TYPE_FLAG, &amqp_basic_properties_t::type, &Envelope::type},
    {AMQP_BASIC_CORRELATION_ID_FLAG, &amqp_basic_properties_t::correlation_id, &Envelope::correlation_id},
    {AMQP_BASIC_REPLY_TO_FLAG, &amqp_basic_properties_t::reply_to, &Envelope::reply_to},
    {AMQP_BASIC_APP_ID_FLAG, &amqp_basic_properties_t::app_id, &Envelope::app_id},
    {AMQP_BASIC_EXPIRATION_FLAG, &amqp_basic_properties_t::expiration, &Envelope::expiration},
};

// FNV-1a, 64 bits.
std::uint64_t digest(std::string_view text, std::uint64_t hash = 14695981039346656037ULL) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::string made_up_id(const Envelope& of) {
  return fmt::format("amqp-{:016x}-{:x}", digest(of.body.view()), of.timestamp.value_or(0));
}

// CloudEvents section 3.1: names of extensions are lower-case letters and digits.
bool is_attribute_name(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

constexpr std::string_view known_attributes[] = {"id",   "source",      "type",           "partitionkey",
                                                 "time", "specversion", "datacontenttype"};

bool is_ours_or_theirs(std::string_view name) { return name.starts_with("parley-") || is_rabbitmqs(name); }

// A CloudEvent's extensions are metadata as HTTP writes them: `ce-subject`.
constexpr std::string_view extension_prefix = "ce-";

void add_metadata(const Header& header, Fields& to) {
  std::string_view name = header.name;
  if (is_ours_or_theirs(name) || name == "partitionkey") return;
  if (name.starts_with(prefix) || name.starts_with(other_prefix)) {
    name.remove_prefix(prefix.size());
    if (std::ranges::find(known_attributes, name) != std::end(known_attributes)) return;
    to.add(fmt::format("{}{}", extension_prefix, name), text_of(header));
    return;
  }
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  to.add(lower, text_of(header));
}

template <class T>
bool number_at(std::string_view text, std::size_t at, std::size_t count, T& to) {
  if (at + count > text.size()) return false;
  const char* begin = text.data() + at;
  return std::from_chars(begin, begin + count, to).ptr == begin + count;
}

}  // namespace

bool is_rabbitmqs(std::string_view header) {
  constexpr std::string_view theirs[] = {"x-death",   "x-first-death-", "x-last-death-", "x-delivery-count",
                                         "x-stream-", "x-opt-",         "x-match",       "x-acquired-count"};
  return std::ranges::any_of(theirs, [&](std::string_view start) { return header.starts_with(start); });
}

amqp_bytes_t amqp_view(std::string_view text) {
  return amqp_bytes_t{text.size(), const_cast<char*>(text.data())};  // the library only reads it
}
std::string_view view_of(amqp_bytes_t bytes) { return {static_cast<const char*>(bytes.bytes), bytes.len}; }

const Header* Envelope::find(std::string_view name) const {
  const auto at = std::ranges::find(headers, name, &Header::name);
  return at == headers.end() ? nullptr : &*at;
}
std::optional<std::int64_t> Envelope::number(std::string_view name) const {
  const Header* h = find(name);
  if (h == nullptr || !std::holds_alternative<std::int64_t>(h->value)) return std::nullopt;
  return std::get<std::int64_t>(h->value);
}
std::optional<WallTime> Envelope::time(std::string_view name) const {
  if (const auto ms = number(name)) return WallTime(std::chrono::milliseconds(*ms));
  return std::nullopt;
}
std::string Envelope::text(std::string_view name) const {
  const Header* h = find(name);
  return h == nullptr ? std::string() : text_of(*h);
}
void Envelope::set(std::string_view name, std::variant<std::string, std::int64_t, bool, double> value) {
  remove(name);
  headers.push_back({std::string(name), std::move(value)});
}
void Envelope::remove(std::string_view name) {
  std::erase_if(headers, [&](const Header& h) { return h.name == name; });
}

Envelope read_envelope(const amqp_basic_properties_t& p, Bytes body) {
  Envelope out;
  for (const TextProperty& t : text_properties) {
    if ((p._flags & t.flag) != 0) out.*t.ours = view_of(p.*t.theirs);
  }
  if ((p._flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0) out.timestamp = p.timestamp;
  if ((p._flags & AMQP_BASIC_PRIORITY_FLAG) != 0) out.priority = p.priority;
  if ((p._flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    for (int i = 0; i < p.headers.num_entries; ++i) read_header(p.headers.entries[i], out.headers);
  }
  out.body = std::move(body);
  return out;
}

EncodedProperties::EncodedProperties(const Envelope& of) {
  for (const TextProperty& t : text_properties) {
    if ((of.*t.ours).empty()) continue;
    properties_._flags |= t.flag;
    properties_.*t.theirs = amqp_view(of.*t.ours);
  }
  properties_._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties_.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  if (of.timestamp) {
    properties_._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    properties_.timestamp = *of.timestamp;
  }
  if (of.priority) {
    properties_._flags |= AMQP_BASIC_PRIORITY_FLAG;
    properties_.priority = *of.priority;
  }
  for (const Header& h : of.headers) {
    amqp_table_entry_t entry{};
    entry.key = amqp_view(h.name);
    if (const auto* text = std::get_if<std::string>(&h.value)) {
      entry.value.kind = AMQP_FIELD_KIND_UTF8;
      entry.value.value.bytes = amqp_view(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&h.value)) {
      entry.value.kind = AMQP_FIELD_KIND_I64;
      entry.value.value.i64 = *number;
    } else if (const auto* truth = std::get_if<bool>(&h.value)) {
      entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
      entry.value.value.boolean = *truth ? 1 : 0;
    } else {
      entry.value.kind = AMQP_FIELD_KIND_F64;
      entry.value.value.f64 = std::get<double>(h.value);
    }
    entries_.push_back(entry);
  }
  if (entries_.empty()) return;
  properties_._flags |= AMQP_BASIC_HEADERS_FLAG;
  properties_.headers = {static_cast<int>(entries_.size()), entries_.data()};
}

Envelope envelope_of(const Message& m) {
  Envelope out;
  // Properties are short strings (AMQP 0.9.1 section 4.2.5.3); the attributes below have no such limit.
  if (m.id.size() <= 255) out.message_id = m.id;
  if (m.type.size() <= 255) out.type = m.type;
  out.content_type = m.content_type;
  out.app_id = "parley";
  out.body = m.payload;
  out.timestamp =
      static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(m.time).time_since_epoch().count());
  const std::pair<std::string_view, std::string> attributes[] = {{"specversion", "1.0"},      {"id", m.id},
                                                                 {"source", m.source},        {"type", m.type},
                                                                 {"time", time_text(m.time)}, {"partitionkey", m.key}};
  for (const auto& [name, value] : attributes) {
    if (!value.empty()) out.headers.push_back({attribute_name(name), value});
  }
  for (const Field f : m.metadata) {
    if (is_ours_or_theirs(f.name) || f.name == "partitionkey") continue;
    std::string_view name = f.name;
    const bool is_extension =
        name.starts_with(extension_prefix) && is_attribute_name(name.substr(extension_prefix.size()));
    if (is_extension) name.remove_prefix(extension_prefix.size());
    out.headers.push_back({is_extension ? attribute_name(name) : std::string(name), std::string(f.value)});
  }
  return out;
}

Message message_of(const Envelope& e) {
  Message out;
  out.id = attribute(e, "id");
  if (out.id.empty()) out.id = e.message_id;
  if (out.id.empty()) out.id = made_up_id(e);
  out.source = attribute(e, "source");
  if (out.source.empty()) out.source = e.app_id.empty() ? "amqp" : e.app_id;
  out.type = attribute(e, "type");
  if (out.type.empty()) out.type = e.type;
  out.key = attribute(e, "partitionkey");
  if (out.key.empty()) out.key = e.text("partitionkey");
  out.content_type = e.content_type;
  if (out.content_type.empty()) out.content_type = "application/protobuf";
  if (const auto time = parse_time(attribute(e, "time"))) {
    out.time = *time;
  } else if (e.timestamp) {
    out.time = WallTime(std::chrono::seconds(*e.timestamp));
  }
  out.payload = e.body;
  for (const Header& h : e.headers) add_metadata(h, out.metadata);
  // One that cannot be read stays as it is: its delivery says why.
  if (is_structured(out.content_type)) std::ignore = unpack_structured(out);
  return out;
}

void strip_history(Envelope& e) {
  std::erase_if(e.headers, [](const Header& h) { return is_ours_or_theirs(h.name); });
  e.expiration.clear();
}

namespace {

// Its name, the kind of its value, the value.
std::size_t bytes_of(const Header& header) {
  if (const auto* text = std::get_if<std::string>(&header.value)) return header.name.size() + 6 + text->size();
  return header.name.size() + 10;
}

}  // namespace

std::size_t header_frame_bytes(const Envelope& e) {
  std::size_t out = 8 + 14 + 4 + 10;  // the frame, class and flags, the table's length, properties that are numbers
  for (const TextProperty& t : text_properties) out += 1 + (e.*t.ours).size();
  for (const Header& h : e.headers) out += bytes_of(h);
  return out;
}

void fit_headers(Envelope& e, std::size_t most) {
  const auto is_theirs = [](const Header& h) { return !h.name.starts_with("parley-"); };
  for (std::size_t size = header_frame_bytes(e); size > most; size = header_frame_bytes(e)) {
    const auto largest = std::ranges::max_element(
        e.headers, {}, [&](const Header& h) { return is_theirs(h) ? bytes_of(h) : std::size_t{0}; });
    if (largest == e.headers.end() || !is_theirs(*largest)) return;
    e.headers.erase(largest);
  }
}

std::string time_text(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<std::chrono::milliseconds> clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::optional<WallTime> parse_time(std::string_view t) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!number_at(t, 0, 4, year) || !number_at(t, 5, 2, month) || !number_at(t, 8, 2, day) ||
      !number_at(t, 11, 2, hour) || !number_at(t, 14, 2, minute) || !number_at(t, 17, 2, second)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  WallTime out = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                 std::chrono::seconds(second);
  std::size_t at = 19;
  if (at < t.size() && t[at] == '.') {
    int unit = 100;
    for (++at; at < t.size() && t[at] >= '0' && t[at] <= '9'; ++at, unit /= 10) {
      out += std::chrono::milliseconds((t[at] - '0') * unit);
    }
  }
  if (at < t.size() && (t[at] == '+' || t[at] == '-')) {
    int hours = 0;
    int minutes = 0;
    if (!number_at(t, at + 1, 2, hours) || !number_at(t, at + 4, 2, minutes)) return std::nullopt;
    out -= (t[at] == '+' ? 1 : -1) * (std::chrono::hours(hours) + std::chrono::minutes(minutes));
  }
  return out;
}

}  // namespace parley::queue::rabbitmq
