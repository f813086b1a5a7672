// Any query: read without harm; one that is read has a message of the size its text allows.
#include <cstdlib>

#include "edge/rpc/connect_query.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const auto parsed = parley::edge::parse_connect_query(query);
  if (parsed && parsed->message.size() > size) std::abort();
  return 0;
}
