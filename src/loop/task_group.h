// TaskGroup: the parent of tasks that run beside it. A child ends before its parent: await `join` before the group is
// destroyed; destroying a group with live children is a bug and aborts. `spawn` starts the child at once, in place,
// until it first suspends. Used on one shard. To end children early, set the state they test and notify them (cancel by
// level): a group cancels nothing.
#pragma once

#include <cstddef>

#include "loop/signal.h"
#include "loop/task.h"

namespace parley {

class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  // An exception that leaves `child` is a bug: it is logged, and the process goes on.
  void spawn(Task<void> child);
  // Waits until no child is left; children may spawn more in the meantime.
  Task<void> join();
  std::size_t live() const { return live_; }
  // Notified whenever a child ends; for level waits beside `join` (a drain with a time limit, say).
  Signal& changed() { return changed_; }

 private:
  struct Root;
  static Root run(TaskGroup& group, Task<void> child);
  void ended();

  std::size_t live_ = 0;
  Signal changed_;
};

}  // namespace parley
