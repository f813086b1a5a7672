#include "queue/sqs/envelope.h"

#include <algorithm>
#include <charconv>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <simdjson.h>

#include "base/base64.h"
#include "base/text.h"
#include "queue/cloud_event.h"
#include "queue/sqs/json_writer.h"

namespace parley::queue::sqs {
namespace {

constexpr std::string_view protobuf = "application/protobuf";
// SQS refuses an empty body.
constexpr std::string_view empty_body = "(empty)";

// ---- characters

// The code point at `at`, moving behind it; 0 where it is not UTF-8. Overlong forms and surrogates are none.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  const int more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
  if (more < 0 || at + static_cast<std::size_t>(more) >= text.size()) return 0;
  char32_t code = more == 0 ? first : first & (0x3fU >> more);
  for (int i = 1; i <= more; ++i) {
    const unsigned next = byte(at + static_cast<std::size_t>(i));
    if ((next & 0xc0) != 0x80) return 0;
    code = code << 6 | (next & 0x3f);
  }
  at += static_cast<std::size_t>(more) + 1;
  if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000) || (code >= 0xd800 && code < 0xe000)) return 0;
  return code;
}

// XML 1.0 section 2.2, as SendMessage's MessageBody has it.
bool is_xml(char32_t c) {
  return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
         (c >= 0x10000 && c <= 0x10ffff);
}

bool is_text_type(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.find("json") != std::string_view::npos ||
         content_type.find("xml") != std::string_view::npos;
}

// ---- JSON inside attributes: ASCII only, so that every text can go there; bytes that are no text as {"base64":…}

std::string escaped(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c >= 0x20 && c < 0x7f) {
      out += static_cast<char>(c);
    } else if (c < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      const unsigned rest = static_cast<unsigned>(c) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    }
  }
  return out + '"';
}

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::string json_value(std::string_view text) {
  // NUL reads as no code point above: rare enough to go the way of bytes.
  if (is_utf8(text) && text.find('\0') == std::string_view::npos) return escaped(text);
  std::string base64;
  base64_encode(text, base64);
  return fmt::format(R"({{"base64":"{}"}})", base64);
}

std::string text_value(const simdjson::dom::element& value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  std::string out;
  if (value["base64"].get(text) != simdjson::SUCCESS || !base64_decode(text, out)) out.clear();
  return out;
}

// ---- times

std::string rfc3339(WallTime time) {
  const auto millis = time.time_since_epoch().count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", std::chrono::floor<std::chrono::seconds>(time), millis);
}

// As rfc3339() and most others write it: UTC, any number of decimals.
std::optional<WallTime> read_time(std::string_view text) {
  int part[6];
  static constexpr std::string_view marks = "--T::";
  for (int i = 0; i < 6; ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part[i]);
    if (error != std::errc() || part[i] < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i == 5) break;
    if (text.empty() || text[0] != marks[static_cast<std::size_t>(i)]) return std::nullopt;
    text.remove_prefix(1);
  }
  const std::chrono::year_month_day day{std::chrono::year(part[0]), std::chrono::month(static_cast<unsigned>(part[1])),
                                        std::chrono::day(static_cast<unsigned>(part[2]))};
  if (!day.ok() || part[3] > 23 || part[4] > 59 || part[5] > 60) return std::nullopt;
  int millis = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    for (int scale = 100; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), scale /= 10)
      millis += scale * (text[0] - '0');
  }
  if (text != "Z" && text != "+00:00") return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(part[3]) + std::chrono::minutes(part[4]) +
         std::chrono::seconds(part[5]) + std::chrono::milliseconds(millis);
}

WallTime from_millis(std::int64_t millis) { return WallTime(std::chrono::milliseconds(millis)); }
std::int64_t to_millis(WallTime time) { return time.time_since_epoch().count(); }

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// ---- writing

class Attributes {
 public:
  explicit Attributes(JsonWriter& state) : state_(state) {}

  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!is_sqs_text(value)) {
      state_.key(name).raw(json_value(value));
      return;
    }
    json_.begin(name).text("DataType", "String").text("StringValue", value).end();
    bytes_ += name.size() + value.size() + 6;  // and the type's name
  }
  std::size_t bytes() const { return bytes_; }
  JsonWriter& json() { return json_; }

 private:
  JsonWriter& state_;
  JsonWriter json_;
  std::size_t bytes_ = 0;
};

std::string metadata_json(const Fields& metadata) {
  JsonWriter json;
  json.begin();
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    const std::string_view name = metadata[i].name;
    const std::vector<std::string_view> values = metadata.all(name);
    bool first = true;
    for (std::size_t before = 0; before < i; ++before) first = first && metadata[before].name != name;
    if (!first) continue;
    if (values.size() == 1) {
      json.key(name).raw(json_value(values[0]));
      continue;
    }
    json.begin_list(name);
    for (const std::string_view value : values) json.raw(json_value(value));
    json.end_list();
  }
  return json.end().take();
}

std::string body_of(const Message& message, std::string_view& encoding) {
  const std::string_view payload = message.payload.view();
  if (is_text_type(message.content_type) && is_sqs_text(payload)) return std::string(payload);
  encoding = payload.empty() ? "empty" : "base64";
  if (payload.empty()) return std::string(empty_body);
  std::string out;
  base64_encode(payload, out);
  return out;
}

Encoded encode_body(const Message& message) {
  std::string_view encoding;
  const std::string body = body_of(message, encoding);
  JsonWriter state;
  Attributes attributes(state);
  attributes.json().begin();
  if (!encoding.empty()) attributes.add("content_type", message.content_type);  // says that it is base64
  attributes.json().end();
  JsonWriter out;
  out.text("MessageBody", body).key("MessageAttributes").raw(attributes.json().take());
  return {.members = out.take(), .bytes = body.size() + attributes.bytes()};
}

std::string beginning(const std::string& reason) {
  std::size_t end = std::min<std::size_t>(reason.size(), 64);
  while (end > 0 && end < reason.size() && (static_cast<unsigned char>(reason[end]) & 0xc0U) == 0x80U) --end;
  return reason.substr(0, end);
}

// ---- reading

void read_metadata(std::string_view json, Decoded& to) {
  simdjson::dom::parser parser;
  simdjson::dom::object all;
  if (parser.parse(json.data(), json.size()).get(all) != simdjson::SUCCESS) {
    to.malformed = Error(Code::invalid_argument, Blame::upstream, "parley_metadata is not a JSON object");
    return;
  }
  for (const auto field : all) {
    simdjson::dom::array values;
    if (field.value.get(values) != simdjson::SUCCESS) {
      to.envelope.message.metadata.add(field.key, text_value(field.value));
      continue;
    }
    for (const auto value : values) to.envelope.message.metadata.add(field.key, text_value(value));
  }
}

std::optional<WallTime> time_of(const simdjson::dom::object& in, std::string_view name) {
  std::int64_t millis = 0;
  if (in[name].get(millis) != simdjson::SUCCESS) return std::nullopt;
  return from_millis(millis);
}

using Texts = std::map<std::string, std::string, std::less<>>;

void read_state(std::string_view json, Decoded& to, Texts& texts) {
  simdjson::dom::parser parser;
  simdjson::dom::object state;
  if (parser.parse(json.data(), json.size()).get(state) != simdjson::SUCCESS) {
    to.malformed = Error(Code::invalid_argument, Blame::upstream, "parley_state is not a JSON object");
    return;
  }
  to.envelope.due = time_of(state, "due");
  to.envelope.expires = time_of(state, "expires");
  to.envelope.since = time_of(state, "since");
  std::int64_t attempts = 0;
  if (state["attempts"].get(attempts) == simdjson::SUCCESS) to.envelope.attempts = static_cast<int>(attempts);
  for (const auto field : state) {
    if (field.key == "reason") to.envelope.reason = text_value(field.value);
    if (field.key.starts_with("ce_") || field.key == "content_type")
      texts.insert_or_assign(std::string(field.key), text_value(field.value));
  }
}

void read_payload(const Received& received, std::string_view encoding, Decoded& to) {
  Message& message = to.envelope.message;
  const bool plain_protobuf = encoding.empty() && message.content_type.starts_with(protobuf);
  if (encoding == "empty") return;
  if (encoding != "base64" && !plain_protobuf) {
    message.payload = Bytes::copy_of(received.body);
    return;
  }
  std::string payload;
  if (base64_decode(trim(received.body), payload)) {
    message.payload = Bytes(std::move(payload));
  } else {
    message.payload = Bytes::copy_of(received.body);
    to.malformed = Error(Code::invalid_argument, Blame::upstream, "the body should be base64, and is not");
  }
}

std::string take(Texts& texts, std::string_view name) {
  const auto at = texts.find(name);
  if (at == texts.end()) return {};
  std::string out = std::move(at->second);
  texts.erase(at);
  return out;
}

}  // namespace

std::int64_t sent_at(const Received& received) {
  const auto at = received.system.find("SentTimestamp");
  return at == received.system.end() ? 0 : number(at->second).value_or(0);
}

Position position_of(const Received& received) {
  return fmt::format("{:014}-{}", sent_at(received), received.message_id);
}

bool is_sqs_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!is_xml(next_code_point(text, at))) return false;
  }
  return !text.empty();
}

Encoded encode(const Envelope& envelope, Detail detail) {
  const Message& message = envelope.message;
  if (detail == Detail::none) return encode_body(message);
  const bool all = detail == Detail::all;
  JsonWriter state;
  state.begin();
  const std::size_t nothing = JsonWriter(state).end().take().size();
  if (envelope.due) state.number("due", to_millis(*envelope.due));
  if (envelope.expires) state.number("expires", to_millis(*envelope.expires));
  if (envelope.attempts != 0) state.number("attempts", envelope.attempts);
  if (envelope.since) {
    state.key("reason").raw(json_value(all ? envelope.reason : beginning(envelope.reason)));
    state.number("since", to_millis(*envelope.since));
  }
  std::string_view encoding;
  const std::string body = body_of(message, encoding);

  Attributes attributes(state);
  attributes.json().begin();
  attributes.add("ce_id", message.id);
  attributes.add("ce_type", message.type);
  if (all) {
    attributes.add("ce_specversion", "1.0");
    attributes.add("ce_source", message.source);
    attributes.add("ce_time", rfc3339(message.time));
  }
  attributes.add("ce_partitionkey", message.key);
  attributes.add("content_type", message.content_type);
  attributes.add("parley_encoding", encoding);
  if (all && !message.metadata.empty()) attributes.add("parley_metadata", metadata_json(message.metadata));
  std::string written = JsonWriter(state).end().take();
  if (written.size() != nothing) attributes.add("parley_state", written);
  attributes.json().end();

  JsonWriter out;
  out.text("MessageBody", body).key("MessageAttributes").raw(attributes.json().take());
  return {.members = out.take(), .bytes = body.size() + attributes.bytes()};
}

Decoded decode(const Received& received) {
  Decoded out;
  Message& message = out.envelope.message;
  Texts texts;
  for (const Attribute& attribute : received.attributes) texts.insert_or_assign(attribute.name, attribute.value);
  if (const std::string state = take(texts, "parley_state"); !state.empty()) read_state(state, out, texts);
  if (const std::string metadata = take(texts, "parley_metadata"); !metadata.empty()) read_metadata(metadata, out);

  const auto system = [&](const std::string& name) {
    const auto at = received.system.find(name);
    return at == received.system.end() ? std::string() : at->second;
  };
  take(texts, "ce_specversion");
  message.id = take(texts, "ce_id");
  if (message.id.empty()) message.id = received.message_id;
  message.source = take(texts, "ce_source");
  message.type = take(texts, "ce_type");
  message.key = take(texts, "ce_partitionkey");
  // A group of the message's own is what group_id() gave it for want of a key.
  const std::string group = system("MessageGroupId");
  if (message.key.empty() && group != group_id({}, message.id)) message.key = group;
  message.time = from_millis(sent_at(received));
  if (const auto time = read_time(take(texts, "ce_time"))) message.time = *time;
  message.content_type = take(texts, "content_type");
  for (const std::string_view spelling : {"content-type", "Content-Type", "ContentType"}) {
    if (message.content_type.empty()) message.content_type = take(texts, spelling);
  }
  if (message.content_type.empty()) message.content_type = "application/json";
  read_payload(received, take(texts, "parley_encoding"), out);
  for (const auto& [name, value] : texts) message.metadata.add(name, value);
  if (is_structured(message.content_type)) {
    if (auto unpacked = unpack_structured(message); !unpacked) out.malformed = std::move(unpacked).error();
  }
  return out;
}

std::string group_id(std::string_view key, std::string_view otherwise) {
  const std::string_view wanted = key.empty() ? otherwise : key;
  const bool fits = wanted.size() <= 128 && std::ranges::all_of(wanted, [](char c) { return c > ' ' && c <= '~'; });
  if (fits) return std::string(wanted);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(wanted.data(), wanted.size(), digest, &size, EVP_sha256(), nullptr);
  std::string out = "sha256:";
  base64_encode({reinterpret_cast<const char*>(digest), size}, out, Base64::url, false);
  return out;
}

}  // namespace parley::queue::sqs
