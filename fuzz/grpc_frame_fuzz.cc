// The first byte chooses a chunking; the rest is a body. Every chunking must give the same frames as the whole body
// does.
#include <cstdlib>
#include <string>

#include "wire/grpc_frame.h"

namespace {

std::string frames(std::string_view body, std::size_t chunk) {
  parley::wire::GrpcFrameDecoder decoder(4096);
  std::string seen;
  for (std::size_t at = 0; at < body.size(); at += chunk) {
    decoder.feed(parley::Bytes::copy_of(body.substr(at, chunk)));
    for (;;) {
      auto frame = decoder.next();
      if (!frame) return seen + "!";
      if (!*frame) break;
      seen += static_cast<char>((*frame)->flags);
      seen += (*frame)->payload.view();
      seen += '\n';
    }
  }
  return seen + (decoder.is_between_frames() ? "." : "?");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (frames(body, data[0] % 16U + 1U) != frames(body, size)) std::abort();
  return 0;
}
