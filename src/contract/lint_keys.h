// Checks that several options share: fields that are named by a path, spans of time, topics.
#pragma once

#include <string>
#include <string_view>

#include "contract/lint.h"

namespace parley::contract {

// Looks at one option of one element, and reports what is wrong with it there.
template <class Descriptor>
class OptionCheck {
 public:
  OptionCheck(const Descriptor& element, std::string_view option, Reporter& report)
      : element_(element), option_(option), report_(report) {}

  void error(const std::string& message, std::string hint) {
    report_.error(element_, option_, "(" + std::string(option_) + "): " + message, std::move(hint));
  }
  // `path`: a scalar field of `message`. `what`: "key", "dedup.field". An empty path is no error.
  void scalar_field(const google::protobuf::Descriptor& message, const std::string& what, const std::string& path);
  // "30s", "1.5h", "250ms", "7d"; empty is no error.
  void duration(const std::string& what, const std::string& text);
  // The same, and no less than `least` milliseconds.
  void duration_from(const std::string& what, const std::string& text, std::int64_t least);
  void not_negative(const std::string& what, std::int64_t number);
  void retry(const std::optional<OptionMessage>& retry, bool keyed);
  // What (parley.queue) and (parley.subscribe) have in common. `keyed`: messages have keys.
  void delivery(const OptionMessage& option, bool keyed);

 private:
  const Descriptor& element_;
  std::string_view option_;
  Reporter& report_;
};

// Nothing if the text is no span of time. In milliseconds.
std::optional<std::int64_t> parse_duration(std::string_view text);

}  // namespace parley::contract
