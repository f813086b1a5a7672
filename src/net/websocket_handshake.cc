#include "net/websocket_handshake.h"

#include <algorithm>
#include <array>

#include <openssl/sha.h>

#include "base/base64.h"
#include "base/text.h"

namespace parley::net {
namespace {

constexpr std::string_view version = "13";
constexpr std::string_view key_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr std::size_t key_bytes = 16;

WebSocketRefusal refuse(int status, std::string text, Fields fields = {}) {
  return {status, std::move(text), std::move(fields)};
}

// "shop.example:443" of "https://shop.example", so that a default port may be named or not.
std::string with_port(std::string_view authority, std::string_view scheme) {
  std::string out(authority);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::size_t colon = out.rfind(':');
  const bool has_port = colon != std::string::npos && out.find(']', colon) == std::string::npos;
  if (!has_port) out += scheme == "https" ? ":443" : ":80";
  return out;
}

}  // namespace

std::optional<WebSocketRefusal> check_websocket(const RequestHead& request) {
  const bool over_http2 = request.method == "CONNECT";
  if (request.upgrade.empty()) {
    return refuse(426, "this address is a WebSocket's: ask for an upgrade", {{"sec-websocket-version", version}});
  }
  if (request.fields.get("sec-websocket-version") != version) {
    return refuse(426, "WebSocket is spoken in version 13", {{"sec-websocket-version", version}});
  }
  if (over_http2) return std::nullopt;  // RFC 8441 section 5: there is no key
  const auto keys = request.fields.all("sec-websocket-key");
  std::string nonce;
  if (keys.size() != 1 || !base64_decode(trim(keys[0]), nonce) || nonce.size() != key_bytes)
    return refuse(400, "Sec-WebSocket-Key must be 16 bytes in base64");
  return std::nullopt;
}

std::optional<std::string_view> choose_subprotocol(const RequestHead& request, std::span<const std::string_view> ours,
                                                   std::string_view fallback) {
  bool named = false;
  for (const std::string_view value : request.fields.all("sec-websocket-protocol")) {
    for (const std::string_view part : split(value, ',')) {
      named = true;
      const auto found = std::ranges::find(ours, trim(part));
      if (found != ours.end()) return *found;
    }
  }
  return named ? std::nullopt : std::optional(fallback);
}

bool is_origin_allowed(const RequestHead& request, const Cors* cors) {
  const auto origin = request.fields.find("origin");
  if (!origin) return true;
  if (cors != nullptr && cors->allows(*origin)) return true;
  const std::size_t end = origin->find("://");
  if (end == std::string_view::npos) return false;
  // A proxy before Parley may end TLS, so the schemes may differ: each side's default port is its own scheme's.
  const std::string_view scheme = origin->substr(0, end);
  const std::string theirs = with_port(origin->substr(end + 3), scheme);
  return theirs == with_port(request.authority, request.scheme) || theirs == with_port(request.authority, scheme);
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(trim(key)).append(key_suffix);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string out;
  base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()}, out);
  return out;
}

}  // namespace parley::net
