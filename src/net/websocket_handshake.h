// The server's part of a WebSocket handshake (RFC 6455 section 4.2, RFC 8441 section 5), the same for both HTTP
// versions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/cors.h"
#include "net/exchange.h"

namespace parley::net {

// Why a request cannot become a WebSocket, as HTTP says it.
struct WebSocketRefusal {
  int status;  // 400, 403, 426
  std::string text;
  Fields fields;  // that the answer needs
};

// Looks at method, version, key and body.
std::optional<WebSocketRefusal> check_websocket(const RequestHead& request);

// The first of the client's subprotocols that is in `ours`; `fallback` where the client names none; nothing where it
// names only others.
std::optional<std::string_view> choose_subprotocol(const RequestHead& request, std::span<const std::string_view> ours,
                                                   std::string_view fallback);

// Any page may open a WebSocket to anywhere, cookies included: browsers leave it to the server (RFC 6455 section 10.2).
// Allowed: the request's own origin, those of `cors` (may be null), and no Origin at all, as programs send it.
bool is_origin_allowed(const RequestHead& request, const Cors* cors);

// Sec-WebSocket-Accept for a key (section 4.2.2, step 5.4).
std::string websocket_accept(std::string_view key);

}  // namespace parley::net
