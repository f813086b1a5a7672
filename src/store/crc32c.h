// CRC-32C (Castagnoli; RFC 3720 section 12.1), by ISA-L: carry-less multiplication where the processor has it.
#pragma once

#include <cstdint>
#include <string_view>

namespace parley::store {

// Of `bytes` behind what gave `before`: crc32c(crc32c(0, a), b) is the checksum of a and b.
std::uint32_t crc32c(std::uint32_t before, std::string_view bytes);

}  // namespace parley::store
