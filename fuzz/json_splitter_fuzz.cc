// The first byte chooses framing and chunking; the rest is a body. Every chunking must give the same texts.
#include <cstdlib>
#include <string>

#include "wire/ndjson.h"

namespace {

using parley::wire::JsonSplitter;

std::string texts(JsonSplitter::Framing framing, std::string_view body, std::size_t chunk) {
  JsonSplitter splitter(framing, 4096);
  std::string seen;
  for (std::size_t at = 0;; at += chunk) {
    const bool more = at < body.size();
    if (more) {
      splitter.feed(body.substr(at, chunk));
    } else {
      splitter.end();
    }
    for (;;) {
      const auto text = splitter.next();
      if (!text) return seen + "\n!";
      if (!*text) break;
      if ((*text)->size() > 4096) std::abort();
      seen.append(**text).append("\n|");
    }
    if (!more) return seen;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const auto framing = data[0] % 2 == 0 ? JsonSplitter::Framing::lines : JsonSplitter::Framing::values;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (texts(framing, body, body.size() + 1) != texts(framing, body, data[0] / 2 + 1U)) std::abort();
  return 0;
}
