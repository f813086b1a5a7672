// Files: the file system as the store uses it, so that tests can put one under it that forgets what was not synced,
// runs out of space, or fails to sync (store/forgetful_files.h). Blocking; thread-safe as far as different files are
// concerned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace parley::store {

// Errors name the file: resource_exhausted where the disk (or a quota) is full, not_found, already_exists,
// failed_precondition for a lock that another has; all else is unavailable with reason "io_error".
class File {
 public:
  virtual ~File() = default;
  // All of the parts, one behind the other, or an error; some of them may be written then.
  virtual Result<void> write_at(std::uint64_t offset, std::span<const std::string_view> parts) = 0;
  Result<void> write_at(std::uint64_t offset, std::string_view bytes) { return write_at(offset, {&bytes, 1}); }
  // Writes zeroes where there is space (`allocate`). By the page cache or past it, whichever costs less.
  virtual Result<void> write_zeroes(std::uint64_t offset, std::size_t size);
  // As many as there are, at most `size`; fewer only at the end.
  Result<std::string> read_at(std::uint64_t offset, std::size_t size) const {
    std::string out;
    if (auto done = read_onto(out, offset, size); !done) return fail(std::move(done).error());
    return out;
  }
  // The same, behind what `out` has already.
  virtual Result<void> read_onto(std::string& out, std::uint64_t offset, std::size_t size) const = 0;
  // Space for writing up to `size`, and at least that size, zeroes in what is new. Where it fails all is as it was.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  // What was written is on the disk once it returns. After an error nothing about the file may be believed: stop.
  virtual Result<void> sync() = 0;
};

class Files {
 public:
  // Holds a lock; it is free again when this is gone, or the process.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  virtual ~Files() = default;
  enum class Mode : std::uint8_t { open, create };  // must exist; must not
  virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path, Mode mode) = 0;
  virtual Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Result<void> remove(const std::filesystem::path& path) = 0;
  // One that is there is fine.
  virtual Result<void> make_folder(const std::filesystem::path& path) = 0;
  // Names of files and folders in it, sorted.
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& folder) = 0;
  // Creations, renames and removals in `folder` are on the disk once it returns.
  virtual Result<void> sync_folder(const std::filesystem::path& folder) = 0;
  // Of the disk that `folder` is on, as far as can be told.
  virtual Result<std::uint64_t> free_bytes(const std::filesystem::path& folder) = 0;
  // Creates `path` if needed and keeps everybody else out of it, other processes and this one.
  virtual Result<std::unique_ptr<Lock>> lock(const std::filesystem::path& path) = 0;
};

// The operating system's.
Files& real_files();

}  // namespace parley::store
