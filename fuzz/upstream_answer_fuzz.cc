// What an upstream says about a call, right or wrong: gRPC trailers, google.rpc.Status, JSON errors, event streams.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <google/protobuf/descriptor.h>

#include "base/fields.h"
#include "contract/message_table.h"
#include "route/grpc/grpc_status.h"
#include "route/http/http_error.h"
#include "route/http/sse_reader.h"

using namespace parley;

namespace {

const contract::TableSet& tables() {
  static const contract::TableSet set(*google::protobuf::DescriptorPool::generated_pool());
  return set;
}

// The same events in any chunking.
std::string events(std::string_view text, std::size_t chunk) {
  route::SseReader reader(1 << 16);
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(chunk, text.size()))) {
    reader.feed(text.substr(0, chunk));
    for (;;) {
      const auto event = reader.next();
      if (!event || !*event) break;
      out.append((*event)->type).append("|").append((*event)->data).append("\n");
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t half = size / 2;
  (void)route::status_of({{"grpc-status", text.substr(0, half)}, {"grpc-message", text.substr(half)}});
  (void)route::status_of(
      {{"grpc-status", "3"}, {"grpc-message", text.substr(0, half)}, {"grpc-status-details-bin", text.substr(half)}});
  Error error(Code::internal, Blame::upstream, "");
  (void)route::add_status_details(text, error);
  (void)route::http_error(500, "application/json", text, tables());
  (void)route::in_band_error(text, tables());
  if (size <= 1 << 12 && events(text, size + 1) != events(text, 1)) std::abort();
  return 0;
}
