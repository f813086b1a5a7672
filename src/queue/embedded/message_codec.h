// A message as bytes: what a Published record carries, what the memory of recent messages holds, and what a delivery
// is made of. Written and read on the shards; the ledger's thread only copies it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "queue/message.h"

namespace parley::queue::embedded {

Bytes encode(const Message& message);
// The payload is a slice of `bytes`. False: not a message.
bool decode(const Bytes& bytes, Message& message);
// Of an encoded message, without decoding the rest.
WallTime time_of(std::string_view encoded);
std::string_view id_of(std::string_view encoded);

// What keeps order: a hash of the key, never 0 but for "". Two keys with one hash share a line, which costs them some
// waiting and no more. It is stored, so the function never changes (FNV-1a with a final mix).
std::uint64_t line_of(std::string_view key);

}  // namespace parley::queue::embedded
