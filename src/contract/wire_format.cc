#include "contract/wire_format.h"

namespace parley::contract {

const char* read_long_varint(const char* from, const char* end, std::uint64_t& value) {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (from == end) return nullptr;
    const auto byte = static_cast<unsigned char>(*from++);
    result |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) {
      value = result;
      return from;
    }
  }
  return nullptr;
}

const char* skip_group(const char* from, const char* end, std::uint32_t number, int depth, const char*& content_end) {
  if (depth <= 0) return nullptr;
  const std::uint32_t end_tag = number << 3U | static_cast<std::uint32_t>(WireType::group_end);
  while (from != nullptr) {
    content_end = from;
    std::uint32_t tag = 0;
    from = read_tag(from, end, tag);
    if (from == nullptr) return nullptr;
    if (tag == end_tag) return from;
    from = skip_record(from, end, tag, depth - 1);
  }
  return nullptr;
}

const char* skip_record(const char* from, const char* end, std::uint32_t tag, int depth) {
  switch (static_cast<WireType>(tag & 7U)) {
    case WireType::varint: {
      std::uint64_t ignored = 0;
      return read_varint(from, end, ignored);
    }
    case WireType::fixed64: return end - from >= 8 ? from + 8 : nullptr;
    case WireType::fixed32: return end - from >= 4 ? from + 4 : nullptr;
    case WireType::length: {
      std::size_t size = 0;
      from = read_length(from, end, size);
      return from == nullptr ? nullptr : from + size;
    }
    case WireType::group_start: {
      const char* content_end = nullptr;
      return skip_group(from, end, tag >> 3U, depth, content_end);
    }
    case WireType::group_end: return nullptr;
  }
  return nullptr;
}

}  // namespace parley::contract
