// The till: once a second, what was ordered in that second. Every function may be called on any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "shop/orders.pb.h"
#include "store.h"

namespace shop {

class Till {
 public:
  // Is told under the till's lock: it must not call the till, and must not wait.
  using Watcher = std::function<void(const Sales&)>;

  explicit Till(const Store& store);

  // Calls `watcher` once a second until unwatch().
  uint64_t watch(Watcher watcher);
  // The watcher is not running when this returns, and never will again. An unknown id is ignored.
  void unwatch(uint64_t id);

 private:
  void run(const std::stop_token& stop);

  const Store& store_;
  std::mutex lock_;
  std::condition_variable_any closing_;
  std::map<uint64_t, Watcher> watchers_;
  uint64_t last_watch_ = 0;
  std::jthread clock_;  // last: it uses all of the above
};

}  // namespace shop
