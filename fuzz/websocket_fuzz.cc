// The first byte chooses a chunking and whether permessage-deflate is on; the rest is what a client sends. Every
// chunking must give the same events and the same failure as the whole does.
#include <cstdlib>
#include <optional>
#include <string>

#include "wire/websocket.h"

namespace {

using parley::wire::WebSocketDecoder;

std::string events(std::string_view bytes, std::size_t chunk, bool deflate) {
  std::optional<parley::wire::MessageInflater> inflater;
  if (deflate) inflater.emplace(parley::wire::DeflateTerms{});
  WebSocketDecoder decoder(WebSocketDecoder::Peer::client, {.message_bytes = 4096}, inflater ? &*inflater : nullptr);
  std::string seen;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    std::string_view in = bytes.substr(at, chunk);
    for (;;) {
      const auto event = decoder.next(in);
      if (!event)
        return seen + "!" + std::to_string(static_cast<int>(event.error().code)) + std::string(event.error().text);
      if (*event == WebSocketDecoder::Event::need_more) break;
      if (decoder.payload().size() > 4096 + 125) std::abort();
      seen += static_cast<char>('0' + static_cast<int>(*event));
      seen.append(decoder.payload()).append("\n");
    }
    decoder.shrink();
  }
  return seen + (decoder.between_messages() ? "." : "?");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool deflate = (data[0] & 0x80U) != 0;
  if (events(bytes, data[0] % 16U + 1U, deflate) != events(bytes, size, deflate)) std::abort();
  return 0;
}
