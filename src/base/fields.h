// Fields: an ordered list of names and values, as HTTP headers, trailers and call metadata are. Names are kept in lower
// case. All text lies in one block, so a set of headers costs two allocations however many there are. A view into the
// list is valid until the list is changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

struct Field {
  std::string_view name;
  std::string_view value;
};

class Fields {
 public:
  Fields() = default;
  Fields(std::initializer_list<Field> fields) {
    for (const Field& f : fields) add(f.name, f.value);
  }

  void add(std::string_view name, std::string_view value);
  // Removes every field of that name, then adds one.
  void set(std::string_view name, std::string_view value);
  // Returns how many were there.
  std::size_t remove(std::string_view name);
  void clear() {
    text_.clear();
    slots_.clear();
  }

  // The first of that name; `name` is in lower case.
  std::optional<std::string_view> find(std::string_view name) const;
  // The first of that name, or "".
  std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view()); }
  bool has(std::string_view name) const { return find(name).has_value(); }
  // All values of that name, in order.
  std::vector<std::string_view> all(std::string_view name) const;

  std::size_t size() const { return slots_.size(); }
  bool empty() const { return slots_.empty(); }
  // Characters of all names and values: what header limits count.
  std::size_t bytes() const { return text_.size(); }
  Field operator[](std::size_t i) const {
    const Slot& s = slots_[i];
    const std::string_view text(text_);
    return {text.substr(s.at, s.name_size), text.substr(s.at + s.name_size, s.value_size)};
  }

  class iterator {
   public:
    iterator(const Fields* list, std::size_t i) : list_(list), i_(i) {}
    Field operator*() const { return (*list_)[i_]; }
    iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator!=(const iterator& o) const { return i_ != o.i_; }

   private:
    const Fields* list_;
    std::size_t i_;
  };
  iterator begin() const { return {this, 0}; }
  iterator end() const { return {this, slots_.size()}; }

 private:
  struct Slot {
    std::uint32_t at;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  std::string text_;
  std::vector<Slot> slots_;
};

}  // namespace parley
