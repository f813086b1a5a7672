// Reading a few known fields of small messages (google.rpc.Status, reflection) without their contract.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/wire_format.h"

namespace parley::contract {

// Walks the length-delimited records of a message; others are skipped.
class WireRecords {
 public:
  explicit WireRecords(std::string_view message) : at_(message.data()), end_(message.data() + message.size()) {}

  // The next record, its `number` and `content`. False at the end and where the bytes are malformed.
  bool next() {
    while (at_ != nullptr && at_ != end_) {
      std::uint32_t tag = 0;
      at_ = read_tag(at_, end_, tag);
      if (at_ == nullptr) return false;
      if ((tag & 7U) != static_cast<std::uint32_t>(WireType::length)) {
        at_ = skip_record(at_, end_, tag, max_depth);
        continue;
      }
      std::size_t size = 0;
      at_ = read_length(at_, end_, size);
      if (at_ == nullptr) return false;
      number = tag >> 3U;
      content = {at_, size};
      at_ += size;
      return true;
    }
    return false;
  }
  // After `next` was false: everything was well-formed.
  bool is_fine() const { return at_ == end_; }

  std::uint32_t number = 0;
  std::string_view content;

 private:
  static constexpr int max_depth = 100;
  const char* at_;
  const char* end_;
};

// Appends a length-delimited record; `number` is below 16.
inline void append_record(std::string& out, std::uint32_t number, std::string_view content) {
  out += static_cast<char>(number << 3U | static_cast<std::uint32_t>(WireType::length));
  char length[max_varint_size];
  out.append(length, put_varint(length, content.size()));
  out += content;
}

}  // namespace parley::contract
