// Writing what a server sends.
#include <array>

#include "base/base64.h"
#include "call/header_rules.h"
#include "contract/text_escape.h"
#include "contract/transcode.h"
#include "contract/wire_format.h"
#include "edge/websocket/frames.h"
#include "wire/base64.h"
#include "wire/percent.h"

namespace parley::edge::websocket {
namespace {

constexpr std::string_view type_prefix = "type.googleapis.com/";

// Protobuf.

void put_varint(std::uint64_t value, std::string& out) {
  std::array<char, contract::max_varint_size> digits;
  out.append(digits.data(), contract::put_varint(digits.data(), value));
}

void put_bytes(std::uint32_t number, std::string_view bytes, std::string& out) {
  put_varint(number << 3U | 2U, out);
  put_varint(bytes.size(), out);
  out.append(bytes);
}

void put_text(std::uint32_t number, std::string_view text, std::string& out) {
  if (!text.empty()) put_bytes(number, wire::repair_utf8(text), out);
}

// Metadata: one value a name, as both formats have it.

// Calls `use(name, value)`, once a name that passes towards the caller; values of one name are joined, bytes are
// base64.
template <class Use>
void each_name(const Fields& metadata, const Use& use) {
  std::string joined;
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    const std::string_view name = metadata[i].name;
    if (!passes(name, Direction::reply)) continue;
    bool seen = false;
    for (std::size_t before = 0; before < i && !seen; ++before) seen = metadata[before].name == name;
    if (seen) continue;
    joined.clear();
    for (std::size_t k = i; k < metadata.size(); ++k) {
      if (metadata[k].name != name) continue;
      if (k > i) joined += wire::is_bin(name) ? "," : ", ";
      if (wire::is_bin(name)) {
        base64_encode(metadata[k].value, joined, Base64::standard, false);
      } else {
        joined += metadata[k].value;
      }
    }
    use(name, std::string_view(joined));
  }
}

void put_metadata(std::uint32_t number, const Fields& metadata, std::string& out) {
  each_name(metadata, [&](std::string_view name, std::string_view value) {
    std::string entry;
    put_bytes(1, name, entry);
    put_bytes(2, wire::repair_utf8(value), entry);
    put_bytes(number, entry, out);
  });
}

void put_member(std::string_view key, std::string& out) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(key).append("\":");
}

void put_metadata(std::string_view key, const Fields& metadata, std::string& out) {
  bool any = false;
  each_name(metadata, [&](std::string_view name, std::string_view value) {
    if (!any) put_member(key, out);
    out += any ? ',' : '{';
    any = true;
    contract::append_json_string(out, name);
    out += ':';
    contract::append_json_string(out, value);
  });
  if (any) out += '}';
}

// Details.

std::string any_of(const ErrorDetail& detail) {
  std::string wire;
  put_bytes(1, std::string(type_prefix) + detail.type, wire);
  put_bytes(2, detail.value, wire);
  return wire;
}

void put_detail(const ErrorDetail& detail, const contract::TableSet* tables, std::string& out) {
  const contract::MessageTable* any = tables == nullptr ? nullptr : tables->find("google.protobuf.Any");
  if (any != nullptr && tables->find(detail.type) != nullptr && contract::wire_to_json(*any, any_of(detail), out))
    return;
  out += "{\"@type\":";
  contract::append_json_string(out, std::string(type_prefix) + detail.type);
  out += ",\"value\":";
  contract::append_json_base64(out, detail.value);
  out += '}';
}

void put_json_status(const Error* status, const Fields& trailers, const contract::TableSet* tables, std::string& out) {
  out += R"({"status":{)";
  put_member("code", out);
  out.append("\"").append(name(status == nullptr ? Code::ok : status->code())).append("\"");
  if (status != nullptr) {
    if (!status->message().empty()) {
      put_member("message", out);
      contract::append_json_string(out, status->message());
    }
    put_member("reason", out);
    contract::append_json_string(out, status->reason());
    for (const ErrorDetail& detail : status->details()) {
      out += &detail == &status->details().front() ? ",\"details\":[" : ",";
      put_detail(detail, tables, out);
    }
    if (!status->details().empty()) out += ']';
  }
  put_metadata("trailers", trailers, out);
  out += "}}";
}

void put_proto_status(const Error* status, const Fields& trailers, std::string& out) {
  std::string inner;
  if (status != nullptr) {
    put_varint(1U << 3U, inner);
    put_varint(static_cast<std::uint64_t>(status->code()), inner);
    put_text(2, status->message(), inner);
    put_text(3, status->reason(), inner);
    for (const ErrorDetail& detail : status->details()) put_bytes(4, any_of(detail), inner);
  }
  put_metadata(5, trailers, inner);
  put_bytes(3, inner, out);
}

}  // namespace

std::string_view subprotocol(Format format) { return format == Format::json ? "parley.json.v1" : "parley.proto.v1"; }

Result<void> put_message(Format format, const contract::MessageTable& reply, std::string_view wire,
                         std::string_view position, std::string& out) {
  if (format == Format::proto) {
    put_bytes(2, wire, out);
    put_text(6, position, out);
    return {};
  }
  const std::size_t began = out.size();
  out += R"({"message":)";
  if (auto done = contract::wire_to_json(reply, wire, out); !done) {
    out.resize(began);
    return fail(Error(Code::internal, Blame::upstream, "the service's reply: " + done.error().message())
                    .with_reason("bad_reply"));
  }
  if (!position.empty()) out.append(R"(,"position":")").append(position).append("\"");
  out += '}';
  return {};
}

void put_headers(Format format, const Fields& metadata, bool resumed, std::string& out) {
  if (format == Format::proto) {
    std::string inner;
    put_metadata(1, metadata, inner);
    if (resumed) inner.append("\x10\x01", 2);
    return put_bytes(1, inner, out);
  }
  out += R"({"headers":{)";
  put_metadata("metadata", metadata, out);
  if (resumed) {
    put_member("resumed", out);
    out += "true";
  }
  out += "}}";
}

void put_status(Format format, const Error* status, const Fields& trailers, const contract::TableSet* tables,
                std::string& out) {
  if (format == Format::proto) return put_proto_status(status, trailers, out);
  put_json_status(status, trailers, tables, out);
}

void put_pong(Format format, std::string& out) {
  if (format == Format::proto) return put_bytes(4, "", out);
  out += R"({"pong":{}})";
}

void put_skipped(Format format, std::uint64_t messages, std::string& out) {
  if (format == Format::json) {
    out.append(R"({"skipped":{"messages":)").append(std::to_string(messages)).append("}}");
    return;
  }
  std::string inner;
  put_varint(1U << 3U, inner);
  put_varint(messages, inner);
  put_bytes(5, inner, out);
}

}  // namespace parley::edge::websocket
