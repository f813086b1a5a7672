// What every backend says when a group of a topic cannot be deleted.
#pragma once

#include <string>
#include <string_view>

#include "queue/broker.h"

namespace parley::queue {

inline std::string group_text(const Source& group) {
  return "group \"" + group.group + "\" of topic \"" + group.name + "\"";
}

// not_found.
inline Error no_such_group(const Source& group) {
  return Error(Code::not_found, Blame::caller, "topic \"" + group.name + "\" has no group \"" + group.group + "\"")
      .with_reason("no_such_group");
}

// failed_precondition. `by` says who takes from it, and what ends that.
inline Error group_in_use(const Source& group, std::string_view by) {
  return Error(Code::failed_precondition, Blame::caller, group_text(group) + " is in use: " + std::string(by))
      .with_reason("group_in_use");
}

}  // namespace parley::queue
