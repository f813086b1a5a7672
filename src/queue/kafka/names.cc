#include "queue/kafka/names.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

namespace parley::queue::kafka {
namespace {

constexpr std::size_t longest_topic = 249;
constexpr std::size_t longest_suffix = 6;  // ".retry"

bool is_legal(std::string_view topic) {
  const auto legal = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; };
  return !topic.empty() && topic.size() + longest_suffix <= longest_topic && std::ranges::all_of(topic, legal);
}

class Check {
 public:
  explicit Check(std::string_view prefix) : prefix_(prefix) {}
  void name(const std::string& declared, const std::string& topic) {
    if (!is_legal(topic)) {
      wrong_ += fmt::format("{}: not a topic's name in Kafka (letters, digits, . _ - and at most {})\n", declared,
                            longest_topic - longest_suffix);
    }
    // Kafka keeps '.' and '_' apart in topics but not in metrics, and therefore refuses the second.
    std::string folded = topic;
    std::ranges::replace(folded, '_', '.');
    const auto [other, is_new] = taken_.emplace(folded, declared);
    if (!is_new && other->second != declared) {
      wrong_ += fmt::format("{}: the same topic in Kafka as {}\n", declared, other->second);
    }
  }
  void source(const Source& source) {
    const Names names = names_of(prefix_, source);
    const std::string declared = source.group.empty() ? source.name : source.name + " group " + source.group;
    if (source.group.empty()) name(declared, names.log);
    if (!names.retry.empty()) name(declared, names.retry);
    name(declared + " (dead letters)", names.dead);
  }
  Result<void> done() {
    if (wrong_.empty()) return {};
    wrong_.pop_back();
    return fail(Error(Code::failed_precondition, Blame::caller, wrong_).with_reason("not_by_this_backend"));
  }

 private:
  std::string prefix_;
  std::map<std::string, std::string> taken_;
  std::string wrong_;
};

}  // namespace

std::vector<std::string> Names::logs() const {
  if (retry.empty()) return {log};
  return {log, retry};
}

std::string topic_name(std::string_view prefix, std::string_view name) {
  std::string topic(prefix);
  topic += name;
  std::ranges::replace(topic, '/', '.');
  return topic;
}

Names names_of(std::string_view prefix, const Source& source) {
  Names names;
  names.log = topic_name(prefix, source.name);
  names.group = source.group.empty() ? names.log : topic_name(names.log + ".", source.group);
  names.dead = names.group + ".dead";
  if (!source.group.empty()) names.retry = names.group + ".retry";
  return names;
}

std::string notes_topic(std::string_view prefix) { return std::string(prefix) + "parley.notes"; }

Result<void> check_names(std::string_view prefix, const Declarations& wanted) {
  Check check(prefix);
  for (const QueueDeclaration& queue : wanted.queues) check.source({.name = queue.consumer.name, .group = ""});
  for (const TopicDeclaration& topic : wanted.topics) {
    check.name(topic.name, topic_name(prefix, topic.name));
    for (const Consumer& group : topic.groups) check.source({.name = topic.name, .group = group.name});
  }
  return check.done();
}

}  // namespace parley::queue::kafka
