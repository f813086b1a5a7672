// google.api.HttpBody on the wire: raw bytes with a media type, as (part of) a request or reply message.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "edge/rest/plan.h"
#include "wire/multipart.h"

namespace parley::edge::rest {

// A record of a length-delimited field.
void put_record(std::uint32_t tag, std::string_view content, std::string& out);
// The records of `path`'s fields around `content`.
void put_nested(const FieldPath& path, std::string_view content, std::string& out);
// Tag and length of a record with `size` bytes of content, for content that follows.
void put_record_head(std::uint32_t tag, std::size_t size, std::string& out);

struct HttpBodyParts {
  std::string_view content_type;
  std::string_view data;
  std::string_view extension;  // one google.protobuf.Any; "": none
};
// Appends the HttpBody, as the field at `path` (empty: as the message itself).
void put_http_body(const FieldPath& path, const HttpBodyParts& parts, std::string& out);

// What a part of a form is called, as a google.protobuf.Any of a google.protobuf.Struct {"name": …, "filename": …}.
std::string form_part_extension(const wire::PartHead& head);

struct RawReply {
  std::string content_type;
  Bytes data;  // shares the reply's storage
};
// The HttpBody at `path` of a reply; absent is empty. Errors: internal, the upstream's fault: malformed wire bytes.
Result<RawReply> read_http_body(const FieldPath& path, const Bytes& reply);

}  // namespace parley::edge::rest
