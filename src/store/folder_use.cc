#include "store/folder_use.h"

#include <system_error>

#include <sys/stat.h>

#include "store/folders.h"

namespace parley::store {
namespace {

constexpr std::uint64_t block_bytes = 512;  // what st_blocks counts (POSIX)

// Blocks and not sizes: space that a file has ahead of its end counts too.
std::uint64_t bytes_in(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    struct stat about{};
    if (::lstat(at->path().c_str(), &about) == 0) bytes += static_cast<std::uint64_t>(about.st_blocks) * block_bytes;
  }
  return bytes;
}

}  // namespace

FolderUse folder_use(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  return {.journal_bytes = bytes_in(folder / journal_name),
          .view_bytes = bytes_in(folder / view_name),
          .free_bytes = error ? 0 : space.available};
}

}  // namespace parley::store
