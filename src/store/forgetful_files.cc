#include "store/forgetful_files.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace parley::store {
namespace {

namespace fs = std::filesystem;
using Random = std::mt19937_64;

constexpr std::uint64_t page = 512;  // what a disk writes whole

std::unexpected<Error> failed(Code code, const fs::path& path, std::string_view what, std::string reason) {
  return fail(Error(code, Blame::us, path.string() + ": " + std::string(what)).with_reason(std::move(reason)));
}
std::unexpected<Error> io_error(const fs::path& path, std::string_view what) {
  return failed(Code::unavailable, path, what, "io_error");
}

bool heads(Random& random) { return (random() & 1U) != 0; }

// A write, or a new size.
struct Change {
  std::uint64_t offset = 0;
  std::string bytes;
  std::optional<std::uint64_t> size;
};

void write(std::string& contents, std::uint64_t offset, std::string_view bytes) {
  if (contents.size() < offset + bytes.size()) contents.resize(offset + bytes.size());
  std::ranges::copy(bytes, contents.begin() + static_cast<std::ptrdiff_t>(offset));
}

void perform(std::string& contents, const Change& change) {
  if (change.size) {
    contents.resize(*change.size);
  } else {
    write(contents, change.offset, change.bytes);
  }
}

// Any of the write's pages; the size may have grown without what belongs there. But nothing from `in_order` on: of that
// the part before `limit` is there.
void perform_torn(std::string& contents, const Change& change, std::uint64_t in_order, std::uint64_t limit,
                  Random& random) {
  if (change.size) {
    if (heads(random)) perform(contents, change);
    return;
  }
  for (std::uint64_t at = 0; at < change.bytes.size();) {
    const std::uint64_t offset = change.offset + at;
    if (offset >= in_order) {
      if (offset < limit) write(contents, offset, std::string_view(change.bytes).substr(at, limit - offset));
      return;
    }
    const std::uint64_t boundary = std::min(page - offset % page, in_order - offset);
    const std::string_view part = std::string_view(change.bytes).substr(at, boundary);
    if (heads(random)) write(contents, offset, part);
    at += part.size();
  }
}

}  // namespace

struct ForgetfulFiles::Inode {
  bool folder = false;
  std::string now;
  std::string synced;
  std::vector<Change> changes;  // between the two

  void change(Change what) {
    perform(now, what);
    changes.push_back(std::move(what));
  }
  void sync() {
    for (const Change& what : changes) perform(synced, what);
    changes.clear();
  }
  void crash(Fate fate, bool journaling, Random& random) {
    std::size_t whole = 0;
    if (fate == Fate::kept) whole = changes.size();
    if (fate == Fate::prefix) whole = random() % (changes.size() + 1);
    for (std::size_t i = 0; i < whole; ++i) perform(synced, changes[i]);
    if (fate == Fate::prefix && whole < changes.size() && !changes[whole].size && heads(random)) {
      const Change& torn = changes[whole];
      write(synced, torn.offset, std::string_view(torn.bytes).substr(0, random() % (torn.bytes.size() + 1)));
    }
    if (fate == Fate::torn) {
      const std::uint64_t in_order = journaling ? synced.size() : std::numeric_limits<std::uint64_t>::max();
      const std::uint64_t limit =
          now.size() > synced.size() ? synced.size() + random() % (now.size() - synced.size() + 1) : 0;
      for (const Change& what : changes) perform_torn(synced, what, in_order, limit, random);
    }
    changes.clear();
    now = synced;
  }
};

// That `path` is another file now; nothing: it is gone. A rename is two of them that happen together.
struct ForgetfulFiles::Entry {
  std::vector<std::pair<fs::path, std::shared_ptr<Inode>>> names;

  bool is_in(const fs::path& folder) const {
    return std::ranges::any_of(names, [&](const auto& name) { return name.first.parent_path() == folder; });
  }
  void apply(Names& to) const {
    for (const auto& [path, inode] : names) {
      if (inode) {
        to[path] = inode;
      } else {
        to.erase(path);
      }
    }
  }
};

class ForgetfulFiles::OpenFile final : public File {
 public:
  OpenFile(ForgetfulFiles& files, fs::path path, std::shared_ptr<Inode> inode)
      : files_(files), path_(std::move(path)), inode_(std::move(inode)), generation_(files.generation_) {}

  Result<void> write_at(std::uint64_t offset, std::span<const std::string_view> parts) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto fine = files_.check(Operation::write, path_, generation_); !fine) return fine;
    std::string bytes;
    for (const std::string_view part : parts) bytes.append(part);
    if (auto fine = files_.grow(*inode_, offset + bytes.size(), path_); !fine) return fine;
    inode_->change({.offset = offset, .bytes = std::move(bytes), .size = std::nullopt});
    return {};
  }
  Result<void> read_onto(std::string& out, std::uint64_t offset, std::size_t size) const override {
    const std::lock_guard lock(files_.mutex_);
    if (auto fine = files_.check(Operation::read, path_, generation_); !fine) return fail(std::move(fine).error());
    if (offset < inode_->now.size()) out.append(inode_->now, offset, size);
    return {};
  }
  Result<void> allocate(std::uint64_t size) override { return resize(Operation::allocate, size); }
  Result<void> truncate(std::uint64_t size) override { return resize(Operation::truncate, size); }
  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(files_.mutex_);
    if (auto fine = files_.check(Operation::read, path_, generation_); !fine) return fail(std::move(fine).error());
    return inode_->now.size();
  }
  Result<void> sync() override {
    const std::lock_guard lock(files_.mutex_);
    auto fine = files_.check(Operation::sync, path_, generation_);
    if (fine) {
      inode_->sync();
    } else if (generation_ == files_.generation_ && !files_.off_) {
      inode_->changes.clear();  // what the kernel does: the pages count as clean, and never reach the disk
    }
    return fine;
  }

 private:
  Result<void> resize(Operation operation, std::uint64_t size) {
    const std::lock_guard lock(files_.mutex_);
    if (auto fine = files_.check(operation, path_, generation_); !fine) return fine;
    if (operation == Operation::allocate && size <= inode_->now.size()) return {};
    if (auto fine = files_.grow(*inode_, size, path_); !fine) return fine;
    if (size < inode_->now.size()) files_.used_ -= inode_->now.size() - size;
    inode_->change({.offset = 0, .bytes = {}, .size = size});
    return {};
  }

  ForgetfulFiles& files_;
  fs::path path_;
  std::shared_ptr<Inode> inode_;
  std::uint64_t generation_;
};

class ForgetfulFiles::HeldLock final : public Lock {
 public:
  HeldLock(ForgetfulFiles& files, fs::path path)
      : files_(files), path_(std::move(path)), generation_(files.generation_) {}
  ~HeldLock() override {
    const std::lock_guard lock(files_.mutex_);
    if (generation_ == files_.generation_) files_.locks_.erase(path_);
  }

 private:
  ForgetfulFiles& files_;
  fs::path path_;
  std::uint64_t generation_;
};

ForgetfulFiles::ForgetfulFiles() : capacity_(std::numeric_limits<std::uint64_t>::max()) {
  for (const fs::path& root : {fs::path("/"), fs::path()}) {
    auto folder = std::make_shared<Inode>();
    folder->folder = true;
    names_[root] = synced_[root] = std::move(folder);
  }
}
ForgetfulFiles::~ForgetfulFiles() = default;

Result<void> ForgetfulFiles::check(Operation operation, const fs::path& path, std::uint64_t generation) {
  if (generation != generation_) return io_error(path, "was open when the power went");
  return check(operation, path);
}

Result<void> ForgetfulFiles::check(Operation operation, const fs::path& path) {
  const bool changes = operation != Operation::read && operation != Operation::open;
  if (changes && !off_) {
    off_ = off_at_ && changes_ >= *off_at_;
    ++changes_;
  }
  if (off_) return io_error(path, "the power is off");
  if (!fault_) return {};
  auto fault = fault_(operation, path);
  return fault ? Result<void>(fail(*std::move(fault))) : Result<void>();
}

Result<void> ForgetfulFiles::grow(Inode& inode, std::uint64_t size, const fs::path& path) {
  if (size <= inode.now.size()) return {};
  const std::uint64_t more = size - inode.now.size();
  if (more > capacity_ - std::min(capacity_, used_)) {
    return failed(Code::resource_exhausted, path, "No space left on device", "disk_full");
  }
  used_ += more;
  return {};
}

void ForgetfulFiles::change_name(const fs::path& path, std::shared_ptr<Inode> inode) {
  Entry entry{{{path, std::move(inode)}}};
  entry.apply(names_);
  entries_.push_back(std::move(entry));
}

Result<std::unique_ptr<File>> ForgetfulFiles::open(const fs::path& path, Mode mode) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  // Creating changes the folder: it counts as such.
  if (auto fine = check(mode == Mode::create ? Operation::rename : Operation::open, path); !fine) {
    return fail(std::move(fine).error());
  }
  if (mode == Mode::open) {
    if (found == names_.end() || found->second->folder) return failed(Code::not_found, path, "no such file", {});
    return std::make_unique<OpenFile>(*this, path, found->second);
  }
  if (found != names_.end()) return failed(Code::already_exists, path, "is there already", {});
  if (!names_.contains(path.parent_path())) return failed(Code::not_found, path, "no such folder", {});
  auto inode = std::make_shared<Inode>();
  change_name(path, inode);
  return std::make_unique<OpenFile>(*this, path, std::move(inode));
}

Result<void> ForgetfulFiles::rename(const fs::path& from, const fs::path& to) {
  const std::lock_guard lock(mutex_);
  if (auto fine = check(Operation::rename, from); !fine) return fine;
  const auto found = names_.find(from);
  if (found == names_.end()) return failed(Code::not_found, from, "no such file", {});
  if (const auto replaced = names_.find(to); replaced != names_.end()) used_ -= replaced->second->now.size();
  Entry entry{{{to, found->second}, {from, nullptr}}};
  entry.apply(names_);
  entries_.push_back(std::move(entry));
  return {};
}

Result<void> ForgetfulFiles::remove(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  if (auto fine = check(Operation::remove, path); !fine) return fine;
  const auto found = names_.find(path);
  if (found == names_.end() || found->second->folder) return failed(Code::not_found, path, "no such file", {});
  used_ -= found->second->now.size();
  change_name(path, nullptr);
  return {};
}

Result<void> ForgetfulFiles::make_folder(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  if (const auto found = names_.find(path); found != names_.end() && found->second->folder) return {};
  if (auto fine = check(Operation::make_folder, path); !fine) return fine;
  auto inode = std::make_shared<Inode>();
  inode->folder = true;
  change_name(path, std::move(inode));
  return {};
}

Result<std::vector<std::string>> ForgetfulFiles::list(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  if (off_) return io_error(folder, "the power is off");
  const auto found = names_.find(folder);
  if (found == names_.end() || !found->second->folder) return failed(Code::not_found, folder, "no such folder", {});
  std::vector<std::string> out;
  for (const auto& [path, inode] : names_) {
    if (path.parent_path() == folder && path != folder) out.push_back(path.filename());
  }
  return out;
}

Result<void> ForgetfulFiles::sync_folder(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  if (auto fine = check(Operation::sync_folder, folder); !fine) return fine;
  std::erase_if(entries_, [&](const Entry& entry) {
    const bool here = entry.is_in(folder);
    if (here) entry.apply(synced_);
    return here;
  });
  return {};
}

Result<std::uint64_t> ForgetfulFiles::free_bytes(const fs::path&) {
  const std::lock_guard lock(mutex_);
  return capacity_ - std::min(capacity_, used_);
}

Result<std::unique_ptr<Files::Lock>> ForgetfulFiles::lock(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  if (off_) return io_error(path, "the power is off");
  if (!locks_.insert(path).second) return failed(Code::failed_precondition, path, "is locked", "folder_in_use");
  return std::make_unique<HeldLock>(*this, path);
}

void ForgetfulFiles::crash(Fate fate, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  Random random(seed);
  std::size_t whole = 0;
  if (fate == Fate::kept) whole = entries_.size();
  const bool in_order = fate == Fate::prefix || (fate == Fate::torn && journaling_);
  if (in_order) whole = random() % (entries_.size() + 1);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (i < whole || (fate == Fate::torn && !in_order && heads(random))) entries_[i].apply(synced_);
  }
  entries_.clear();
  // What is in a folder that is gone is gone too; a folder comes before what is in it.
  std::erase_if(synced_, [&](const auto& name) { return !synced_.contains(name.first.parent_path()); });
  names_ = synced_;
  used_ = 0;
  for (const auto& [path, inode] : names_) {
    inode->crash(fate, journaling_, random);
    used_ += inode->now.size();
  }
  restart();
}

void ForgetfulFiles::restart() {
  locks_.clear();
  ++generation_;
  off_ = false;
  off_at_.reset();
}

void ForgetfulFiles::die() {
  const std::lock_guard lock(mutex_);
  restart();
}

void ForgetfulFiles::power_off_after(std::uint64_t changes) {
  const std::lock_guard lock(mutex_);
  off_at_ = changes_ + changes;
}

bool ForgetfulFiles::powered() const {
  const std::lock_guard lock(mutex_);
  return !off_;
}

void ForgetfulFiles::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t ForgetfulFiles::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

void ForgetfulFiles::set_fault(std::function<std::optional<Error>(Operation, const fs::path&)> fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

std::string ForgetfulFiles::contents(const fs::path& path) const {
  const std::lock_guard lock(mutex_);
  return names_.at(path)->now;
}

void ForgetfulFiles::overwrite(const fs::path& path, std::string contents) {
  const std::lock_guard lock(mutex_);
  Inode& inode = *names_.at(path);
  used_ = used_ - inode.now.size() + contents.size();
  inode.changes.clear();
  inode.now = inode.synced = std::move(contents);
}

void ForgetfulFiles::flip(const fs::path& path, std::uint64_t offset, std::uint8_t mask) {
  const std::lock_guard lock(mutex_);
  Inode& inode = *names_.at(path);
  for (std::string* contents : {&inode.now, &inode.synced}) {
    if (offset < contents->size()) (*contents)[offset] = static_cast<char>((*contents)[offset] ^ mask);
  }
}

std::vector<fs::path> ForgetfulFiles::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<fs::path> out;
  for (const auto& [path, inode] : names_) {
    if (!inode->folder) out.push_back(path);
  }
  return out;
}

}  // namespace parley::store
