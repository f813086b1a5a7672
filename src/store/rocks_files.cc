#include "store/rocks_files.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

namespace parley::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus status(const Error& error) {
  switch (error.code()) {
    case Code::resource_exhausted: return IOStatus::NoSpace(error.message());
    case Code::not_found: return IOStatus::PathNotFound(error.message());
    default: return IOStatus::IOError(error.message());
  }
}
template <class T>
IOStatus status(const Result<T>& result) {
  return result ? IOStatus::OK() : status(result.error());
}
// RocksDB names folders with and without a slash behind them.
std::string folder(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}
std::string_view view(const Slice& slice) { return {slice.data(), slice.size()}; }

// Into `scratch`, as RocksDB wants it.
IOStatus read(const File& file, std::uint64_t offset, std::size_t size, Slice* result, char* scratch) {
  auto bytes = file.read_at(offset, size);
  if (!bytes) return status(bytes);
  std::ranges::copy(*bytes, scratch);
  *result = Slice(scratch, bytes->size());
  return IOStatus::OK();
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    IOStatus done = read(*file_, at_, n, result, scratch);
    if (done.ok()) at_ += result->size();
    return done;
  }
  IOStatus Skip(uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t at_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return read(*file_, offset, n, result, scratch);
  }

 private:
  std::unique_ptr<File> file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  explicit WritableFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    auto done = file_->write_at(size_, view(data));
    if (done) size_ += data.size();
    return status(done);
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    auto done = file_->truncate(size);
    if (done) size_ = size;
    return status(done);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return status(file_->sync()); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return status(files_.sync_folder(path_)); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  Files& files_;
  std::string path_;
};

struct HeldLock final : rocksdb::FileLock {
  explicit HeldLock(std::unique_ptr<Files::Lock> lock) : held(std::move(lock)) {}
  std::unique_ptr<Files::Lock> held;
};

class RocksFiles final : public rocksdb::FileSystem {
 public:
  explicit RocksFiles(Files& files) : files_(files) {}
  const char* Name() const override { return "ParleyFiles"; }

  IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result, IODebugContext*) override {
    return opened<SequentialFile>(path, Files::Mode::open, result);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext*) override {
    return opened<RandomAccessFile>(path, Files::Mode::open, result);
  }
  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext*) override {
    if (auto gone = files_.remove(path); !gone && gone.error().code() != Code::not_found) return status(gone);
    return opened<WritableFile>(path, Files::Mode::create, result);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext*) override {
    *result = std::make_unique<Directory>(files_, folder(path));
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    return files_.open(path, Files::Mode::open) || files_.list(folder(path)) ? IOStatus::OK()
                                                                             : IOStatus::NotFound(path);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* result,
                       IODebugContext*) override {
    auto names = files_.list(folder(path));
    if (!names) return status(names);
    *result = *std::move(names);
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return status(files_.remove(path));
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return status(files_.make_folder(folder(path)));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    return status(files_.make_folder(folder(path)));
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("removing the folder " + path);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size, IODebugContext*) override {
    auto file = files_.open(path, Files::Mode::open);
    if (!file) return status(file);
    auto found = (*file)->size();
    if (found) *size = *found;
    return status(found);
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t* time, IODebugContext*) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&, IODebugContext*) override {
    return status(files_.rename(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock, IODebugContext*) override {
    auto held = files_.lock(path);
    if (!held) return status(held);
    *lock = new HeldLock(*std::move(held));
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete static_cast<HeldLock*>(lock);
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("a test directory");
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out, IODebugContext*) override {
    *out = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is, IODebugContext*) override {
    *is = files_.list(folder(path)).has_value();
    return IOStatus::OK();
  }

 private:
  template <class Made, class Wanted>
  IOStatus opened(const std::string& path, Files::Mode mode, std::unique_ptr<Wanted>* result) {
    auto file = files_.open(path, mode);
    if (!file) return status(file);
    *result = std::make_unique<Made>(*std::move(file));
    return IOStatus::OK();
  }

  Files& files_;
};

// RocksDB pauses for a second after every flush that failed; with files that fail thousands of times a minute, less.
class ImpatientClock final : public rocksdb::SystemClockWrapper {
 public:
  ImpatientClock() : SystemClockWrapper(SystemClock::Default()) {}
  const char* Name() const override { return "ParleyClock"; }
  void SleepForMicroseconds(int micros) override { target_->SleepForMicroseconds(std::min(micros, 100)); }
};

class FilesEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FilesEnv(const std::shared_ptr<rocksdb::FileSystem>& files) : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    system_clock_ = std::make_shared<ImpatientClock>();
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> rocks_files(Files& files) {
  if (&files == &real_files()) return rocksdb::NewCompositeEnv(rocksdb::FileSystem::Default());
  return std::make_unique<FilesEnv>(std::make_shared<RocksFiles>(files));
}

}  // namespace parley::store
