#include "store/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace parley::store {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failed(std::string_view what, const fs::path& path, int number) {
  std::string message = fmt::format("{} {}: {}", what, path.string(), std::generic_category().message(number));
  switch (number) {
    case ENOSPC:
    case EDQUOT: return fail(Error(Code::resource_exhausted, Blame::us, std::move(message)).with_reason("disk_full"));
    case ENOENT: return fail(Error(Code::not_found, Blame::us, std::move(message)));
    case EEXIST: return fail(Error(Code::already_exists, Blame::us, std::move(message)));
    default: return fail(Error(Code::unavailable, Blame::us, std::move(message)).with_reason("io_error"));
  }
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int operator*() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

// The parts that are still to be written after `done` bytes of them were.
std::size_t remaining(std::span<const std::string_view> parts, std::size_t done, std::span<iovec> out) {
  std::size_t count = 0;
  for (const std::string_view part : parts) {
    if (done >= part.size()) {
      done -= part.size();
      continue;
    }
    if (count == out.size()) break;
    out[count++] = {const_cast<char*>(part.data()) + done, part.size() - done};
    done = 0;
  }
  return count;
}

// What a disk takes past the page cache begins and ends at such addresses, in the file and in memory.
constexpr std::size_t direct_alignment = 4096;
constexpr std::size_t zeroes_at_once = 1 << 20;

// Not constant, or it would be a megabyte of the binary.
std::string_view zeroes() {
  alignas(direct_alignment) static std::array<char, zeroes_at_once> room{};
  return {room.data(), room.size()};
}

class RealFile final : public File {
 public:
  RealFile(int descriptor, fs::path path) : descriptor_(descriptor), path_(std::move(path)) {}

  Result<void> write_at(std::uint64_t offset, std::span<const std::string_view> parts) override {
    std::array<iovec, 8> rest{};
    std::size_t done = 0;
    while (const std::size_t count = remaining(parts, done, rest)) {
      const ssize_t n =
          ::pwritev(*descriptor_, rest.data(), static_cast<int>(count), static_cast<off_t>(offset + done));
      if (n > 0) done += static_cast<std::size_t>(n);
      if (n == 0) return failed("writing", path_, ENOSPC);
      if (n < 0 && errno != EINTR) return failed("writing", path_, errno);
    }
    return {};
  }

  // Past the page cache, where the file system can: the zeroes are not to be copied, and nobody will read them.
  Result<void> write_zeroes(std::uint64_t offset, std::size_t size) override {
    const Descriptor direct(
        ::open(fmt::format("/proc/self/fd/{}", *descriptor_).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    while (direct && size >= direct_alignment && offset % direct_alignment == 0) {
      const std::size_t piece = std::min(size, zeroes_at_once) / direct_alignment * direct_alignment;
      const ssize_t n = ::pwrite(*direct, zeroes().data(), piece, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      offset += static_cast<std::size_t>(n);
      size -= static_cast<std::size_t>(n);
    }
    return File::write_zeroes(offset, size);
  }

  Result<void> read_onto(std::string& out, std::uint64_t offset, std::size_t size) const override {
    const std::size_t before = out.size();
    int number = 0;
    out.resize_and_overwrite(before + size, [&](char* data, std::size_t) {
      std::size_t done = 0;
      while (done < size) {
        const ssize_t n = ::pread(*descriptor_, data + before + done, size - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) number = errno;
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
      }
      return before + done;
    });
    if (number != 0) return failed("reading", path_, number);
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    if (size == 0) return {};
    const auto before = this->size();
    if (!before) return fail(before.error());
    int number = 0;
    do {
      number = ::fallocate(*descriptor_, 0, 0, static_cast<off_t>(size)) == 0 ? 0 : errno;
    } while (number == EINTR);
    // A file system that cannot reserve (some network ones) still gets the size; space may then run out in a write.
    if (number == EOPNOTSUPP) return grow(size);
    if (number == 0) return {};
    // ext4 keeps what it found until the disk was full.
    if (auto done = truncate(*before); !done) return done;
    return failed("allocating", path_, number);
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(*descriptor_, static_cast<off_t>(size)) != 0) return failed("truncating", path_, errno);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat about{};
    if (::fstat(*descriptor_, &about) != 0) return failed("looking at", path_, errno);
    return static_cast<std::uint64_t>(about.st_size);
  }

  Result<void> sync() override {
    // Not repeated when interrupted by an error: after one the kernel has dropped the pages, and a second would lie.
    if (::fdatasync(*descriptor_) != 0) return failed("syncing", path_, errno);
    return {};
  }

 private:
  Result<void> grow(std::uint64_t wanted) {
    auto now = size();
    if (!now) return fail(std::move(now).error());
    return *now < wanted ? truncate(wanted) : Result<void>();
  }

  Descriptor descriptor_;
  fs::path path_;
};

class RealLock final : public Files::Lock {
 public:
  explicit RealLock(int descriptor) : descriptor_(descriptor) {}

 private:
  Descriptor descriptor_;
};

class RealFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const fs::path& path, Mode mode) override {
    const int flags = O_RDWR | O_CLOEXEC | (mode == Mode::create ? O_CREAT | O_EXCL : 0);
    const int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0) return failed("opening", path, errno);
    return std::make_unique<RealFile>(descriptor, path);
  }

  Result<void> rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("renaming", from, errno);
    return {};
  }

  Result<void> remove(const fs::path& path) override {
    if (::unlink(path.c_str()) != 0) return failed("removing", path, errno);
    return {};
  }

  Result<void> make_folder(const fs::path& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    const int number = errno;
    std::error_code ignored;
    if (number == EEXIST && fs::is_directory(path, ignored)) return {};
    return failed("making the folder", path, number);
  }

  Result<std::vector<std::string>> list(const fs::path& folder) override {
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
      names.push_back(at->path().filename());
    }
    if (error) return failed("listing", folder, error.value());
    std::ranges::sort(names);
    return names;
  }

  Result<void> sync_folder(const fs::path& folder) override {
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor) return failed("opening the folder", folder, errno);
    if (::fsync(*descriptor) != 0) return failed("syncing the folder", folder, errno);
    return {};
  }

  Result<std::uint64_t> free_bytes(const fs::path& folder) override {
    std::error_code error;
    const fs::space_info space = fs::space(folder, error);
    if (error) return failed("looking at the disk of", folder, error.value());
    return space.available;
  }

  Result<std::unique_ptr<Lock>> lock(const fs::path& path) override {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return failed("opening", path, errno);
    auto held = std::make_unique<RealLock>(descriptor);
    // flock belongs to the open file, not to the process: a second opener of this process is kept out too.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return held;
    if (errno != EWOULDBLOCK) return failed("locking", path, errno);
    return fail(
        Error(Code::failed_precondition, Blame::us, path.string() + " is locked: another process uses this folder")
            .with_reason("folder_in_use"));
  }
};

}  // namespace

Result<void> File::write_zeroes(std::uint64_t offset, std::size_t size) {
  while (size > 0) {
    const std::size_t piece = std::min(size, zeroes_at_once);
    if (auto done = write_at(offset, zeroes().substr(0, piece)); !done) return done;
    offset += piece;
    size -= piece;
  }
  return {};
}

Files& real_files() {
  static RealFiles files;
  return files;
}

}  // namespace parley::store
