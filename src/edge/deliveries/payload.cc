#include "edge/deliveries/payload.h"

#include "call/header_rules.h"
#include "contract/transcode.h"
#include "queue/cloud_event.h"
#include "wire/base64.h"
#include "wire/http1.h"
#include "wire/media_type.h"
#include "wire/percent.h"

namespace parley::edge::deliveries {
namespace {

Error unreadable(std::string message) {
  return Error(Code::invalid_argument, Blame::caller, std::move(message)).with_reason("malformed_message");
}

bool is_protobuf(std::string_view essence) {
  return essence == "application/protobuf" || essence == "application/x-protobuf" ||
         essence == "application/vnd.google.protobuf";
}

Result<Bytes> from_json(const queue::Message& message, const contract::MessageTable& type) {
  std::string wire;
  const auto done = contract::json_to_wire(type, message.payload.view(), wire, {.ignore_unknown = true});
  if (!done) return fail(unreadable(done.error().message()));
  return Bytes(std::move(wire));
}

// A producer on the broker writes what it likes, and HTTP/1 takes a line end for the end of a header: a name that is
// none stops here, and a value that is none is percent-encoded.
void add_written(const Fields& from, Fields& to) {
  for (const Field field : from) {
    if (!passes(field.name, Direction::request) || !wire::is_field({field.name, {}})) continue;
    const bool fits = wire::is_bin(field.name) || wire::is_field(field);
    to.add(field.name, fits ? std::string(field.value) : wire::encode_grpc_message(field.value));
  }
}

}  // namespace

Result<Bytes> request_of(const queue::Message& message, const contract::MessageTable& type) {
  if (!message.type.empty() && message.type != type.full_name())
    return fail(unreadable("it is a " + message.type + ", and " + type.full_name() + " is expected"));
  if (queue::is_structured(message.content_type)) {
    queue::Message copy = message;  // the backend has tried it
    const auto unpacked = queue::unpack_structured(copy);
    return fail(unreadable(unpacked ? "it is a CloudEvent within a message" : unpacked.error().message()));
  }
  if (!message.content_type.empty() && message.content_type != "application/protobuf") {
    const auto media = wire::parse_media_type(message.content_type);
    if (media && media->is_json()) return from_json(message, type);
    if (!media || !is_protobuf(media->essence))
      return fail(unreadable("its content type is " + message.content_type + ", neither Protobuf nor JSON"));
  }
  if (auto valid = contract::validate_wire(type, message.payload.view()); !valid)
    return fail(unreadable(valid.error().message()));
  return message.payload;
}

Fields metadata_of(const queue::Delivery& delivery, const queue::Source& source) {
  const queue::Message& message = delivery.message;
  Fields out;
  add_written(message.metadata, out);
  out.add("parley-message-id", wire::encode_grpc_message(message.id));
  out.add("parley-attempt", std::to_string(delivery.attempt));
  if (!message.key.empty()) out.add("parley-key", wire::encode_grpc_message(message.key));
  if (source.group.empty()) {
    out.add("parley-queue", source.name);
  } else {
    out.add("parley-topic", source.name);
    out.add("parley-group", source.group);
  }
  return out;
}

}  // namespace parley::edge::deliveries
