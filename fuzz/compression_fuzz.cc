// The first byte chooses the coding and the chunking; the rest is a compressed body. No input passes the limit of
// output, and whole and in pieces it gives the same text or fails both ways.
#include <cstdlib>
#include <string>

#include "wire/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace parley::wire;
  if (size == 0) return 0;
  const auto encoding = static_cast<Encoding>(data[0] % 5U);
  const std::size_t chunk = data[0] / 5U + 1U;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const DecompressLimits limits{.max_bytes = 1 << 18, .max_ratio = 0};

  std::string whole;
  const bool good = decompress(encoding, body, limits, whole).has_value();
  if (whole.size() > limits.max_bytes) std::abort();

  const auto decompressor = Decompressor::make(encoding, limits);
  std::string pieces;
  bool good_in_pieces = true;
  for (std::size_t at = 0; good_in_pieces && at < body.size(); at += chunk) {
    good_in_pieces = decompressor->write(body.substr(at, chunk), pieces).has_value();
  }
  good_in_pieces = good_in_pieces && decompressor->finish().has_value();
  if (good != good_in_pieces || (good && whole != pieces)) std::abort();
  return 0;
}
