#include "edge/topics/cloud_event.h"

#include <algorithm>

#include <simdjson.h>

#include "contract/text_escape.h"
#include "contract/transcode.h"
#include "queue/cloud_event.h"
#include "wire/media_type.h"

namespace parley::edge::topics {
namespace {

using queue::api::Message;

constexpr std::string_view prefix = "ce-";

bool is_json(std::string_view content_type) {
  const auto type = wire::parse_media_type(content_type);
  return type && type->is_json();
}

void put_member(std::string_view name, std::string_view value, std::string& out) {
  if (value.empty()) return;
  out.append(",\"").append(name).append("\":");
  contract::append_json_string(out, value);
}

// A producer on the broker names its metadata as it likes: what is no attribute's name (spec.md, "Naming
// conventions"), or is said already, stops here.
bool is_extension(std::string_view name) {
  constexpr std::string_view said[] = {"specversion", "id",           "source",          "type",
                                       "time",        "partitionkey", "datacontenttype", "data"};
  return !name.empty() && std::ranges::find(said, name) == std::end(said) &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// The whole of it: what is cut off, or holds a line end, would be taken for the document around it.
bool is_valid_json(std::string_view text) {
  simdjson::dom::parser parser;
  return parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

// Whether the data could be written as JSON.
bool put_json_data(const Message& message, const contract::Contract& contract, std::string& out) {
  const std::size_t before = out.size();
  out += ",\"datacontenttype\":\"application/json\",\"data\":";
  if (is_json(message.content_type) && is_valid_json(message.payload.view())) {
    std::string tight;
    tight.resize(message.payload.size());
    std::size_t size = 0;
    const auto code = simdjson::minify(message.payload.data(), message.payload.size(), tight.data(), size);
    if (code == simdjson::SUCCESS && size != 0) {
      out.append(tight, 0, size);
      return true;
    }
  }
  const contract::MessageTable* type = is_json(message.content_type) ? nullptr : contract.tables().find(message.type);
  if (type != nullptr && contract::wire_to_json(*type, message.payload.view(), out)) return true;
  out.resize(before);
  return false;
}

}  // namespace

void put_event(const Message& message, const contract::Contract& contract, std::string& out) {
  out += R"({"specversion":"1.0")";
  put_member("id", message.id, out);
  put_member("source", message.source, out);
  put_member("type", message.type, out);
  if (message.time) put_member("time", queue::format_time(*message.time), out);
  put_member("partitionkey", message.key, out);
  for (const Field field : message.metadata) {
    if (!field.name.starts_with(prefix)) continue;
    const std::string_view name = field.name.substr(prefix.size());
    if (is_extension(name)) put_member(name, field.value, out);
  }
  if (!put_json_data(message, contract, out)) {
    put_member("datacontenttype", message.content_type, out);
    out += ",\"data_base64\":";
    contract::append_json_base64(out, message.payload.view());
  }
  out += '}';
}

}  // namespace parley::edge::topics
