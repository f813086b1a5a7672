#include "queue/message_id.h"

#include <cstdint>
#include <random>

namespace parley::queue {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

void put_hex(std::uint64_t bits, int digits, std::string& out) {
  for (int i = digits - 1; i >= 0; --i) out += hex[bits >> (4U * static_cast<unsigned>(i)) & 15U];
}

}  // namespace

std::string new_message_id(WallTime now) {
  thread_local std::mt19937_64 random{(static_cast<std::uint64_t>(std::random_device{}()) << 32U) ^
                                      std::random_device{}()};
  const auto ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const std::uint64_t high = random();
  const std::uint64_t low = random();
  std::string id;
  id.reserve(36);
  put_hex(ms >> 16U, 8, id);
  id += '-';
  put_hex(ms, 4, id);
  id += '-';
  put_hex(0x7000U | (high & 0xfffU), 4, id);
  id += '-';
  put_hex(0x8000U | (high >> 12U & 0x3fffU), 4, id);
  id += '-';
  put_hex(low, 12, id);
  return id;
}

}  // namespace parley::queue
