// Server-sent events (WHATWG HTML, "Server-sent events"), the sending side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::wire {

struct SseEvent {
  std::string_view type;  // "" is the browser's `message`
  std::string_view data;  // any text: each of its lines (CR, LF or CRLF) becomes a `data:` line
  std::uint64_t id = 0;   // 0: none
};

// Append to `out`.
void put_sse(const SseEvent& event, std::string& out);
// A comment, which clients skip: keeps the connection alive through proxies.
void put_sse_comment(std::string_view text, std::string& out);

}  // namespace parley::wire
