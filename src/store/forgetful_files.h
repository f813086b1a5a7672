// ForgetfulFiles: files in memory that know what a disk would still have after the power went: what was synced, and of
// the rest whatever a seed says. Directory entries too. Runs out of space, fails, and flips bits when told. For tests
// only. Thread-safe.
//
// After `crash`, whoever still has files open from before gets errors, as from a disk that is gone; the locks are free.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>

#include "store/files.h"

namespace parley::store {

class ForgetfulFiles final : public Files {
 public:
  enum class Operation : std::uint8_t {
    open,
    read,
    write,
    allocate,
    truncate,
    sync,
    rename,
    remove,
    make_folder,
    sync_folder
  };
  // What becomes of writes, sizes and directory entries that were not synced.
  enum class Fate : std::uint8_t {
    lost,    // all gone
    kept,    // all there
    prefix,  // up to some moment; the write at that moment may be torn at any byte
    torn,    // each page of each write, each size, and each directory entry, by itself
  };

  ForgetfulFiles();
  ~ForgetfulFiles() override;

  Result<std::unique_ptr<File>> open(const std::filesystem::path& path, Mode mode) override;
  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Result<void> remove(const std::filesystem::path& path) override;
  Result<void> make_folder(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& folder) override;
  Result<void> sync_folder(const std::filesystem::path& folder) override;
  Result<std::uint64_t> free_bytes(const std::filesystem::path& folder) override;
  Result<std::unique_ptr<Lock>> lock(const std::filesystem::path& path) override;

  // The power goes and comes back.
  void crash(Fate fate, std::uint64_t seed = 0);
  // Only the process dies: another one finds all as it was left, synced or not.
  void die();
  // Torn as journaling file systems (ext4, XFS, btrfs) leave it: names reach the disk in the order in which they were
  // changed, and of what was written behind a file's end a first part is there. What was overwritten in place is torn
  // all the same. RocksDB relies on that; our own files do not.
  void as_journaling_file_system() { journaling_ = true; }
  // The power goes at the n-th change from now (writes, syncs, directory entries; 0: the next), which does not happen;
  // everything fails until `crash`.
  void power_off_after(std::uint64_t changes);
  bool powered() const;
  std::uint64_t changes() const { return changes_; }

  // Space for this many bytes in all files together.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used() const;
  // Asked before every operation: an error is what comes of it. A failed sync has dropped what it should have written.
  void set_fault(std::function<std::optional<Error>(Operation, const std::filesystem::path&)> fault);

  // As the disk has it, and what is not synced on top.
  std::string contents(const std::filesystem::path& path) const;
  void overwrite(const std::filesystem::path& path, std::string contents);  // synced
  void flip(const std::filesystem::path& path, std::uint64_t offset, std::uint8_t mask);
  std::vector<std::filesystem::path> all() const;

 private:
  struct Inode;
  struct Entry;
  class OpenFile;
  class HeldLock;
  using Names = std::map<std::filesystem::path, std::shared_ptr<Inode>>;

  Result<void> check(Operation operation, const std::filesystem::path& path, std::uint64_t generation);
  Result<void> check(Operation operation, const std::filesystem::path& path);
  Result<void> grow(Inode& inode, std::uint64_t size, const std::filesystem::path& path);
  void restart();
  void change_name(const std::filesystem::path& path, std::shared_ptr<Inode> inode);

  mutable std::mutex mutex_;
  Names names_;                 // as processes see it
  Names synced_;                // as the disk has it
  std::vector<Entry> entries_;  // the difference, in the order in which it came about
  std::set<std::filesystem::path> locks_;
  std::uint64_t generation_ = 0;
  std::atomic<std::uint64_t> changes_ = 0;
  std::optional<std::uint64_t> off_at_;
  bool off_ = false;
  bool journaling_ = false;
  std::uint64_t capacity_;
  std::uint64_t used_ = 0;
  std::function<std::optional<Error>(Operation, const std::filesystem::path&)> fault_;
};

}  // namespace parley::store
