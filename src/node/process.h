// Process: one child process of `run:`: started in its own process group, its output prefixed line by line, started
// again with back-off when it ends, stopped with SIGTERM and after a while SIGKILL. On the control shard. A child dies
// with Parley, however Parley dies; what a shell started beside itself does where Parley had the time to stop it.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "base/deadline.h"
#include "base/error.h"
#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task.h"

namespace parley::node {

class Process {
 public:
  // `folder`: its working directory.
  Process(Shard& shard, std::string name, std::string command, std::string folder);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // kills what still runs

  // Starts it and keeps it running until `stop`. Errors: failed_precondition if it cannot be forked at all.
  Result<void> start();
  // SIGTERM to the group, SIGKILL after `patience`; returns when all of the group have ended, or are killed.
  Task<void> stop(Duration patience);
  bool is_running() const { return pid_ > 0; }
  const std::string& name() const { return name_; }
  // Notified when it starts or ends.
  Signal& changed() { return changed_; }

 private:
  Result<void> spawn();
  void spawn_again();
  void start_later();
  void read_output();
  bool has_group();
  void ended();
  void print_lines(std::string_view chunk);

  Shard& shard_;
  std::string name_;
  std::string command_;
  std::string folder_;
  pid_t pid_ = -1;
  pid_t group_ = -1;  // of the last one: its pid
  int pid_fd_ = -1;
  int output_ = -1;
  Watch pid_watch_;
  Watch output_watch_;
  std::string line_;  // an unfinished one, bounded
  bool stopping_ = false;
  Instant started_{};
  Duration backoff_{};
  Timer restart_;
  Timer read_on_;
  Signal changed_;
};

}  // namespace parley::node
