#include "queue/sqs/looks.h"

#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace parley::queue::sqs {
namespace {

constexpr std::int64_t days_kept = 15;  // SQS keeps a message for 14

std::map<std::int64_t, int> read(std::string_view tag) {
  std::map<std::int64_t, int> out;
  for (const std::string_view entry : split(tag, ' ')) {
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos) continue;
    std::int64_t day = 0;
    int count = 0;
    std::from_chars(entry.data(), entry.data() + colon, day);
    std::from_chars(entry.data() + colon + 1, entry.data() + entry.size(), count);
    if (day > 0 && count > 0) out[day] = count;
  }
  return out;
}

}  // namespace

int looks_since(std::string_view tag, std::int64_t day) {
  int sum = 0;
  for (const auto& [each, count] : read(tag)) sum += each >= day ? count : 0;
  return sum;
}

std::string with_look(std::string_view tag, std::int64_t today) {
  std::map<std::int64_t, int> all = read(tag);
  ++all[today];
  std::string out;
  for (const auto& [day, count] : all) {
    if (day > today - days_kept) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", day, count);
  }
  return out;
}

}  // namespace parley::queue::sqs
