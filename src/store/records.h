// Records: how a group's records lie in a frame's body: the model's number and the length as varints (LEB128, as in
// Protobuf), then the bytes; one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::store {

// Bytes before the record itself, at most.
inline constexpr std::size_t max_record_head = 15;

// Returns the offset of the record's bytes in `body`.
std::size_t append_record(std::string& body, int model, std::string_view record);

// Calls `each` in order. data_loss: the body is no sequence of records; ends with the first error, also of `each`.
Result<void> read_records(
    std::string_view body,
    const std::function<Result<void>(std::uint64_t model, std::string_view record, std::size_t offset)>& each);

}  // namespace parley::store
