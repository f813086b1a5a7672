// Op: one request of a shard on its way to the ledger's thread and back. It lives in the frame of the coroutine that
// waits for it (ops.h has the kinds). On the ledger's thread it runs within a group: it reads the state and adds
// records; it is complete once the group is synced.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "store/ledger.h"

namespace parley::queue::embedded {

class Model;
class Op;

// Where completed operations go: a shard's mailbox. Called on the ledger's thread.
class Completions {
 public:
  virtual ~Completions() = default;
  virtual void completed(Op& op) = 0;
};

class Op {
 public:
  enum class Step : std::uint8_t {
    complete,  // once this group is synced
    waits,     // the model keeps it, and completes it in a later group
    again,     // there is more to do than a group should hold
  };

  Op() = default;
  Op(Op&&) = default;  // before it is started
  Op& operator=(Op&&) = delete;
  virtual ~Op() = default;
  virtual Step run(Model& model, store::Group& group) = 0;
  // After the sync, before the shard hears of it.
  virtual void synced(Model&) {}
  // Whether it adds to what is stored: refused when the disk is full.
  virtual bool stores() const { return false; }
  // Bytes of messages that it adds, about.
  virtual std::size_t bytes() const { return 0; }

  std::optional<Error> error;
  Completions* completions = nullptr;

  // The shard's side.
  bool is_complete = false;
  std::coroutine_handle<> awaiter;
};

}  // namespace parley::queue::embedded
