// Bytes: a shared, immutable slice. Copying one shares its storage, so fan-out, retry and buffering copy nothing.
// Thread safety: the share count is atomic, the contents never change; a `Bytes` object itself is a value.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace parley {

class Bytes {
 public:
  Bytes() = default;

  // Takes over `text` without copying its characters.
  explicit Bytes(std::string text);
  // One allocation, whatever the size.
  static Bytes copy_of(std::string_view text);
  // `text` must outlive the process: literals and tables.
  static Bytes literal(std::string_view text) {
    Bytes b;
    b.view_ = text;
    return b;
  }

  Bytes(const Bytes& other) : view_(other.view_), owner_(other.owner_) { retain(); }
  Bytes(Bytes&& other) noexcept : view_(std::exchange(other.view_, {})), owner_(std::exchange(other.owner_, nullptr)) {}
  Bytes& operator=(Bytes other) noexcept {
    std::swap(view_, other.view_);
    std::swap(owner_, other.owner_);
    return *this;
  }
  ~Bytes() { release(); }

  std::string_view view() const { return view_; }
  const char* data() const { return view_.data(); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

  // A part of this slice that shares its storage. `from` and `count` are clamped to the slice.
  Bytes slice(std::size_t from, std::size_t count = std::string_view::npos) const {
    Bytes part(*this);
    part.view_ = from < view_.size() ? view_.substr(from, count) : std::string_view();
    return part;
  }
  // The same bytes, without holding storage of more than twice their size: for a part that outlives what it was cut of.
  Bytes compact() const;

  friend bool operator==(const Bytes& a, const Bytes& b) { return a.view_ == b.view_; }

 private:
  struct Owner;
  void retain() const;
  void release();

  std::string_view view_;
  Owner* owner_ = nullptr;
};

struct Bytes::Owner {
  Owner(std::size_t bytes, void (*how)(Owner*)) : size(bytes), destroy(how) {}
  std::atomic<std::size_t> shares{1};
  const std::size_t size;  // of the storage
  void (*const destroy)(Owner*);
};

inline Bytes::Bytes(std::string text) {
  struct TextOwner : Owner {
    explicit TextOwner(std::string t)
        : Owner(t.size(), [](Owner* self) { delete static_cast<TextOwner*>(self); }), text(std::move(t)) {}
    std::string text;
  };
  auto* owner = new TextOwner(std::move(text));
  owner_ = owner;
  view_ = owner->text;
}
inline Bytes Bytes::copy_of(std::string_view text) {
  // The characters follow the owner in one block.
  void* block = ::operator new(sizeof(Owner) + text.size());
  auto* owner = new (block) Owner(text.size(), [](Owner* self) {
    self->~Owner();
    ::operator delete(self);
  });
  char* copy = static_cast<char*>(block) + sizeof(Owner);
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  Bytes out;
  out.owner_ = owner;
  out.view_ = {copy, text.size()};
  return out;
}
inline Bytes Bytes::compact() const {
  return owner_ == nullptr || owner_->size <= 2 * view_.size() ? *this : copy_of(view_);
}
inline void Bytes::retain() const {
  if (owner_ != nullptr) owner_->shares.fetch_add(1, std::memory_order_relaxed);
}
inline void Bytes::release() {
  if (owner_ == nullptr) return;
  // The only share cannot be copied meanwhile: no locked instruction in the common case.
  if (owner_->shares.load(std::memory_order_acquire) == 1 ||
      owner_->shares.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    owner_->destroy(owner_);
  }
}

}  // namespace parley
