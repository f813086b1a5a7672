#include "store/view.h"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <mutex>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "store/delta.h"
#include "store/little_endian.h"
#include "store/rocks_files.h"

namespace parley::store {
namespace {

constexpr std::string_view own_key_address("\0address", 8);
constexpr std::string_view own_key_version("\0version", 8);
constexpr std::string_view first_key("\1", 1);  // the models' keys are not before it
constexpr std::uint32_t view_version = 1;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view text(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Error error_of(const rocksdb::Status& status, const std::filesystem::path& folder) {
  std::string message = fmt::format("the view in {}: {}", folder.string(), status.ToString());
  if (status.IsNoSpace()) {
    return Error(Code::resource_exhausted, Blame::us, std::move(message)).with_reason("disk_full");
  }
  if (status.IsCorruption()) return Error(Code::data_loss, Blame::us, std::move(message)).with_reason("view_damaged");
  return Error(Code::unavailable, Blame::us, std::move(message)).with_reason("io_error");
}

// RocksDB's own log: what is wrong, to ours; the rest nowhere.
class RocksLog final : public rocksdb::Logger {
 public:
  RocksLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 512> line{};
    (void)std::vsnprintf(line.data(), line.size(), format, arguments);
    log::debug("rocksdb: {}", line.data());
  }
};

// Which checkpoints are on the disk: told by RocksDB's threads after a flush is in the manifest, asked on the ledger's.
class Progress final : public rocksdb::EventListener {
 public:
  // All that was written up to `sequence` is the state at `at`.
  void wrote(rocksdb::SequenceNumber sequence, Address at) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(sequence, at);
    last_ = at;
  }
  void start(Address at) {
    last_ = at;
    durable_ = at;
  }
  // Whether the last checkpoint is durable, after a moment at the latest.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return waiting_.empty(); });
  }
  Address last() const { return last_; }
  Address durable() const { return durable_; }

  // Memtables become files in the order of their sequence numbers, and a checkpoint is whole in one of them.
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override { up_to(info.largest_seqno); }

 private:
  void up_to(rocksdb::SequenceNumber sequence) {
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty() && waiting_.front().first <= sequence) {
      durable_ = waiting_.front().second;
      waiting_.pop_front();
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<rocksdb::SequenceNumber, Address>> waiting_;
  std::atomic<Address> last_ = 0;
  std::atomic<Address> durable_ = 0;
};

rocksdb::Options rocks_options(rocksdb::Env* env, const ViewOptions& wanted, std::shared_ptr<Progress> progress) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.info_log = std::make_shared<RocksLog>();
  options.listeners = {std::move(progress)};
  // One thread that flushes and one that compacts; nothing that wakes up by the clock.
  options.max_background_jobs = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_open_files = 256;
  options.max_manifest_file_size = 8 << 20;
  options.avoid_flush_during_shutdown = true;  // without a checkpoint's address it would be of no state at all
  options.avoid_unnecessary_blocking_io = true;
  options.bytes_per_sync = 1 << 20;
  options.write_buffer_size = wanted.table_bytes;
  options.max_write_buffer_number = 4;
  // A flush a checkpoint: small files, many of them; never a reason to hold up the ledger.
  options.level0_file_num_compaction_trigger = 4;
  options.level0_slowdown_writes_trigger = 64;
  options.level0_stop_writes_trigger = 128;
  options.target_file_size_base = 16 << 20;
  options.max_bytes_for_level_base = 64 << 20;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = rocksdb::kLZ4Compression;
  // Most keys live for seconds. Where tombstones gather, a scan would wade through them: compact there first.
  options.table_properties_collector_factories = {rocksdb::NewCompactOnDeletionCollectorFactory(1024, 512)};

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(wanted.cache_bytes);
  table.cache_index_and_filter_blocks = true;  // so that the cache's size is the bound of all
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // dedup asks for keys that are not there
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksView final : public View {
 public:
  RocksView(Files& files, std::filesystem::path folder) : folder_(std::move(folder)), env_(rocks_files(files)) {}
  ~RocksView() override {
    if (db_) (void)db_->Close();
  }

  Result<void> start(const ViewOptions& options);

  Result<std::optional<std::string>> get(std::string_view key) override;
  void put(std::string_view key, std::string_view value) override { delta_.put(key, value); }
  void remove(std::string_view key) override { delta_.remove(key); }
  void remove_range(std::string_view from, std::string_view to) override {
    delta_.remove_range(std::max(from, first_key), to);
  }
  Result<void> scan(std::string_view from, std::string_view to,
                    const std::function<bool(std::string_view, std::string_view)>& each) override;
  Result<std::optional<std::pair<std::string, std::string>>> last(std::string_view from,
                                                                  std::string_view before) override;

  Result<void> checkpoint(Address at) override;
  Result<void> flush() override;
  Address checkpointed() const override { return progress_->last(); }
  Address durable() const override { return progress_->durable(); }
  std::size_t pending_bytes() const override { return delta_.bytes(); }

 private:
  Result<std::optional<std::string>> get_below(std::string_view key);
  std::unique_ptr<rocksdb::Iterator> below(const rocksdb::Slice* lower, const rocksdb::Slice* upper);
  void skip_hidden(rocksdb::Iterator& at) const;
  // The last key that is below, not hidden and not removed.
  Result<std::optional<std::pair<std::string, std::string>>> last_below(std::string_view from, std::string_view before);
  Result<void> write(rocksdb::WriteBatch& batch);
  std::unexpected<Error> failed(const rocksdb::Status& status) const { return fail(error_of(status, folder_)); }

  std::filesystem::path folder_;
  std::unique_ptr<rocksdb::Env> env_;  // outlives the database
  std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
  std::unique_ptr<rocksdb::DB> db_;
  Delta delta_;
};

Result<void> RocksView::start(const ViewOptions& options) {
  env_->SetBackgroundThreads(1, rocksdb::Env::LOW);
  env_->SetBackgroundThreads(1, rocksdb::Env::HIGH);
  rocksdb::DB* db = nullptr;
  const auto opened = rocksdb::DB::Open(rocks_options(env_.get(), options, progress_), folder_.string(), &db);
  db_.reset(db);
  if (!opened.ok()) {
    const bool in_use = opened.IsIOError() && !opened.IsNoSpace() &&
                        opened.ToString().find((folder_ / "LOCK").string()) != std::string::npos;
    if (!in_use) return failed(opened);
    return fail(Error(Code::failed_precondition, Blame::us, opened.ToString()).with_reason("folder_in_use"));
  }
  auto version = get_below(own_key_version);
  if (!version) return fail(std::move(version).error());
  auto address = get_below(own_key_address);
  if (!address) return fail(std::move(address).error());
  if (!*version) return {};  // new
  if ((*version)->size() != sizeof view_version || get_number<std::uint32_t>((*version)->data()) != view_version) {
    return fail(Error(Code::failed_precondition, Blame::us, folder_.string() + " was written by another Parley")
                    .with_reason("store_version"));
  }
  if (!*address || (*address)->size() != sizeof(Address)) {
    return fail(Error(Code::data_loss, Blame::us, folder_.string() + " does not say which address it is the state of")
                    .with_reason("view_damaged"));
  }
  progress_->start(get_number<Address>((*address)->data()));
  return {};
}

Result<std::optional<std::string>> RocksView::get_below(std::string_view key) {
  std::string value;
  const auto found = db_->Get(rocksdb::ReadOptions(), slice(key), &value);
  if (found.IsNotFound()) return std::nullopt;
  if (!found.ok()) return failed(found);
  return value;
}

Result<std::optional<std::string>> RocksView::get(std::string_view key) {
  if (const auto entry = delta_.entries().find(key); entry != delta_.entries().end()) return entry->second;
  if (delta_.hides(key) != nullptr) return std::nullopt;
  return get_below(key);
}

std::unique_ptr<rocksdb::Iterator> RocksView::below(const rocksdb::Slice* lower, const rocksdb::Slice* upper) {
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = lower;
  options.iterate_upper_bound = upper;
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options));
}

void RocksView::skip_hidden(rocksdb::Iterator& at) const {
  while (at.Valid()) {
    const auto* range = delta_.hides(text(at.key()));
    if (range == nullptr) return;
    at.Seek(range->second);
  }
}

Result<void> RocksView::scan(std::string_view from, std::string_view to,
                             const std::function<bool(std::string_view, std::string_view)>& each) {
  from = std::max(from, first_key);
  if (from >= to) return {};
  const rocksdb::Slice upper = slice(to);
  const auto base = below(nullptr, &upper);
  base->Seek(slice(from));
  skip_hidden(*base);
  auto change = delta_.entries().lower_bound(from);
  const auto next_of_base = [&] {
    base->Next();
    skip_hidden(*base);
  };
  for (;;) {
    const bool changes = change != delta_.entries().end() && change->first < to;
    if (base->Valid() && (!changes || text(base->key()) < change->first)) {
      if (!each(text(base->key()), text(base->value()))) return {};
      next_of_base();
    } else if (changes) {
      if (base->Valid() && text(base->key()) == change->first) next_of_base();
      if (change->second && !each(change->first, *change->second)) return {};
      ++change;
    } else {
      break;
    }
  }
  return base->status().ok() ? Result<void>() : failed(base->status());
}

Result<std::optional<std::pair<std::string, std::string>>> RocksView::last_below(std::string_view from,
                                                                                 std::string_view before) {
  const rocksdb::Slice lower = slice(from);
  const rocksdb::Slice upper = slice(before);
  const auto base = below(&lower, &upper);
  base->SeekToLast();
  while (base->Valid()) {
    const std::string_view key = text(base->key());
    if (const auto* range = delta_.hides(key)) {
      base->SeekForPrev(range->first);
      if (base->Valid() && text(base->key()) == range->first) base->Prev();
    } else if (delta_.entries().contains(key)) {
      base->Prev();  // removed, or put again: then it was seen above
    } else {
      return std::pair(std::string(key), base->value().ToString());
    }
  }
  if (!base->status().ok()) return failed(base->status());
  return std::nullopt;
}

Result<std::optional<std::pair<std::string, std::string>>> RocksView::last(std::string_view from,
                                                                           std::string_view before) {
  from = std::max(from, first_key);
  if (from >= before) return std::nullopt;
  auto found = last_below(from, before);
  if (!found) return found;
  const std::string_view floor = *found ? std::string_view((*found)->first) : from;
  const auto& changes = delta_.entries();
  for (auto change = changes.lower_bound(before); change != changes.begin();) {
    --change;
    if (change->first < floor) break;
    if (change->second) return std::pair(change->first, *change->second);
  }
  return found;
}

Result<void> RocksView::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  auto written = db_->Write(options, &batch);
  // A flush that failed (the disk was full) stops all writes until it is told to go on.
  if (!written.ok() && db_->Resume().ok()) written = db_->Write(options, &batch);
  return written.ok() ? Result<void>() : failed(written);
}

Result<void> RocksView::checkpoint(Address at) {
  std::array<char, sizeof at> address{};
  put_number(address.data(), at);
  std::array<char, sizeof view_version> version{};
  put_number(version.data(), view_version);
  // Ranges first: an entry of the delta counts above them. The address last: it has the highest sequence number.
  rocksdb::WriteBatch batch(delta_.bytes() + 128);
  for (const auto& [from, to] : delta_.ranges()) (void)batch.DeleteRange(from, to);
  for (const auto& [key, value] : delta_.entries()) (void)(value ? batch.Put(key, *value) : batch.Delete(key));
  (void)batch.Put(slice(own_key_version), {version.data(), version.size()});
  (void)batch.Put(slice(own_key_address), {address.data(), address.size()});
  if (auto done = write(batch); !done) return done;
  progress_->wrote(db_->GetLatestSequenceNumber(), at);
  delta_.clear();
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  const auto flushing = db_->Flush(options);
  return flushing.ok() ? Result<void>() : failed(flushing);
}

// RocksDB's own word is not enough: while it recovers from a full disk, Flush was seen to return before anything was
// written. What counts is that a flush was reported.
Result<void> RocksView::flush() {
  rocksdb::Status flushed;
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;            // or it would wait for compactions
  for (int tries = 0; tries < 150; ++tries) {  // of 100 ms: a busy machine lets RocksDB's thread wait for seconds
    flushed = db_->Flush(options);
    if (!flushed.ok() && db_->Resume().ok()) flushed = db_->Flush(options);
    if (!flushed.ok()) return failed(flushed);
    if (progress_->wait()) return {};
  }
  return failed(rocksdb::Status::Incomplete("a flush did not end"));
}

}  // namespace

Result<std::unique_ptr<View>> View::open(Files& files, std::filesystem::path folder, ViewOptions options) {
  if (auto made = files.make_folder(folder); !made) return fail(std::move(made).error());
  if (folder.has_parent_path()) {
    if (auto done = files.sync_folder(folder.parent_path()); !done) return fail(std::move(done).error());
  }
  auto view = std::make_unique<RocksView>(files, std::move(folder));
  if (auto done = view->start(options); !done) return fail(std::move(done).error());
  return view;
}

}  // namespace parley::store
