// Reach: how a backend that lies elsewhere is found when the node starts; one rule for all of them (docs/formats/
// delivery.md, "At the start"). What passes by itself is waited for, and the log and /readyz say so. A server that was
// reached once counts as reached: what it does later is no matter of the start.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/deadline.h"
#include "base/error.h"
#include "queue/declaration.h"

namespace parley::queue {

// A backend's. Thread-safe.
class Reach {
 public:
  // `where`: "rabbitmq://localhost:5672", as /readyz names it; without a password. `patience`: for servers that start
  // beside this node.
  explicit Reach(std::string where, Duration patience = std::chrono::seconds(30))
      : where_(std::move(where)), patience_(patience) {}
  Reach(const Reach&) = delete;
  Reach& operator=(const Reach&) = delete;

  // Begins a declaration: from now on the servers have to be reached once, if there is something that they keep.
  void begin(const Declarations& wanted);
  void reached();
  void missed(const Error& why);
  // For Backend::unreached.
  std::optional<Error> unreached() const;

  // For Backend::stop_waiting: `sleep` and `wait` end, now and later.
  void stop();
  // False: stopped.
  bool sleep(Duration how_long);

  // `attempt` again and again while there is patience: until it succeeds, fails with what `passes` does not take for
  // something that passes by itself, or is stopped. Blocks. Errors: the last attempt's; unavailable where it was
  // stopped.
  Result<void> wait(const Declarations& wanted, const std::function<Result<void>()>& attempt,
                    const std::function<bool(const Error&)>& passes);

 private:
  const std::string where_;
  const Duration patience_;
  mutable std::mutex lock_;
  std::condition_variable changed_;
  bool needed_ = false;
  bool reached_ = false;
  bool stopped_ = false;
  std::optional<Error> why_;  // the last attempt that failed
};

}  // namespace parley::queue
