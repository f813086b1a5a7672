#include "queue/embedded/message_codec.h"

#include <string>

#include "queue/embedded/codec.h"

namespace parley::queue::embedded {

Bytes encode(const Message& message) {
  std::string out;
  out.reserve(message.payload.size() + message.metadata.bytes() + message.id.size() + message.source.size() +
              message.type.size() + message.key.size() + message.content_type.size() + 32 +
              4 * message.metadata.size());
  Writer to(out);
  to.number(static_cast<std::uint64_t>(message.time.time_since_epoch().count()));
  to.text(message.id);
  to.text(message.source);
  to.text(message.type);
  to.text(message.key);
  to.text(message.content_type);
  to.number(message.metadata.size());
  for (const Field field : message.metadata) {
    to.text(field.name);
    to.text(field.value);
  }
  out.append(message.payload.view());  // the rest
  return Bytes(std::move(out));
}

bool decode(const Bytes& bytes, Message& message) {
  Reader from(bytes.view());
  message.time = WallTime(WallTime::duration(static_cast<std::int64_t>(from.number())));
  message.id = from.text();
  message.source = from.text();
  message.type = from.text();
  message.key = from.text();
  message.content_type = from.text();
  const std::uint64_t fields = from.number();
  for (std::uint64_t i = 0; i < fields && from.ok(); ++i) {
    const std::string_view name = from.text();
    message.metadata.add(name, from.text());
  }
  message.payload = bytes.slice(from.offset());
  return from.ok();
}

WallTime time_of(std::string_view encoded) {
  return WallTime(WallTime::duration(static_cast<std::int64_t>(Reader(encoded).number())));
}

std::string_view id_of(std::string_view encoded) {
  Reader from(encoded);
  from.number();
  return from.text();
}

std::uint64_t line_of(std::string_view key) {
  if (key.empty()) return 0;
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : key) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
  hash ^= hash >> 32;
  return hash == 0 ? 1 : hash;
}

}  // namespace parley::queue::embedded
