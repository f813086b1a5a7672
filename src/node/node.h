// Node: a running Parley: the control shard (signals, child processes, reload, admin) and one worker a core.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "node/config.h"

namespace parley::node {

class Node {
 public:
  explicit Node(Config config);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  // Serves until SIGTERM or SIGINT, then drains: no new connections, calls in flight finish, child processes stop.
  // Errors: what kept it from starting.
  Result<void> run();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace parley::node
