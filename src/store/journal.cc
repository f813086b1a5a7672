#include "store/journal.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <future>
#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "base/fail_point.h"
#include "base/log.h"
#include "store/crc32c.h"
#include "store/frame_cache.h"
#include "store/segment_file.h"

namespace parley::store {
namespace {

// Filled at once when it opens, which takes a few milliseconds; full segments are made behind the scenes.
constexpr std::uint64_t first_room = 4 << 20;
constexpr std::uint64_t smallest_room = 4096;         // less is as good as none
constexpr std::string_view next_name = "next";        // the file that becomes the next segment
constexpr std::string_view spare_name = "spare";      // and the one after it
constexpr std::string_view reserve_name = "reserve";  // space to give up

bool is_full(const Error& error) { return error.code() == Code::resource_exhausted; }

std::unexpected<Error> disk_full() {
  return fail(Error(Code::resource_exhausted, Blame::us, "the disk is full: only what frees space is taken")
                  .with_reason("disk_full"));
}

std::unexpected<Error> data_loss(std::string message) {
  return fail(Error(Code::data_loss, Blame::us, std::move(message)).with_reason("journal_damaged"));
}

std::array<char, 16> random_id() {
  std::random_device random;
  std::array<char, 16> id{};
  std::ranges::generate(id, [&] { return static_cast<char>(random()); });
  return id;
}

class FileJournal final : public Journal {
 public:
  FileJournal(Files& files, std::filesystem::path folder, JournalOptions options)
      : files_(files), folder_(std::move(folder)), options_(options), recent_(options.recent_bytes) {}

  ~FileJournal() override { closing_ = true; }

  Result<void> start();

  Address begin() const override { return segments_.front()->begin_address(); }
  Address end() const override { return active().end(); }
  Address synced() const override { return synced_; }
  bool full() const override { return full_; }
  Result<void> release_reserve() override;

  Result<void> make_room(std::size_t body_bytes, Spend spend) override;
  Result<Frame> append(Bytes body, WallTime time, Spend spend) override;
  Result<void> sync() override;
  Result<void> tidy() override;
  Result<Frame> read(Address at) override;
  Result<void> replay(Address from, const std::function<Result<void>(const Frame&)>& each) override;
  std::vector<Segment> segments() const override;
  Result<void> remove_before(Address needed) override;
  void let_last_go() override { last_goes_ = true; }
  std::uint64_t last_room() const override;

 private:
  SegmentFile& active() { return *segments_.back(); }
  const SegmentFile& active() const { return *segments_.back(); }
  std::filesystem::path path(std::string_view name) const { return folder_ / name; }

  Result<void> open_segments(const std::vector<Address>& bases);
  Result<void> begin_segment(const SegmentHeader& header);
  Result<void> roll();
  Result<void> prepare(std::uint64_t size);
  Result<void> prepare_ahead();
  Result<void> use_spare();
  // Takes over what the thread made; waits for it or not.
  Result<void> collect(bool wait);
  Result<void> take_reserve();
  // Of the reserve, what only a start gives up.
  std::uint64_t last_reserve() const { return options_.reserve_bytes / 16; }
  Result<void> come_back();
  Result<void> give_back(std::string_view name, std::optional<PreparedFile>& file);
  bool last_is_in_the_way() const;
  Result<void> begin_small();
  Result<void> remove_oldest();
  Result<SegmentFile*> segment_of(Address at);
  // Halts for good, unless the disk is merely full.
  Result<void> or_halt(Result<void> outcome);
  std::unexpected<Error> halt(const Error& why);
  // From now on only what frees space is taken.
  void be_full(const Error& why);

  Files& files_;
  std::filesystem::path folder_;
  JournalOptions options_;
  std::deque<std::unique_ptr<SegmentFile>> segments_;  // by address; the last one is written
  std::optional<PreparedFile> next_;
  std::optional<PreparedFile> spare_;
  std::atomic<bool> closing_ = false;
  std::future<Result<PreparedFile>> making_;  // the next `next_`; its end waits for the thread
  Address opened_at_ = 0;
  bool reserve_held_ = false;
  bool full_ = false;
  bool last_goes_ = false;   // what is needed of the last segment will be moved
  bool space_ahead_ = true;  // false: preparing a segment failed; not tried again before it is needed
  Address synced_ = 0;
  Address needed_ = 0;  // nothing before it is: as was said last
  std::optional<Error> halted_;
  FrameCache recent_;
};

Result<void> FileJournal::start() {
  if (auto done = files_.make_folder(folder_); !done) return done;
  if (folder_.has_parent_path()) {
    if (auto done = files_.sync_folder(folder_.parent_path()); !done) return done;
  }
  // A process that died may have left names that are not on the disk; what is written behind them is to be found.
  if (auto done = files_.sync_folder(folder_); !done) return done;
  auto names = files_.list(folder_);
  if (!names) return fail(std::move(names).error());
  std::vector<Address> bases;
  for (const std::string& name : *names) {
    if (const auto base = segment_base(name)) bases.push_back(*base);
  }
  for (const std::string_view name : {next_name, spare_name}) {
    if (std::ranges::find(*names, name) == names->end()) continue;
    if (auto done = files_.remove(path(name)); !done) return done;
  }
  if (auto done = open_segments(bases); !done) return done;
  synced_ = opened_at_ = end();
  // Both failing for lack of space is the disk being full, not an error: consuming has to go on after a restart.
  const std::uint64_t used = active().allocated() - active().room();
  const std::uint64_t wanted = used + std::min(options_.segment_bytes, first_room);
  if (auto done = active().allocate(wanted, Fill::yes); !done && !is_full(done.error())) return done;
  auto reserve = take_reserve();
  if (!reserve && !is_full(reserve.error())) return reserve;
  if (!reserve) be_full(reserve.error());
  return {};
}

void FileJournal::be_full(const Error& why) {
  if (std::exchange(full_, true)) return;
  const std::uint64_t missing = options_.segment_bytes + (reserve_held_ ? 0 : options_.reserve_bytes);
  log::warn(
      "the disk is full ({}): what needs space is refused until {} MiB are free for {}; handling or purging messages "
      "frees some",
      why.message(), std::max<std::uint64_t>(1, missing >> 20), folder_.string());
}

Result<void> FileJournal::open_segments(const std::vector<Address>& bases) {
  if (bases.empty()) {
    if (options_.synced > first_address) {
      return data_loss(fmt::format("{} has no segments, but there was a journal up to address {}", folder_.string(),
                                   options_.synced));
    }
    if (auto done = prepare(segment_header_bytes); !done) return done;
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return begin_segment({.journal = random_id(), .base = first_address, .created = now});
  }
  for (const Address base : bases) {
    auto segment = SegmentFile::open(files_, folder_, base);
    if (!segment) return fail(std::move(segment).error());
    if (!segments_.empty()) {
      if ((*segment)->header().journal != active().header().journal) {
        return data_loss((*segment)->path().string() + " is damaged at offset 16: it belongs to another journal");
      }
      if (auto done = active().ends_at(base); !done) return done;
    }
    segments_.push_back(*std::move(segment));
  }
  return active().find_end(options_.synced);
}

Result<void> FileJournal::or_halt(Result<void> outcome) {
  if (!outcome && !is_full(outcome.error())) return halt(outcome.error());
  return outcome;
}

std::unexpected<Error> FileJournal::halt(const Error& why) {
  if (!halted_) {
    halted_ = Error(Code::unavailable, Blame::us, "the store halted: " + why.message()).with_reason("store_halted");
  }
  return fail(*halted_);
}

Result<void> FileJournal::make_room(std::size_t body_bytes, Spend spend) {
  if (halted_) return fail(*halted_);
  if (full_ && spend == Spend::space) return disk_full();
  const std::uint64_t need = frame_bytes(body_bytes);
  if (active().room() >= need || (next_ && next_->allocated >= segment_header_bytes + need)) return {};
  const std::uint64_t used = active().allocated() - active().room();
  // Somebody waits: the segment grows beyond its size while the next one is being made.
  if (making_.valid() && active().allocated() < 2 * options_.segment_bytes &&
      active().allocate(used + std::max(need, first_room), Fill::no)) {
    return {};
  }
  auto made = prepare(std::max(options_.segment_bytes, segment_header_bytes + need));
  if (made || !is_full(made.error())) return or_halt(std::move(made));
  be_full(made.error());
  if (spend == Spend::space) return disk_full();
  // The segment grows in small steps: the view has to write too, before anything can be freed.
  auto grown = active().allocate(used + need, Fill::no);
  if (!grown && is_full(grown.error()) && reserve_held_) {
    if (auto done = release_reserve(); !done) return done;
    grown = active().allocate(used + std::max(need, options_.reserve_bytes / 8), Fill::no);
    if (!grown && is_full(grown.error())) grown = active().allocate(used + need, Fill::no);
  }
  return or_halt(std::move(grown));
}

Result<Frame> FileJournal::append(Bytes body, WallTime time, Spend spend) {
  if (body.size() > max_frame_body) return invalid(fmt::format("{} bytes are too many for one group", body.size()));
  if (auto done = make_room(body.size(), spend); !done) return fail(std::move(done).error());
  if (active().room() < frame_bytes(body.size())) {
    if (auto done = roll(); !done) return halt(done.error());
  }
  fail_point("journal_write");
  const FrameHead head{.body_crc = crc32c(0, body.view()),
                       .body_bytes = static_cast<std::uint32_t>(body.size()),
                       .at = end(),
                       .synced = synced_,
                       .time = time};
  if (auto done = active().append(head, body.view()); !done) {
    if (is_full(done.error())) be_full(done.error());
    return fail(or_halt(std::move(done)).error());
  }
  fail_point("journal_written");
  Frame frame{.at = head.at, .next = end(), .time = time, .body = std::move(body)};
  recent_.put(frame);
  return frame;
}

Result<void> FileJournal::sync() {
  if (halted_) return fail(*halted_);
  if (synced_ == end()) return {};
  // Whatever it says: after a failed sync nobody knows what is on the disk, and a second one would say that all is
  // well.
  if (auto done = active().sync(); !done) return halt(done.error());
  synced_ = end();
  fail_point("journal_synced");
  return {};
}

Result<void> FileJournal::roll() {
  if (auto done = sync(); !done) return done;  // so that all but the last segment are on the disk
  return begin_segment({.journal = active().header().journal,
                        .base = end(),
                        .created = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())});
}

Result<void> FileJournal::begin_segment(const SegmentHeader& header) {
  auto segment = SegmentFile::begin(files_, path(next_name), folder_, *std::exchange(next_, std::nullopt), header);
  if (!segment) return fail(std::move(segment).error());
  if (auto done = files_.sync_folder(folder_); !done) return done;
  fail_point("segment_begun");
  // One without frames had the same name: its place was taken.
  if (!segments_.empty() && active().begin_address() == header.base) segments_.pop_back();
  segments_.push_back(*std::move(segment));
  return {};
}

Result<void> FileJournal::prepare(std::uint64_t size) {
  if (auto done = collect(true); !done && !is_full(done.error())) return done;
  if (auto done = use_spare(); !done) return done;
  if (!next_) {
    auto made = prepare_file(files_, path(next_name), size, Fill::no, closing_);
    if (!made) return fail(std::move(made).error());
    next_ = *std::move(made);
  }
  if (next_->allocated >= size) return {};
  if (auto done = next_->file->allocate(size); !done) return done;
  next_->allocated = size;
  return next_->file->sync();
}

Result<void> FileJournal::use_spare() {
  if (next_ || making_.valid() || !spare_) return {};
  if (auto done = files_.rename(path(spare_name), path(next_name)); !done) return done;
  next_ = std::exchange(spare_, std::nullopt);
  return {};
}

Result<void> FileJournal::collect(bool wait) {
  if (!making_.valid()) return {};
  if (!wait && making_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
  auto made = making_.get();
  space_ahead_ = made.has_value();
  if (!made) return fail(std::move(made).error());
  next_ = *std::move(made);
  return {};
}

Result<void> FileJournal::tidy() {
  if (halted_) return fail(*halted_);
  auto done = full_ ? come_back() : prepare_ahead();
  return !done && is_full(done.error()) ? Result<void>() : or_halt(std::move(done));
}

Result<void> FileJournal::prepare_ahead() {
  if (auto done = collect(false); !done) return done;
  if (auto done = use_spare(); !done) return done;
  const bool wanted = active().room() <= options_.segment_bytes / 4 && end() != opened_at_;
  if (next_ || making_.valid() || !space_ahead_ || !wanted) return {};
  making_ = std::async(options_.ahead_by_thread ? std::launch::async : std::launch::deferred, [this] {
    return prepare_file(files_, path(next_name), options_.segment_bytes, Fill::yes, closing_);
  });
  return collect(!options_.ahead_by_thread);
}

// Both, or it stays full. The segment first: until there is space for one, whoever the reserve was given up for needs
// what is left. The last one is as good as the next if it is almost empty.
Result<void> FileJournal::come_back() {
  auto done = prepare(options_.segment_bytes);
  if (done) done = take_reserve();
  const bool is_new = active().room() >= options_.segment_bytes / 2;
  if (!done && is_full(done.error()) && (spare_ || is_new)) {
    done = give_back(spare_name, spare_);
    if (done && is_new) done = give_back(next_name, next_);
    if (done) done = take_reserve();
  }
  if (done) {
    log::info("the disk has space again: the store takes everything");
    full_ = false;
  } else if (is_full(done.error()) && last_is_in_the_way()) {
    done = begin_small();
    if (done) done = remove_before(needed_);
  }
  return done;
}

Result<void> FileJournal::give_back(std::string_view name, std::optional<PreparedFile>& file) {
  if (!file) return {};
  file.reset();
  return files_.remove(path(name));
}

// The last segment may have grown until nothing else fits on the disk, and is not dropped while it is the last one.
// Its room stays while there is something to settle in it.
bool FileJournal::last_is_in_the_way() const {
  // Half: what was full is so before its last byte.
  const bool large = end() - active().begin_address() >= std::min(options_.segment_bytes, first_room) / 2;
  return large && (needed_ >= end() || active().room() < smallest_room || last_goes_);
}

// What is left of the last segment's room is the new one's.
Result<void> FileJournal::begin_small() {
  auto done = prepare(segment_header_bytes);
  if (!done && is_full(done.error()) && active().room() >= smallest_room) {
    done = active().give_room_back();
    if (done) done = prepare(segment_header_bytes);
  }
  if (!done) return done;
  if (done = roll(); !done) return halt(done.error());
  last_goes_ = false;
  return (*std::prev(segments_.end(), 2))->give_room_back();
}

std::uint64_t FileJournal::last_room() const {
  const std::uint64_t reserve = reserve_held_ ? options_.reserve_bytes - last_reserve() : 0;
  return files_.free_bytes(folder_).value_or(0) + active().room() + (next_ ? next_->allocated : 0) + reserve;
}

Result<void> FileJournal::take_reserve() {
  if (reserve_held_ || options_.reserve_bytes == 0) return {};
  auto file = files_.open(path(reserve_name), Files::Mode::open);
  if (!file && file.error().code() == Code::not_found) file = files_.open(path(reserve_name), Files::Mode::create);
  if (!file) return fail(std::move(file).error());
  const auto before = (*file)->size();
  if (!before) return fail(before.error());
  auto done = (*file)->allocate(options_.reserve_bytes);
  if (done) done = (*file)->sync();
  reserve_held_ = done.has_value();
  if (done) return {};
  // A part of it must not stand in the way of what needs space now, but for what only a start gives up.
  const auto emptied = (*file)->truncate(std::min(*before, last_reserve()));
  return emptied ? done : emptied;
}

Result<void> FileJournal::release_reserve() {
  if (halted_) return fail(*halted_);
  if (!std::exchange(reserve_held_, false)) return {};
  auto file = files_.open(path(reserve_name), Files::Mode::open);
  if (!file) return halt(file.error());
  auto done = (*file)->truncate(last_reserve());
  if (done) done = (*file)->sync();
  return or_halt(std::move(done));
}

Result<SegmentFile*> FileJournal::segment_of(Address at) {
  if (at < begin()) {
    return fail(Error(Code::not_found, Blame::us, fmt::format("the journal begins at {}, behind {}", begin(), at)));
  }
  if (at >= end()) {
    return fail(Error(Code::out_of_range, Blame::us, fmt::format("the journal ends at {}, before {}", end(), at)));
  }
  const auto behind = std::ranges::upper_bound(segments_, at, {}, [](const auto& s) { return s->begin_address(); });
  return std::prev(behind)->get();
}

Result<Frame> FileJournal::read(Address at) {
  auto segment = segment_of(at);
  if (!segment) return fail(std::move(segment).error());
  if (const Frame* frame = recent_.find(at)) return *frame;
  return (*segment)->read(at);
}

Result<void> FileJournal::replay(Address from, const std::function<Result<void>(const Frame&)>& each) {
  for (Address at = from; at != end();) {
    auto segment = segment_of(at);
    if (!segment) return fail(std::move(segment).error());
    auto frame = (*segment)->read(at);
    if (!frame) return fail(std::move(frame).error());
    if (auto done = each(*frame); !done) return done;
    at = frame->next;
  }
  return {};
}

std::vector<Journal::Segment> FileJournal::segments() const {
  std::vector<Segment> out;
  for (const auto& segment : segments_) {
    out.push_back({.from = segment->begin_address(), .to = segment->end(), .file_bytes = segment->allocated()});
  }
  return out;
}

Result<void> FileJournal::remove_before(Address needed) {
  if (halted_) return fail(*halted_);
  needed_ = needed;
  while (segments_.size() > 1 && segments_.front()->end() <= needed) {
    if (auto done = remove_oldest(); !done) return done;
  }
  return {};
}

Result<void> FileJournal::remove_oldest() {
  fail_point("segment_remove");
  std::unique_ptr<SegmentFile> oldest = std::move(segments_.front());
  segments_.pop_front();
  space_ahead_ = true;
  // Written blocks are the best to write into again. What is in them says that it is of another address.
  // One of another size than is wanted now would stay for ever.
  const bool fits =
      oldest->allocated() >= options_.segment_bytes / 2 && oldest->allocated() <= 2 * options_.segment_bytes;
  const bool recycle = !spare_ && (!full_ || reserve_held_) && fits;
  auto done = recycle ? files_.rename(oldest->path(), path(spare_name)) : files_.remove(oldest->path());
  // Before anything is written into it: a crash could bring the old name back.
  if (done) done = files_.sync_folder(folder_);
  if (!done) return halt(done.error());
  fail_point("segment_removed");
  if (!recycle) return {};
  spare_ = std::move(*oldest).take();
  if (next_ || making_.valid()) return {};
  done = prepare(options_.segment_bytes);
  return !done && is_full(done.error()) ? Result<void>() : or_halt(std::move(done));
}

}  // namespace

Result<void> Journal::release_reserve(Files& files, const std::filesystem::path& folder) {
  if (auto done = files.remove(folder / reserve_name); !done) return done;
  return files.sync_folder(folder);
}

Result<std::unique_ptr<Journal>> Journal::open(Files& files, std::filesystem::path folder, JournalOptions options) {
  auto journal = std::make_unique<FileJournal>(files, std::move(folder), options);
  if (auto done = journal->start(); !done) return fail(std::move(done).error());
  return journal;
}

}  // namespace parley::store
