// The first byte chooses a chunking; the rest is a multipart body with the boundary "b". Every chunking must give the
// same parts.
#include <cstdlib>
#include <string>

#include "wire/multipart.h"

namespace {

using parley::wire::MultipartParser;

std::string parts(std::string_view body, std::size_t chunk) {
  MultipartParser parser("b", {.head_bytes = 200, .parts = 20});
  std::string seen;
  for (std::size_t at = 0; at < body.size(); at += chunk) {
    parser.feed(body.substr(at, chunk));
    for (;;) {
      const auto event = parser.next();
      if (!event) return seen + "!";
      if (event->kind == MultipartParser::Kind::begin) {
        seen +=
            "<" + event->head->name + "|" + event->head->filename.value_or("-") + "|" + event->head->content_type + ">";
      }
      if (event->kind == MultipartParser::Kind::data) seen += event->data;
      if (event->kind == MultipartParser::Kind::end) seen += "</>";
      if (event->kind == MultipartParser::Kind::need_more || event->kind == MultipartParser::Kind::done) break;
    }
  }
  return seen + (parser.finish() ? "." : "?");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = parts(body, body.size() + 1);
  const std::string pieces = parts(body, data[0] + 1U);
  // A body that fails may have given more of its content in one chunking than in another before that was known.
  const bool failed = whole.ends_with('!') || pieces.ends_with('!');
  if (failed ? whole.ends_with('!') != pieces.ends_with('!') : whole != pieces) std::abort();
  return 0;
}
