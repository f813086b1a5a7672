#include "node/file_watch.h"

#include <functional>
#include <string>

#include <sys/stat.h>

namespace parley::node {
namespace {

namespace fs = std::filesystem;

std::uint64_t of_file(const fs::path& path) {
  struct stat s{};
  if (stat(path.c_str(), &s) != 0) return 0;  // gone: another value than when it was there
  const std::string text = path.string() + '|' + std::to_string(s.st_size) + '|' + std::to_string(s.st_mtim.tv_sec) +
                           '|' + std::to_string(s.st_mtim.tv_nsec) + '|' + std::to_string(s.st_ino);
  return std::hash<std::string>()(text);
}

}  // namespace

void FileWatch::watch(std::vector<fs::path> paths) {
  if (paths == paths_) return;
  paths_ = std::move(paths);
  seen_ = look();
}

bool FileWatch::changed() {
  const std::uint64_t now = look();
  if (now == seen_) return false;
  seen_ = now;
  return true;
}

std::uint64_t FileWatch::look() const {
  std::uint64_t sum = 0;  // of hashes: the order in which a folder is listed does not matter
  for (const fs::path& path : paths_) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      sum += of_file(path);
      continue;
    }
    for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error))
      sum += of_file(at->path());
  }
  return sum;
}

}  // namespace parley::node
