// View: sorted keys and values, the state that the journal's frames up to one address make. Kept in RocksDB without its
// own log: a crash brings back an older checkpoint, whole, and the ledger replays from there. Owned and used by the
// ledger's thread.
//
// Nothing reaches RocksDB before a checkpoint, and a checkpoint is one atomic write; what changed since is in memory.
// Keys are any bytes but do not begin with a zero byte: those are the view's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "store/files.h"
#include "store/journal.h"

namespace parley::store {

struct ViewOptions {
  std::size_t cache_bytes = 24 << 20;
  std::size_t table_bytes = 16 << 20;  // what RocksDB gathers in memory before it writes by itself
};

class View {
 public:
  // Creates what is missing. Errors: data_loss, with the file as RocksDB names it; failed_precondition: somebody else
  // has it open, or a later version wrote it.
  static Result<std::unique_ptr<View>> open(Files& files, std::filesystem::path folder, ViewOptions options = {});
  virtual ~View() = default;  // what was not checkpointed is gone

  // Changes are seen by reads at once, and become durable together with a later `checkpoint`.
  virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  virtual void put(std::string_view key, std::string_view value) = 0;
  virtual void remove(std::string_view key) = 0;
  virtual void remove_range(std::string_view from, std::string_view to) = 0;  // to: not included
  // In order, from `from` to before `to`, until `each` says false. `each` changes nothing.
  virtual Result<void> scan(std::string_view from, std::string_view to,
                            const std::function<bool(std::string_view key, std::string_view value)>& each) = 0;
  // The last key before `before` that is not before `from`.
  virtual Result<std::optional<std::pair<std::string, std::string>>> last(std::string_view from,
                                                                          std::string_view before) = 0;

  // Everything changed so far is the state at `at`. Written in the background; `durable` follows. resource_exhausted:
  // the disk is full; the changes stay in memory, a later checkpoint takes them along.
  virtual Result<void> checkpoint(Address at) = 0;
  // Waits until the last checkpoint is durable. The same errors.
  virtual Result<void> flush() = 0;
  // The address of the last checkpoint, durable or not; 0: none.
  virtual Address checkpointed() const = 0;
  // The state that a crash at this moment would come back to; 0: none.
  virtual Address durable() const = 0;
  // Bytes of changes since the last checkpoint: how urgent the next one is.
  virtual std::size_t pending_bytes() const = 0;
};

}  // namespace parley::store
