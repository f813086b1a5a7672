// The frames of an rpc over a WebSocket (docs/formats/websocket.md, contracts/parley/websocket.proto), in both formats:
// what a client's frame says, and a server's as text or bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/fields.h"
#include "contract/message_table.h"

namespace parley::edge::websocket {

enum class Format : std::uint8_t { json, proto };
// "parley.json.v1".
std::string_view subprotocol(Format format);

struct Start {
  Fields metadata;  // values of `-bin` names as raw bytes
  std::optional<Duration> timeout;
  std::string resume;
  std::uint32_t history = 0;
  std::uint32_t window = 0;  // messages; 0: any number
};

struct ClientFrame {
  enum class Kind : std::uint8_t { start, message, end, ping, credit };
  Kind kind = Kind::ping;
  Bytes message;  // wire bytes
  std::uint32_t credit = 0;
  Start start;
};

// `request`: the rpc's request type. Errors: invalid_argument.
Result<ClientFrame> read_frame(Format format, std::string_view payload, const contract::MessageTable& request);

// These append one server frame to `out`.

// `wire`: of the rpc's reply type `reply`. `position`: of a shared stream, else "".
// Errors: internal, the service's fault, where JSON cannot be made of it; `out` is then as it was.
Result<void> put_message(Format format, const contract::MessageTable& reply, std::string_view wire,
                         std::string_view position, std::string& out);
void put_headers(Format format, const Fields& metadata, bool resumed, std::string& out);
// `status`: null is OK. Details are printed as ProtoJSON of their Any where `tables` (may be null) knows their type.
void put_status(Format format, const Error* status, const Fields& trailers, const contract::TableSet* tables,
                std::string& out);
void put_pong(Format format, std::string& out);
void put_skipped(Format format, std::uint64_t messages, std::string& out);

}  // namespace parley::edge::websocket
