// OutBuffer: appends to a std::string through a raw pointer. Room is asked for once, then filled without further
// checks; the string is cut to its true size by `finish`, or back to what it was by `abandon`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "contract/wire_format.h"

namespace parley::contract {

class OutBuffer {
 public:
  explicit OutBuffer(std::string& out) : out_(out), base_(out.size()) { widen(out.capacity()); }
  OutBuffer(const OutBuffer&) = delete;
  OutBuffer& operator=(const OutBuffer&) = delete;

  // Where the next byte goes, with room for at least `count` of them. Valid until the next call of need().
  char* need(std::size_t count) {
    if (static_cast<std::size_t>(end_ - at_) < count) [[unlikely]]
      grow(count);
    return at_;
  }
  // `to` is within the room that need() gave.
  void advance(char* to) { at_ = to; }

  void put(char c) {
    *need(1) = c;
    ++at_;
  }
  void put(std::string_view text) {
    char* to = need(text.size());
    if (!text.empty()) std::memcpy(to, text.data(), text.size());  // memcpy takes no null, not even for nothing
    at_ = to + text.size();
  }
  // For short texts that have 16 readable bytes after their end (MessageTable's).
  void put_padded(std::string_view text) {
    char* to = need(text.size() + 16);
    const char* from = text.data();
    at_ = to + text.size();
    do {
      std::memcpy(to, from, 16);
      to += 16;
      from += 16;
    } while (to < at_);
  }

  // Bytes appended so far; a place to come back to.
  std::size_t size() const { return static_cast<std::size_t>(at_ - out_.data()) - base_; }
  char* at(std::size_t place) { return out_.data() + base_ + place; }
  void cut(std::size_t place) { at_ = at(place); }

  // A length-delimited part: open() leaves one byte for its length, close() moves the part if the length needs more.
  std::size_t open() {
    ++(at_ = need(1));
    return size();
  }
  void close(std::size_t content) {
    const std::size_t length = size() - content;
    if (length < 0x80) [[likely]] {
      at(content)[-1] = static_cast<char>(length);
      return;
    }
    const std::size_t extra = varint_size(length) - 1;
    need(extra);
    char* from = at(content);
    std::memmove(from + extra, from, length);
    put_varint(from - 1, length);
    at_ += extra;
  }

  void finish() { out_.resize(base_ + size()); }
  void abandon() { out_.resize(base_); }

 private:
  void grow(std::size_t count) {
    const std::size_t used = base_ + size();
    at_ = nullptr;
    widen(std::max({used + count, 2 * out_.size(), std::size_t{256}}), used);
  }
  void widen(std::size_t capacity) { widen(capacity, base_); }
  void widen(std::size_t capacity, std::size_t used) {
    out_.resize_and_overwrite(capacity, [](char*, std::size_t size) { return size; });
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;
  std::size_t base_;  // what the string held before
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace parley::contract
