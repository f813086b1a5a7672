// Files: the file system as the store uses it, so that tests can put one under it that forgets what was not synced,
// runs out of space, or fails to sync. Blocking; thread-safe as far as different files are concerned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace parley::store {

class File {
 public:
  virtual ~File() = default;
  // All of `bytes`, or an error: resource_exhausted where the disk is full.
  virtual Result<void> write_at(std::uint64_t offset, std::string_view bytes) = 0;
  // As many as there are, at most `size`; fewer only at the end.
  virtual Result<std::string> read_at(std::uint64_t offset, std::size_t size) const = 0;
  // Space for writing up to `size`, zeroes in it. resource_exhausted.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  // What was written is on the disk once it returns. After an error nothing about the file may be believed: stop.
  virtual Result<void> sync() = 0;
};

class Files {
 public:
  virtual ~Files() = default;
  enum class Mode : std::uint8_t { open, create };  // must exist; must not
  virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path, Mode mode) = 0;
  virtual Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Result<void> remove(const std::filesystem::path& path) = 0;
  virtual Result<void> make_folder(const std::filesystem::path& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& folder) = 0;  // names, sorted
  // Creations, renames and removals in `folder` are on the disk once it returns.
  virtual Result<void> sync_folder(const std::filesystem::path& folder) = 0;
};

// The operating system's.
Files& real_files();

}  // namespace parley::store
