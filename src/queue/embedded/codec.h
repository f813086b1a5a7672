// Writer and Reader: the store's numbers and texts. A number is a varint as in Protobuf (7 bits a byte, lowest first),
// a text is its length and its bytes. docs/formats/store-queues.md names what is written with them. Reading past the
// end gives zeroes and makes `ok` false: the journal has checksums, so that is a bug or another version, found once at
// the end instead of after each field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace parley::queue::embedded {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
  }
  void text(std::string_view value) {
    number(value.size());
    out_.append(value);
  }

 private:
  std::string& out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  std::uint8_t byte() {
    if (at_ >= in_.size()) return broken();
    return static_cast<std::uint8_t>(in_[at_++]);
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ < in_.size(); shift += 7) {
      const auto b = static_cast<std::uint8_t>(in_[at_++]);
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return value;
    }
    return broken();
  }
  std::string_view text() {
    const std::uint64_t size = number();
    if (size > in_.size() - at_) {
      broken();
      return {};
    }
    const std::string_view value = in_.substr(at_, size);
    at_ += size;
    return value;
  }
  std::string_view rest() {
    const std::string_view value = in_.substr(at_);
    at_ = in_.size();
    return value;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return at_ >= in_.size(); }
  std::size_t offset() const { return at_; }

 private:
  std::uint8_t broken() {
    ok_ = false;
    at_ = in_.size();
    return 0;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// One description of a struct's fields serves both ways: `fields(each)` calls `each(field)` for all of them, in order.
// Put writes what it is called with, Take fills it in.
struct Put {
  static constexpr bool writes = true;
  Writer& out;

  void operator()(const std::string& field) { out.text(field); }
  void operator()(const std::string_view& field) { out.text(field); }
  void operator()(const bool& field) { out.byte(field ? 1 : 0); }
  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  void operator()(const T& field) {
    out.number(static_cast<std::uint64_t>(field));
  }
  template <class T>
  void operator()(const std::vector<T>& list) {
    out.number(list.size());
    for (const T& item : list) {
      if constexpr (std::is_integral_v<T>) {
        (*this)(item);
      } else {
        const_cast<T&>(item).fields(*this);  // `fields` is one function for reading and writing
      }
    }
  }
};

struct Take {
  static constexpr bool writes = false;
  Reader& in;

  void operator()(std::string& field) { field = in.text(); }
  void operator()(std::string_view& field) { field = in.text(); }
  void operator()(bool& field) { field = in.byte() != 0; }
  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  void operator()(T& field) {
    field = static_cast<T>(in.number());
  }
  template <class T>
  void operator()(std::vector<T>& list) {
    const std::uint64_t count = in.number();
    list.clear();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      T item{};
      if constexpr (std::is_integral_v<T>) {
        (*this)(item);
      } else {
        item.fields(*this);
      }
      list.push_back(std::move(item));
    }
  }
};

}  // namespace parley::queue::embedded
