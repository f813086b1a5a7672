// Signals: SIGTERM, SIGINT and SIGHUP as events of a shard, by signalfd. Construct it before any other thread starts:
// threads inherit the mask that keeps these signals from interrupting them.
#pragma once

#include <functional>

#include "loop/shard.h"

namespace parley::node {

class Signals {
 public:
  // `received(number)` runs on the shard.
  Signals(Shard& shard, std::function<void(int)> received);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  // Keeps them until there is one of these, instead of ending the process: first of all in `main`.
  static void hold();

 private:
  void read();

  std::function<void(int)> received_;
  int fd_;
  Watch watch_;
};

}  // namespace parley::node
