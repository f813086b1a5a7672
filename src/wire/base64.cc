#include "wire/base64.h"

#include "base/text.h"

namespace parley::wire {
namespace {

// How many of a group of four characters are digits: 4 without padding, 2 or 3 with it, 0 if the padding is wrong.
std::size_t digits_in(const char* group) {
  if (group[3] != '=') return 4;
  if (group[2] != '=') return 3;
  return group[1] != '=' && group[0] != '=' ? 2 : 0;
}

}  // namespace

void add_bin_encoded(Fields& to, std::string_view name, std::string_view bytes) {
  std::string text;
  base64_encode(bytes, text, Base64::standard, false);
  to.add(name, text);
}

bool add_bin_decoded(Fields& to, std::string_view name, std::string_view text) {
  for (;;) {
    const auto comma = text.find(',');
    std::string bytes;
    if (!base64_decode(trim(text.substr(0, comma)), bytes)) return false;
    to.add(name, bytes);
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

Result<void> Base64StreamDecoder::write(std::string_view text, std::string& out) {
  for (const char c : text) {
    group_[have_++] = c;
    if (have_ < group_.size()) continue;
    have_ = 0;
    const std::size_t digits = digits_in(group_.data());
    if (digits == 0 || !base64_decode({group_.data(), digits}, out)) return invalid("the body is not base64");
  }
  return {};
}

}  // namespace parley::wire
