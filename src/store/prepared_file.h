// PreparedFile: a file with space in it that has no header yet; it becomes the journal's next segment.
//
// The space is written, not only reserved: with space that merely is reserved, each sync has to make the file system
// note which part of it has been written by now, which took half as long again and more (docs/formats/store.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "store/files.h"

namespace parley::store {

struct PreparedFile {
  std::unique_ptr<File> file;
  std::uint64_t allocated = 0;
};

enum class Fill : bool { no, yes };

// Creates `path`, synced, with so much space; leaves nothing behind if that fails, or `stop` became true meanwhile.
Result<PreparedFile> prepare_file(Files& files, const std::filesystem::path& path, std::uint64_t size, Fill fill,
                                  const std::atomic<bool>& stop);
// Zeroes from `from` to `to`.
Result<void> fill_file(File& file, std::uint64_t from, std::uint64_t to, const std::atomic<bool>& stop);

}  // namespace parley::store
