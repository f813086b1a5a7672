#include "route/local/messages/contract_door.h"

#include <algorithm>

#include "contract/transcode.h"
#include "queue/message_id.h"
#include "route/local/messages/meant.h"
#include "wire/base64.h"
#include "wire/http1.h"
#include "wire/media_type.h"

namespace parley::route {
namespace {

constexpr std::string_view protobuf = "application/protobuf";
constexpr std::string_view protobuf_types[] = {protobuf, "application/x-protobuf", "application/vnd.google.protobuf"};

// What the contract has for one message to come.
struct Wanted {
  const contract::MessageTable* table = nullptr;
  const contract::ScalarPath* key = nullptr;    // null: none
  const contract::ScalarPath* dedup = nullptr;  // null: none
  bool is_event = false;
};

const contract::Method* find_queue(const contract::Contract& contract, std::string_view name) {
  const contract::Method* method = contract.find("/" + std::string(name));
  return method != nullptr && method->queue ? method : nullptr;
}

bool is_topic(const contract::Contract& contract, std::string_view name) {
  return std::ranges::any_of(contract.events(), [&](const contract::EventType& e) { return e.topic == name; });
}

Error unknown(const contract::Contract& contract, const std::string& name) {
  Error why(Code::not_found, Blame::caller, "the contract has no queue or topic \"" + name + "\"");
  return with_name_meant(contract, {.name = name, .group = {}}, std::move(why).with_reason("unknown_queue"));
}

std::string types_of(const contract::Contract& contract, std::string_view topic) {
  std::string out;
  for (const contract::EventType& event : contract.events()) {
    if (event.topic == topic) out.append(out.empty() ? "" : ", ").append(event.type);
  }
  return out;
}

Result<Wanted> wanted_event(const contract::Contract& contract, const std::string& topic, const std::string& type) {
  const contract::EventType* event = contract.find_event(type);
  if (event != nullptr && event->topic == topic)
    return Wanted{.table = event->table, .key = event->key.is_set() ? &event->key : nullptr, .is_event = true};
  const std::string known = types_of(contract, topic);
  if (type.empty()) return invalid("an event of topic \"" + topic + "\" needs a `type`: " + known);
  return invalid("the contract has no event type \"" + type + "\" in topic \"" + topic + "\": it has " + known);
}

Result<Wanted> wanted_for(const contract::Contract& contract, const queue::Publish& publish) {
  if (const contract::Method* method = find_queue(contract, publish.to)) {
    const contract::QueueOptions& options = *method->queue;
    return Wanted{.table = method->input,
                  .key = options.key.is_set() ? &options.key : nullptr,
                  .dedup = options.dedup.is_set() ? &options.dedup : nullptr};
  }
  if (!is_topic(contract, publish.to)) return fail(unknown(contract, publish.to));
  return wanted_event(contract, publish.to, publish.message.type);
}

// Wire bytes of the type, whatever they came as.
Result<void> take_payload(const contract::MessageTable& table, queue::Message& message) {
  const auto type = wire::parse_media_type(message.content_type.empty() ? protobuf : message.content_type);
  if (type && type->is_json()) {
    std::string wire;
    if (auto read = contract::json_to_wire(table, message.payload.view(), wire); !read) return read;
    message.payload = Bytes(std::move(wire));
  } else if (!type || std::ranges::find(protobuf_types, type->essence) == std::end(protobuf_types)) {
    return invalid("the payload's content type is \"" + message.content_type +
                   "\": it can be application/protobuf or JSON");
  } else if (auto valid = contract::validate_wire(table, message.payload.view()); !valid) {
    return fail(std::move(valid).error().during("the payload is no " + table.full_name()));
  }
  message.content_type = protobuf;
  return {};
}

Result<void> take_key(const contract::ScalarPath* path, queue::Message& message) {
  if (path == nullptr) return {};
  const std::string key = path->read(message.payload.view()).value_or("");
  if (!message.key.empty() && message.key != key)
    return invalid("the message's key is \"" + message.key + "\", but its field `" + path->path() + "` is \"" + key +
                   "\"");
  message.key = key;
  return {};
}

// Metadata becomes headers of the call that carries the message out.
Result<void> check_metadata(const Fields& metadata) {
  for (const Field field : metadata) {
    const std::string name(field.name);
    if (!wire::is_field({field.name, {}})) return invalid("the metadata \"" + name + "\" is no name of a header");
    if (!wire::is_bin(name) && !wire::is_field(field))
      return invalid("the value of the metadata \"" + name + "\" has control characters; bytes have a name in -bin");
  }
  return {};
}

}  // namespace

Result<void> ContractDoor::admit(const contract::Contract& contract, queue::Publish& publish) const {
  const auto wanted = wanted_for(contract, publish);
  if (!wanted) return fail(wanted.error());
  queue::Message& message = publish.message;
  const std::string& type = wanted->table->full_name();
  if (!message.type.empty() && message.type != type)
    return invalid("queue \"" + publish.to + "\" takes " + type + ", not " + message.type);
  if (wanted->is_event && (publish.due || publish.expires))
    return invalid("an event is there at once and stays: `due_time`, `delay` and `expire_time` are for queues");
  if (auto fine = check_metadata(message.metadata); !fine) return fine;
  message.type = type;
  if (auto taken = take_payload(*wanted->table, message); !taken) return taken;
  if (auto taken = take_key(wanted->key, message); !taken) return taken;
  if (message.source.empty()) message.source = "/" + publish.to;
  if (publish.dedup.empty() && wanted->dedup != nullptr)
    publish.dedup = wanted->dedup->read(message.payload.view()).value_or("");
  // CloudEvents 1.0, "id": source and id together name one event.
  if (publish.dedup.empty() && wanted->is_event && !message.id.empty())
    publish.dedup = message.source + '\n' + message.id;
  const WallTime now = clock_.now();
  if (message.id.empty()) message.id = queue::new_message_id(now);
  if (message.time == WallTime()) message.time = now;
  return {};
}

Duration ContractDoor::lease_of(const contract::Contract& contract, const queue::Source& source) const {
  if (source.group.empty()) {
    const contract::Method* method = find_queue(contract, source.name);
    return method == nullptr ? contract::DeliveryOptions().lease : method->queue->delivery.lease;
  }
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) {
      if (method.subscribe && method.subscribe->topic == source.name && method.subscribe->group == source.group)
        return method.subscribe->delivery.lease;
    }
  }
  return contract::DeliveryOptions().lease;
}

}  // namespace parley::route
