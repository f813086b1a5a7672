#include "store/ledger.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/fail_point.h"
#include "base/log.h"
#include "store/folders.h"
#include "store/inbox.h"
#include "store/open_group.h"
#include "store/records.h"

namespace parley::store {
namespace {

// The longest wait for a wall-clock time: the clock may jump meanwhile.
constexpr Duration longest_wait = std::chrono::seconds(1);
// Between two looks for space on a full disk.
constexpr Duration between_tidies = std::chrono::milliseconds(250);
// A checkpoint that is not durable by then is tried again: the disk was full, say.
constexpr Duration stuck_after = std::chrono::seconds(2);

class ThreadedLedger final : public Ledger {
 public:
  ThreadedLedger(std::vector<Model*> models, const WallClock& clock, LedgerOptions options)
      : models_(std::move(models)), clock_(clock), options_(options) {}
  ~ThreadedLedger() override {
    inbox_.close();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> start(Files& files, const std::filesystem::path& folder);

  void submit(std::span<Work* const> work) override { inbox_.put(work); }
  Journal& journal() override { return *journal_; }
  View& view() override { return *view_; }
  std::optional<Error> halted() const override {
    const std::lock_guard lock(mutex_);
    return halted_;
  }
  Counts counts() const override {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  Result<void> replay();
  void run();
  void run_group(std::span<Work* const>& left);
  void run_ticks();
  void finish_group();
  bool tick_is_due() const;
  void look_at_due();
  Deadline next_look() const;

  void upkeep();
  bool checkpoint_is_due() const;
  Result<void> checkpoint(Address at);
  Result<void> drop_segments();
  void close();
  void halt(const Error& why);
  bool is_halted() const { return is_halted_; }

  std::vector<Model*> models_;
  const WallClock& clock_;
  LedgerOptions options_;
  std::unique_ptr<Files::Lock> lock_;
  std::unique_ptr<View> view_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<OpenGroup> group_;

  Inbox<Work*> inbox_;
  std::vector<Work*> ran_;                    // in the open group; they hear of its end
  std::vector<std::optional<WallTime>> due_;  // a model's next tick
  WallTime ticked_ = WallTime::min();         // when the last group began
  Address changed_ = 0;                       // the end of the last group that was committed
  std::optional<Instant> changed_since_;      // the last checkpoint: when first
  Instant tidied_{};
  Instant tried_checkpoint_{};
  Address dropped_for_ = 0;  // the durable state for which segments were dropped
  bool is_halted_ = false;

  mutable std::mutex mutex_;
  std::optional<Error> halted_;
  Counts counts_;
  std::thread thread_;  // last: it uses all of the above
};

Result<void> ThreadedLedger::start(Files& files, const std::filesystem::path& folder) {
  if (auto done = files.make_folder(folder); !done) return done;
  if (folder.has_parent_path()) {
    if (auto done = files.sync_folder(folder.parent_path()); !done) return done;
  }
  auto lock = files.lock(folder / lock_name);
  if (!lock) return fail(std::move(lock).error());
  lock_ = *std::move(lock);
  auto view = View::open(files, folder / view_name, options_.view);
  // RocksDB writes a little to open: a full disk must not keep the store from being emptied.
  if (!view && view.error().code() == Code::resource_exhausted &&
      Journal::release_reserve(files, folder / journal_name)) {
    view = View::open(files, folder / view_name, options_.view);
  }
  if (!view) return fail(std::move(view).error());
  view_ = *std::move(view);
  options_.journal.synced = view_->durable();
  auto journal = Journal::open(files, folder / journal_name, options_.journal);
  if (!journal) return fail(std::move(journal).error());
  journal_ = *std::move(journal);
  group_ = std::make_unique<OpenGroup>(models_, *journal_, *view_);
  if (auto done = replay(); !done) return done;
  if (changed_ > view_->checkpointed() && changed_ > first_address) changed_since_ = Clock::now();
  due_.assign(models_.size(), WallTime::min());  // each ticks first thing
  thread_ = std::thread([this] { run(); });
  return {};
}

Result<void> ThreadedLedger::replay() {
  const Address from = std::max(view_->durable(), first_address);
  if (from < journal_->begin()) {
    return fail(Error(Code::data_loss, Blame::us,
                      fmt::format("the view is the state at address {}, but the journal begins at {}: the view of this "
                                  "journal is missing",
                                  view_->durable(), journal_->begin()))
                    .with_reason("view_missing"));
  }
  for (Model* model : models_) {
    if (auto done = model->load(*view_); !done) return done;
  }
  Address saved = changed_ = from;
  return journal_->replay(from, [&](const Frame& frame) -> Result<void> {
    auto applied = read_records(
        frame.body.view(), [&](std::uint64_t model, std::string_view record, std::size_t offset) -> Result<void> {
          if (model >= models_.size()) {
            return fail(Error(Code::failed_precondition, Blame::us,
                              fmt::format("a record of model {}, which this Parley does not know", model))
                            .with_reason("store_version"));
          }
          models_[model]->apply(record, {.frame = frame.at, .offset = static_cast<std::uint32_t>(offset)}, frame.time,
                                *view_);
          return {};
        });
    if (!applied) return fail(std::move(applied).error().during(fmt::format("the frame at address {}", frame.at)));
    changed_ = frame.next;
    if (changed_ - saved < options_.checkpoint_bytes) return {};
    saved = changed_;
    auto done = checkpoint(changed_);  // the changes are in memory until then
    return !done && done.error().code() == Code::resource_exhausted ? Result<void>() : done;
  });
}

void ThreadedLedger::run() {
  std::vector<Work*> taken;
  while (inbox_.take(taken, next_look())) {
    std::span<Work* const> left(taken);
    do {
      run_group(left);
      upkeep();
    } while (!left.empty());
    taken.clear();
  }
  close();
}

// One group: what is due, then as much of `left` as fits; the rest is the next one's.
void ThreadedLedger::run_group(std::span<Work* const>& left) {
  ran_.clear();
  group_->begin(clock_.now());
  if (!is_halted()) run_ticks();
  while (!left.empty() && (ran_.empty() || group_->bytes() < options_.group_bytes)) {
    Work* work = left.front();
    left = left.subspan(1);
    if (!is_halted()) {
      group_->spend(work->frees() ? Journal::Spend::reserve : Journal::Spend::space);
      work->run(*group_);
    }
    ran_.push_back(work);
  }
  finish_group();
}

void ThreadedLedger::run_ticks() {
  // The clock was set back: what a model waits for may be nearer than it seems.
  if (group_->time() < ticked_) due_.assign(models_.size(), WallTime::min());
  ticked_ = group_->time();
  group_->spend(Journal::Spend::reserve);  // whoever waits for a lease to run out must not wait for space
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (due_[i] && *due_[i] <= group_->time()) due_[i] = models_[i]->tick(*group_);
  }
}

void ThreadedLedger::finish_group() {
  const std::size_t bytes = group_->bytes();
  if (!is_halted()) {
    if (auto done = group_->commit(); !done) {
      halt(done.error());
    } else if (bytes != 0) {
      changed_ = journal_->end();
      if (!changed_since_) changed_since_ = Clock::now();
    }
  }
  Result<void> outcome;
  {
    const std::lock_guard lock(mutex_);
    if (halted_) outcome = fail(*halted_);
    counts_.groups += bytes != 0 ? 1 : 0;
    counts_.works += ran_.size();
    counts_.bytes += bytes;
    counts_.refused = group_->refused();
    counts_.disk_full = journal_->full();
  }
  for (Work* work : ran_) work->done(outcome);
  look_at_due();
}

void ThreadedLedger::look_at_due() {
  for (std::size_t i = 0; i < models_.size() && !is_halted(); ++i) {
    const auto sooner = models_[i]->due();
    if (sooner && (!due_[i] || *sooner < *due_[i])) due_[i] = sooner;
  }
}

Deadline ThreadedLedger::next_look() const {
  if (is_halted()) return Deadline::never();
  std::optional<WallTime> first;
  for (const auto& due : due_) {
    if (due && (!first || *due < *first)) first = due;
  }
  const Instant now = Clock::now();
  Duration wait = longest_wait;
  if (first) {
    const WallTime wall = clock_.now();
    if (*first <= wall) return Deadline::at(now);
    wait = std::min(wait, std::chrono::duration_cast<Duration>(
                              std::min<WallTime::duration>(*first - wall, std::chrono::seconds(1))));
  } else if (!changed_since_ && !journal_->full() && view_->durable() == dropped_for_ &&
             view_->durable() == view_->checkpointed()) {
    return Deadline::never();
  }
  if (changed_since_) {
    wait = std::min(wait, std::max(*changed_since_ + options_.checkpoint_every - now, between_tidies));
  }
  return Deadline::at(now + wait);
}

// What nobody waits for, between two groups.
void ThreadedLedger::upkeep() {
  if (is_halted()) return;
  const Instant now = Clock::now();
  bool look_again = false;  // on a full disk, for what a model has done without since
  if (!journal_->full() || now - tidied_ >= between_tidies) {
    look_again = journal_->full();
    tidied_ = now;
    if (auto done = journal_->tidy(); !done) return halt(done.error());
  }
  Result<void> done;
  if (checkpoint_is_due()) {
    tried_checkpoint_ = now;
    if (journal_->full()) done = journal_->release_reserve();
    if (done) done = checkpoint(changed_);
  }
  if (done && (look_again || view_->durable() != dropped_for_)) {
    dropped_for_ = view_->durable();
    done = drop_segments();
  }
  // The disk is full: the changes stay in memory, and the journal has them.
  if (!done && done.error().code() != Code::resource_exhausted) halt(done.error());
}

bool ThreadedLedger::checkpoint_is_due() const {
  const Duration since = Clock::now() - tried_checkpoint_;
  // One at a time, or RocksDB would hold us up if it fell behind; and once more if nothing comes of it.
  if (view_->durable() != view_->checkpointed()) return since >= stuck_after;
  if (!changed_since_) return false;
  if (changed_ - view_->checkpointed() >= options_.checkpoint_bytes) return true;
  return since >= between_tidies && (journal_->full() || Clock::now() - *changed_since_ >= options_.checkpoint_every);
}

Result<void> ThreadedLedger::checkpoint(Address at) {
  fail_point("checkpoint_begin");
  for (Model* model : models_) model->save(*view_);
  if (auto done = view_->checkpoint(at); !done) return done;
  changed_since_.reset();
  fail_point("checkpoint_end");
  const std::lock_guard lock(mutex_);
  ++counts_.checkpoints;
  return {};
}

Result<void> ThreadedLedger::drop_segments() {
  Address needed = view_->durable();
  for (Model* model : models_) needed = std::min(needed, model->needed_from(*view_));
  return journal_->remove_before(needed);
}

void ThreadedLedger::close() {
  if (is_halted()) return;  // the models are ahead of the disk: what they would save never happened
  auto done = changed_since_ ? checkpoint(changed_) : Result<void>();
  if (done) done = view_->flush();
  if (done) done = drop_segments();
  if (!done) log::warn("closing the store without a checkpoint; the next start takes longer: {}", done.error().text());
}

void ThreadedLedger::halt(const Error& why) {
  is_halted_ = true;
  log::error("the ledger halts: {}", why.text());
  const std::lock_guard lock(mutex_);
  if (halted_) return;
  if (why.reason() == "store_halted" || why.code() == Code::data_loss) {
    halted_ = why;
  } else {
    halted_ = Error(Code::unavailable, Blame::us, "the store halted: " + why.message()).with_reason("store_halted");
  }
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(Files& files, const std::filesystem::path& folder,
                                             std::vector<Model*> models, const WallClock& clock,
                                             LedgerOptions options) {
  auto ledger = std::make_unique<ThreadedLedger>(std::move(models), clock, options);
  if (auto done = ledger->start(files, folder); !done) return fail(std::move(done).error());
  return ledger;
}

}  // namespace parley::store
