// The HTTP/1.1 parser: the same bytes give the same events in any chunking, and limits hold. The first byte chooses
// request or response, and the chunks.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/http1.h"

namespace {

using parley::wire::Http1Error;
using parley::wire::Http1Limits;
using parley::wire::Http1Parser;

constexpr Http1Limits limits{.field_bytes = 512, .field_count = 16, .target_bytes = 64};

void show(std::string& out, const parley::Fields& fields) {
  if (fields.bytes() > limits.field_bytes || fields.size() > limits.field_count) std::abort();
  for (const parley::Field f : fields) {
    if (!parley::wire::is_field(f)) std::abort();  // whatever comes in can go out
    out.append(f.name).append("=").append(f.value).append(";");
  }
}

std::string events(Http1Parser::Kind kind, std::string_view input, std::size_t chunk) {
  Http1Parser parser(kind, limits);
  std::string out;
  while (!input.empty()) {
    std::string_view in = input.substr(0, chunk);
    input.remove_prefix(in.size());
    for (;;) {
      const auto event = parser.next(in);
      if (!event) return out + "error " + std::to_string(event.error().status) + std::string(event.error().text);
      if (*event == Http1Parser::Event::need_more) break;
      switch (*event) {
        case Http1Parser::Event::head: {
          const auto& h = parser.head();
          if (h.target.size() > limits.target_bytes) std::abort();
          out += "\nhead " + h.method + h.target + std::to_string(h.status) + h.host +
                 std::to_string(h.content_length) + std::to_string(static_cast<int>(h.body)) +
                 (h.keep_alive ? "k" : "c") + h.upgrade;
          show(out, h.fields);
          break;
        }
        case Http1Parser::Event::data: out += parser.data(); break;
        case Http1Parser::Event::end:
          out += "\nend ";
          show(out, parser.trailers());
          break;
        case Http1Parser::Event::need_more: break;
      }
    }
    if (!in.empty()) std::abort();  // "need more" has used everything
  }
  return out + (parser.finish() ? "" : "early");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = (data[0] & 1) != 0 ? Http1Parser::Kind::response : Http1Parser::Kind::request;
  const std::size_t chunk = 1 + (data[0] >> 1) % 32;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = events(kind, input, input.size());
  if (events(kind, input, 1) != whole || events(kind, input, chunk) != whole) std::abort();
  return 0;
}
