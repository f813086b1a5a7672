#include "queue/kafka/record.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ranges>
#include <tuple>

#include <fmt/format.h>

#include "contract/well_known.h"
#include "queue/cloud_event.h"

namespace parley::queue::kafka {
namespace {

constexpr std::string_view event_prefix = "ce_";
constexpr std::string_view extension_prefix = "ce-";  // as HTTP writes them, and so as call metadata
constexpr std::string_view content_type = "content-type";
constexpr std::string_view expires = "parley-expires";
constexpr std::string_view due = "parley-due";
constexpr std::string_view dead_prefix = "parley-dead-";

template <class Number>
Number number(const std::string* text, Number otherwise) {
  Number value{};
  if (text == nullptr) return otherwise;
  const auto [end, wrong] = std::from_chars(text->data(), text->data() + text->size(), value);
  return wrong == std::errc() ? value : otherwise;
}

std::string time_text(WallTime time) {
  const std::int64_t ms = time.time_since_epoch().count();
  char buffer[contract::max_time_size];
  const char* end = contract::put_timestamp(
      buffer, {.seconds = ms / 1000, .nanos = static_cast<std::int32_t>(ms % 1000 * 1'000'000)});
  return end == nullptr ? std::string() : std::string(buffer, static_cast<std::size_t>(end - buffer));
}

WallTime parse_time(const std::string* text, std::int64_t otherwise) {
  contract::SecondsNanos value;
  if (text == nullptr || !contract::get_timestamp(*text, value).empty()) {
    return WallTime(std::chrono::milliseconds(otherwise));
  }
  return WallTime(std::chrono::milliseconds(value.seconds * 1000 + value.nanos / 1'000'000));
}

// A body without a content type: no proto3 message begins with '{' or '[' (the tags of groups), and every JSON object
// or array does.
std::string_view guessed_type(std::string_view body) {
  const std::size_t at = body.find_first_not_of(" \t\r\n");
  const bool is_json = at != std::string_view::npos && (body[at] == '{' || body[at] == '[');
  return is_json && at == 0 ? "application/json" : "application/protobuf";
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// A core attribute of CloudEvents 1.0, which is a field of Message.
bool is_core(std::string_view name) {
  constexpr std::string_view core[] = {"ce_specversion", "ce_id",           "ce_source",    "ce_type",
                                       "ce_time",        "ce_partitionkey", "content-type", "ce_datacontenttype"};
  return std::ranges::find(core, name) != std::end(core);
}

void add_metadata(const Header& header, Fields& metadata) {
  const std::string name = lower(header.name);
  if (is_core(name) || name.starts_with("parley-")) return;
  if (name.starts_with(event_prefix)) {
    metadata.add(fmt::format("{}{}", extension_prefix, std::string_view(name).substr(event_prefix.size())),
                 header.value);
  } else {
    metadata.add(name, header.value);
  }
}

}  // namespace

const std::string* Record::find(std::string_view name) const {
  for (const Header& header : std::views::reverse(headers)) {
    if (header.name == name) return &header.value;
  }
  return nullptr;
}

std::size_t Record::bytes() const {
  std::size_t sum = key.size() + value.size();
  for (const Header& header : headers) sum += header.name.size() + header.value.size();
  return sum;
}

Record to_record(const rd_kafka_message_t& message) {
  Record record;
  record.offset = message.offset;
  rd_kafka_timestamp_type_t kind{};
  record.time = std::max<std::int64_t>(0, rd_kafka_message_timestamp(&message, &kind));
  record.key.assign(static_cast<const char*>(message.key), message.key_len);
  record.has_value = message.payload != nullptr;
  record.value = Bytes::copy_of({static_cast<const char*>(message.payload), message.len});
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    record.headers.push_back({.name = name, .value = std::string(static_cast<const char*>(value), size)});
  }
  return record;
}

Record to_record(const Publish& publish) {
  const Message& message = publish.message;
  Record record;
  // Its time is when it is stored: Kafka counts retention from it, and an event may tell of something long ago.
  record.key = message.key;
  record.value = message.payload;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) record.headers.push_back({.name = std::string(name), .value = std::string(value)});
  };
  add("ce_specversion", "1.0");
  add("ce_id", message.id);
  add("ce_source", message.source);
  add("ce_type", message.type);
  add("ce_time", time_text(message.time));
  add("ce_partitionkey", message.key);
  add(content_type, message.content_type);
  if (publish.due) add(due, fmt::format("{}", publish.due->time_since_epoch().count()));
  if (publish.expires) add(expires, fmt::format("{}", publish.expires->time_since_epoch().count()));
  for (const Field field : message.metadata) {
    const bool is_extension = field.name.starts_with(extension_prefix);
    add(is_extension ? fmt::format("{}{}", event_prefix, field.name.substr(extension_prefix.size()))
                     : std::string(field.name),
        field.value);
  }
  return record;
}

Message to_message(const Record& record, std::string_view log, std::int32_t partition) {
  const auto text = [&](std::string_view name, std::string_view otherwise) {
    const std::string* found = record.find(name);
    return found != nullptr ? *found : std::string(otherwise);
  };
  Message message;
  message.id = text("ce_id", "");
  if (message.id.empty()) message.id = fmt::format("{}-{}-{}", log, partition, record.offset);
  message.source = text("ce_source", fmt::format("kafka:{}", log));
  message.type = text("ce_type", "");
  message.key = record.key.empty() ? text("ce_partitionkey", "") : record.key;
  message.content_type = text(content_type, guessed_type(record.value.view()));
  message.time = parse_time(record.find("ce_time"), record.time);
  message.payload = record.value;
  for (const Header& header : record.headers) add_metadata(header, message.metadata);
  // One that cannot be read stays as it is: its delivery says why.
  if (is_structured(message.content_type)) std::ignore = unpack_structured(message);
  return message;
}

std::optional<WallTime> due_time(const Record& record) {
  const auto ms = number<std::int64_t>(record.find(due), 0);
  if (ms <= 0) return std::nullopt;
  return WallTime(std::chrono::milliseconds(ms));
}

std::optional<WallTime> expiry(const Record& record, Duration ttl) {
  const auto own = number<std::int64_t>(record.find(expires), 0);
  if (own > 0) return WallTime(std::chrono::milliseconds(own));
  if (ttl == Duration::zero()) return std::nullopt;
  return WallTime(std::chrono::milliseconds(record.time)) + std::chrono::floor<std::chrono::milliseconds>(ttl);
}

Record bury(Record record, const DeadLetter& letter) {
  const auto add = [&](std::string_view name, std::string value) {
    record.headers.push_back({.name = fmt::format("{}{}", dead_prefix, name), .value = std::move(value)});
  };
  add("reason", letter.reason);
  add("attempts", fmt::format("{}", letter.attempts));
  add("topic", letter.log);
  add("partition", fmt::format("{}", letter.partition));
  add("offset", fmt::format("{}", letter.offset));
  add("time", fmt::format("{}", letter.since.time_since_epoch().count()));
  return record;
}

DeadLetter read_letter(const Record& record) {
  const auto find = [&](std::string_view name) { return record.find(fmt::format("{}{}", dead_prefix, name)); };
  const auto text = [](const std::string* found) { return found == nullptr ? std::string() : *found; };
  return {.reason = text(find("reason")),
          .attempts = number(find("attempts"), 0),
          .log = text(find("topic")),
          .partition = number<std::int32_t>(find("partition"), 0),
          .offset = number<std::int64_t>(find("offset"), record.offset),
          .since = WallTime(std::chrono::milliseconds(number<std::int64_t>(find("time"), record.time)))};
}

Record exhume(Record record) {
  std::erase_if(record.headers, [](const Header& h) {
    // Its time to live has passed already, or it would not live long: a redrive is a wish to see it handled.
    return h.name.starts_with(dead_prefix) || h.name == expires || h.name == due;
  });
  return record;
}

}  // namespace parley::queue::kafka
