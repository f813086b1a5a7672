#include "edge/rest/http_body.h"

#include <array>

#include "contract/wire_format.h"

namespace parley::edge::rest {
namespace {

// google/api/httpbody.proto, google/protobuf/any.proto, google/protobuf/struct.proto.
constexpr std::uint32_t content_type_tag = 0x0a;
constexpr std::uint32_t data_tag = 0x12;
constexpr std::uint32_t extensions_tag = 0x1a;
constexpr std::uint32_t any_url_tag = 0x0a;
constexpr std::uint32_t any_value_tag = 0x12;
constexpr std::uint32_t struct_fields_tag = 0x0a;
constexpr std::uint32_t entry_key_tag = 0x0a;
constexpr std::uint32_t entry_value_tag = 0x12;
constexpr std::uint32_t value_string_tag = 0x1a;

std::size_t record_size(std::size_t content) { return 1 + contract::varint_size(content) + content; }

void put_struct_member(std::string_view key, std::string_view text, std::string& out) {
  std::string value;
  put_record(value_string_tag, text, value);
  std::string entry;
  put_record(entry_key_tag, key, entry);
  put_record(entry_value_tag, value, entry);
  put_record(struct_fields_tag, entry, out);
}

std::unexpected<Error> malformed() {
  return fail(
      Error(Code::internal, Blame::upstream, "the reply is not a well-formed message").with_reason("malformed_reply"));
}

// The last record of `wanted` in `message`; false if the message is malformed. `content` is left alone where there is
// none.
bool find_last(std::string_view message, std::uint32_t wanted, std::string_view& content) {
  const char* at = message.data();
  const char* const end = at + message.size();
  while (at != end) {
    std::uint32_t tag = 0;
    at = contract::read_tag(at, end, tag);
    if (at == nullptr) return false;
    if (tag != wanted) {
      at = contract::skip_record(at, end, tag, 100);
    } else {
      std::size_t size = 0;
      at = contract::read_length(at, end, size);
      if (at == nullptr) return false;
      content = {at, size};
      at += size;
    }
    if (at == nullptr) return false;
  }
  return true;
}

}  // namespace

void put_record_head(std::uint32_t tag, std::size_t size, std::string& out) {
  std::array<char, 2 * contract::max_varint_size> head;
  char* end = contract::put_varint(contract::put_varint(head.data(), tag), size);
  out.append(head.data(), end);
}

void put_record(std::uint32_t tag, std::string_view content, std::string& out) {
  put_record_head(tag, content.size(), out);
  out.append(content);
}

// The heads are written innermost first, so sizes are worked out before.
static void put_heads(const FieldPath& path, std::size_t content, std::string& out) {
  std::array<std::size_t, 32> sizes;
  std::size_t size = content;
  for (std::size_t i = path.size(); i-- > 0;) {
    sizes.at(i) = size;
    size += contract::varint_size(path[i]->tag()) + contract::varint_size(size);
  }
  for (std::size_t i = 0; i < path.size(); ++i) put_record_head(path[i]->tag(), sizes.at(i), out);
}

void put_nested(const FieldPath& path, std::string_view content, std::string& out) {
  put_heads(path, content.size(), out);
  out.append(content);
}

void put_http_body(const FieldPath& path, const HttpBodyParts& parts, std::string& out) {
  std::size_t size = 0;
  if (!parts.content_type.empty()) size += record_size(parts.content_type.size());
  if (!parts.data.empty()) size += record_size(parts.data.size());
  if (!parts.extension.empty()) size += record_size(parts.extension.size());
  out.reserve(out.size() + size + 16 * path.size());
  put_heads(path, size, out);
  if (!parts.content_type.empty()) put_record(content_type_tag, parts.content_type, out);
  if (!parts.data.empty()) put_record(data_tag, parts.data, out);
  if (!parts.extension.empty()) put_record(extensions_tag, parts.extension, out);
}

std::string form_part_extension(const wire::PartHead& head) {
  std::string object;
  put_struct_member("name", head.name, object);
  if (head.filename) put_struct_member("filename", *head.filename, object);
  std::string any;
  put_record(any_url_tag, "type.googleapis.com/google.protobuf.Struct", any);
  put_record(any_value_tag, object, any);
  return any;
}

Result<RawReply> read_http_body(const FieldPath& path, const Bytes& reply) {
  std::string_view message = reply.view();
  for (const contract::FieldTable* field : path) {
    std::string_view part;
    if (!find_last(message, field->tag(), part)) return malformed();
    message = part;
  }
  std::string_view content_type;
  std::string_view data;
  if (!message.empty() && (!find_last(message, content_type_tag, content_type) || !find_last(message, data_tag, data)))
    return malformed();
  RawReply raw{std::string(content_type), {}};
  if (!data.empty()) raw.data = reply.slice(static_cast<std::size_t>(data.data() - reply.data()), data.size());
  return raw;
}

}  // namespace parley::edge::rest
