// FileWatch: notices that files or folders have changed: names, sizes, times. It looks once in a while instead of using
// inotify, because editors, mounts and Kubernetes' symlink swaps each change files in ways that inotify reports
// differently.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace parley::node {

class FileWatch {
 public:
  // Files, or folders of which every file below counts. The same paths again change nothing: what changed since the
  // last look is still to be reported, however long whoever asked took to read it.
  void watch(std::vector<std::filesystem::path> paths);
  // True if something has changed since `watch` or the last `changed`.
  bool changed();

 private:
  std::uint64_t look() const;

  std::vector<std::filesystem::path> paths_;
  std::uint64_t seen_ = 0;
};

}  // namespace parley::node
