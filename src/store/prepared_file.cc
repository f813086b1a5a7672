#include "store/prepared_file.h"

#include <algorithm>
#include <string>
#include <utility>

namespace parley::store {

Result<void> fill_file(File& file, std::uint64_t from, std::uint64_t to, const std::atomic<bool>& stop) {
  constexpr std::uint64_t piece = 4 << 20;  // between two looks at `stop`
  for (std::uint64_t at = from; at < to; at += piece) {
    if (stop) return fail(Error(Code::cancelled, Blame::us, "the journal closes"));
    if (auto done = file.write_zeroes(at, std::min(piece, to - at)); !done) return done;
  }
  return {};
}

Result<PreparedFile> prepare_file(Files& files, const std::filesystem::path& path, std::uint64_t size, Fill fill,
                                  const std::atomic<bool>& stop) {
  auto file = files.open(path, Files::Mode::create);
  if (!file) return parley::fail(std::move(file).error());
  auto made = (*file)->allocate(size);
  if (made && fill == Fill::yes) made = fill_file(**file, 0, size, stop);
  if (made) made = (*file)->sync();
  if (made) return PreparedFile{.file = *std::move(file), .allocated = size};
  file->reset();
  if (auto gone = files.remove(path); !gone) return parley::fail(std::move(gone).error());
  return parley::fail(std::move(made).error());
}

}  // namespace parley::store
