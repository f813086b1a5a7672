#include "base/fields.h"

#include <algorithm>

namespace parley {
namespace {

constexpr std::size_t usual_text = 512;  // a typical request's headers: one allocation, no growth
constexpr std::size_t usual_count = 16;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// HTTP/2 has lower case only, so most names are. Without a branch a letter, so that it is done many letters at a time.
bool has_upper(std::string_view name) {
  unsigned found = 0;
  for (const char c : name) found |= static_cast<unsigned>(static_cast<unsigned char>(c - 'A') < 26);
  return found != 0;
}

}  // namespace

void Fields::add(std::string_view name, std::string_view value) {
  if (slots_.empty()) {
    text_.reserve(std::max(usual_text, name.size() + value.size()));
    slots_.reserve(usual_count);
  }
  slots_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                    static_cast<std::uint32_t>(value.size())});
  const std::size_t at = text_.size();
  text_.append(name);
  if (has_upper(name)) {
    std::transform(text_.begin() + static_cast<std::ptrdiff_t>(at), text_.end(),
                   text_.begin() + static_cast<std::ptrdiff_t>(at), lower);
  }
  text_.append(value);
}

void Fields::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

std::size_t Fields::remove(std::string_view name) {
  // The text stays in place (it is bounded by the header limits); only the slot goes.
  const std::string_view text(text_);
  return std::erase_if(slots_, [&](const Slot& s) { return text.substr(s.at, s.name_size) == name; });
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  const std::string_view text(text_);
  for (const Slot& s : slots_) {
    if (s.name_size == name.size() && text.substr(s.at, s.name_size) == name)
      return text.substr(s.at + s.name_size, s.value_size);
  }
  return std::nullopt;
}

std::vector<std::string_view> Fields::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field f : *this) {
    if (f.name == name) values.push_back(f.value);
  }
  return values;
}

}  // namespace parley
