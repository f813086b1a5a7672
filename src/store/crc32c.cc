#include "store/crc32c.h"

#include <algorithm>

#include <isa-l/crc.h>

namespace parley::store {

std::uint32_t crc32c(std::uint32_t before, std::string_view bytes) {
  constexpr std::size_t most = 1U << 30U;  // ISA-L counts in an int
  std::uint32_t state = ~before;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, most);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(part.data()));  // it only reads
    state = crc32_iscsi(data, static_cast<int>(part.size()), state);
    bytes.remove_prefix(part.size());
  }
  return ~state;
}

}  // namespace parley::store
