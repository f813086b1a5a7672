// Listener: accepts connections on one address, for one shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "loop/shard.h"
#include "loop/timer.h"

namespace parley::net {

class Listener {
 public:
  // `accepted(context, fd)`: the descriptor is non-blocking and the callee's.
  using Accepted = void (*)(void* context, int fd);

  // `address`: "127.0.0.1:8080", "[::]:8080", ":8080" (all interfaces, both IP versions); port 0 picks one.
  // Errors: invalid_argument: no such address; failed_precondition with the system's reason.
  static Result<std::unique_ptr<Listener>> open(Shard& shard, const std::string& address, bool reuse_port,
                                                Accepted accepted, void* context);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  std::uint16_t port() const { return port_; }
  // Takes what waits to be accepted: before the end, which would reset it.
  void accept_all();

 private:
  Listener(Shard& shard, int fd, Accepted accepted, void* context);
  void try_later();

  Shard& shard_;
  int fd_;
  std::uint16_t port_ = 0;
  Accepted accepted_;
  void* context_;
  Watch watch_;
  Timer again_;
  int spare_;  // a descriptor kept in reserve: given up to shed connections when the process has no other left
};

}  // namespace parley::net
