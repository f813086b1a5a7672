#include "queue/sqs/names.h"

#include <fmt/format.h>

namespace parley::queue::sqs {
namespace {

constexpr std::size_t longest = 80;  // CreateQueue, QueueName
constexpr std::string_view fifo_end = ".fifo";
constexpr std::string_view dead_end = "-dead";
constexpr std::string_view later_end = "-later";
constexpr std::string_view topic_end = "-topic";
constexpr std::string_view group_mark = "--";

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string mapped(std::string_view name) {
  std::string out;
  for (const char c : name) out += c == '.' || c == '/' ? '-' : c;
  return out;
}

// `longest_end`: of the names that begin with `base`.
Result<void> check(std::string_view base, std::string_view longest_end) {
  for (const char c : base) {
    if (!is_allowed(c)) return invalid(fmt::format("SQS takes letters, digits, '-' and '_' in a name, and no '{}'", c));
  }
  if (base.size() + longest_end.size() > longest) {
    return invalid(fmt::format("SQS takes {} characters in a name: '{}{}' has {}", longest, base, longest_end,
                               base.size() + longest_end.size()));
  }
  return {};
}

}  // namespace

Result<Names> names_of(const Source& source, std::string_view prefix, bool fifo) {
  if (source.name.empty()) return invalid("a queue without a name");
  std::string base = std::string(prefix) + mapped(source.name);
  if (!source.group.empty()) base += std::string(group_mark) + mapped(source.group);
  if (auto checked = check(base, later_end); !checked) return fail(std::move(checked).error());
  return Names{.main = base + std::string(fifo ? fifo_end : ""),
               .dead = base + std::string(dead_end),
               .later = base + std::string(later_end)};
}

Result<std::string> topic_name(std::string_view topic, std::string_view prefix, bool fifo) {
  const std::string base = std::string(prefix) + mapped(topic) + std::string(topic_end);
  if (auto checked = check(base, fifo_end); !checked) return fail(std::move(checked).error());
  return base + std::string(fifo ? fifo_end : "");
}

std::string groups_prefix(std::string_view topic, std::string_view prefix) {
  return std::string(prefix) + mapped(topic) + std::string(group_mark);
}

std::optional<Source> source_of(std::string_view sqs_name, std::string_view prefix) {
  if (!sqs_name.starts_with(prefix)) return std::nullopt;
  sqs_name.remove_prefix(prefix.size());
  if (sqs_name.ends_with(fifo_end)) sqs_name.remove_suffix(fifo_end.size());
  for (const std::string_view end : {dead_end, later_end, topic_end}) {
    if (sqs_name.ends_with(end)) return std::nullopt;
  }
  const auto mark = sqs_name.find(group_mark);
  if (mark == std::string_view::npos) return Source{.name = std::string(sqs_name), .group = ""};
  return Source{.name = std::string(sqs_name.substr(0, mark)),
                .group = std::string(sqs_name.substr(mark + group_mark.size()))};
}

std::string label_of(const Source& source) {
  return source.group.empty() ? source.name : fmt::format("{} (group {})", source.name, source.group);
}

}  // namespace parley::queue::sqs
