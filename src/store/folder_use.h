// What a store's folder takes of the disk, as the file system says: for operators.
#pragma once

#include <cstdint>
#include <filesystem>

namespace parley::store {

struct FolderUse {
  std::uint64_t journal_bytes = 0;  // segments, what is made ahead of them, the reserve
  std::uint64_t view_bytes = 0;
  std::uint64_t free_bytes = 0;  // of the file system, for this user
};

// Looks at each file once. Zeroes for what cannot be looked at; files that go meanwhile are left out.
FolderUse folder_use(const std::filesystem::path& folder);

}  // namespace parley::store
