#include "queue/sqs/names.h"

#include <fmt/format.h>

namespace parley::queue::sqs {
namespace {

constexpr std::size_t longest = 80;  // CreateQueue, QueueName
constexpr std::string_view fifo_end = ".fifo";
constexpr std::string_view dead_end = "-dead";
constexpr std::string_view later_end = "-later";

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

Result<Names> names_of(std::string_view name, std::string_view prefix, bool fifo) {
  std::string base(prefix);
  for (const char c : name) base += c == '.' || c == '/' ? '-' : c;
  for (const char c : base) {
    if (!is_allowed(c)) return invalid(fmt::format("SQS takes letters, digits, '-' and '_' in a name, and no '{}'", c));
  }
  if (name.empty()) return invalid("a queue without a name");
  if (base.size() + later_end.size() > longest) {
    return invalid(fmt::format("SQS takes {} characters in a name: '{}{}' has {}", longest, base, later_end,
                               base.size() + later_end.size()));
  }
  return Names{.main = base + std::string(fifo ? fifo_end : ""),
               .dead = base + std::string(dead_end),
               .later = base + std::string(later_end)};
}

std::string_view own_name(std::string_view sqs_name, std::string_view prefix) {
  if (!sqs_name.starts_with(prefix)) return {};
  sqs_name.remove_prefix(prefix.size());
  if (sqs_name.ends_with(dead_end) || sqs_name.ends_with(later_end)) return {};
  if (sqs_name.ends_with(fifo_end)) sqs_name.remove_suffix(fifo_end.size());
  return sqs_name;
}

}  // namespace parley::queue::sqs
