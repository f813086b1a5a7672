// Arena: memory that is given back all at once. A document's tree and a schema's tables lie in one each, so that
// building them costs a few allocations and dropping them costs as few. One owner, one thread while building.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace parley::graphql {

class Arena {
 public:
  explicit Arena(std::size_t first_block = 4096) : next_size_(first_block) {}
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() = default;

  // Never fails; the memory is not zeroed.
  void* take(std::size_t size, std::size_t align) {
    const std::size_t skip = (align - reinterpret_cast<std::uintptr_t>(at_) % align) % align;
    if (static_cast<std::size_t>(end_ - at_) < size + skip) return take_from_new_block(size, align);
    char* const out = at_ + skip;
    at_ = out + size;
    return out;
  }

  // T is never destroyed.
  template <class T>
  T* make(T value = T()) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (take(sizeof(T), alignof(T))) T(std::move(value));
  }
  template <class T>
  std::span<T> copy(std::span<T> items) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (items.empty()) return {};
    T* const to = static_cast<T*>(take(items.size_bytes(), alignof(T)));
    std::memcpy(static_cast<void*>(to), static_cast<const void*>(items.data()), items.size_bytes());
    return {to, items.size()};
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* const to = static_cast<char*>(take(text.size(), 1));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }
  // `count` value-initialised items.
  template <class T>
  std::span<T> array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* const to = static_cast<T*>(take(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) new (to + i) T();
    return {to, count};
  }

 private:
  void* take_from_new_block(std::size_t size, std::size_t align) {
    const std::size_t block = std::max(size + align, next_size_);
    next_size_ = std::min<std::size_t>(2 * next_size_, 256 << 10U);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block));
    at_ = blocks_.back().get();
    end_ = at_ + block;
    return take(size, align);
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t next_size_;
};

}  // namespace parley::graphql
