#include "route/local/messages/payload_json.h"

#include "contract/transcode.h"
#include "wire/media_type.h"

namespace parley::route {
namespace {

constexpr std::string_view value_type = "google.protobuf.Value";

bool is_json(std::string_view content_type) {
  const auto type = wire::parse_media_type(content_type);
  return type && type->is_json();
}

}  // namespace

void show_json(const contract::Contract& api, const contract::Contract& user, queue::api::Message& message) {
  const contract::MessageTable* value = api.tables().find(value_type);
  if (value == nullptr) return;
  std::string json;
  if (is_json(message.content_type)) {
    json = message.payload.view();
  } else {
    const contract::MessageTable* type = user.tables().find(message.type);
    if (type == nullptr || !contract::wire_to_json(*type, message.payload.view(), json)) return;
  }
  std::string wire;
  if (!contract::json_to_wire(*value, json, wire)) return;
  message.json.wire = std::move(wire);
  message.payload = Bytes();
}

Result<void> take_json(const contract::Contract& api, queue::api::Message& message) {
  if (message.json.wire.empty()) return {};
  if (!message.payload.empty()) return invalid("a message has `payload` or `json`, not both");
  std::string json;
  if (auto read = contract::wire_to_json(*api.tables().find(value_type), message.json.wire, json); !read) return read;
  message.payload = Bytes(std::move(json));
  message.content_type = "application/json";
  message.json.wire.clear();
  return {};
}

}  // namespace parley::route
