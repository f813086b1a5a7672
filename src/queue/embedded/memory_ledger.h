// MemoryLedger: a ledger without a thread, a disk or time of its own, for tests of the model: a turn is a call, a group
// is a frame in a list. `crash` throws the model away and makes another one from the last checkpoint and the frames
// behind it. It counts what the model asks of its view.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "queue/embedded/ops.h"
#include "store/records.h"

namespace parley::queue::embedded {

class MemoryView final : public store::View {
 public:
  Result<std::optional<std::string>> get(std::string_view key) override {
    ++operations;
    const auto at = map.find(key);
    return at == map.end() ? std::nullopt : std::optional(at->second);
  }
  void put(std::string_view key, std::string_view value) override {
    ++operations;
    map.insert_or_assign(std::string(key), std::string(value));
  }
  void remove(std::string_view key) override {
    ++operations;
    if (const auto at = map.find(key); at != map.end()) map.erase(at);
  }
  void remove_range(std::string_view from, std::string_view to) override {
    ++operations;
    if (from < to) map.erase(map.lower_bound(from), map.lower_bound(to));
  }
  Result<void> scan(std::string_view from, std::string_view to,
                    const std::function<bool(std::string_view, std::string_view)>& each) override {
    ++operations;
    for (auto at = map.lower_bound(from); at != map.end() && at->first < to; ++at) {
      ++operations;
      if (!each(at->first, at->second)) break;
    }
    return {};
  }
  Result<std::optional<std::pair<std::string, std::string>>> last(std::string_view from,
                                                                  std::string_view before) override {
    ++operations;
    auto at = map.lower_bound(before);
    if (at == map.begin()) return std::nullopt;
    --at;
    if (at->first < from) return std::nullopt;
    return std::pair(at->first, at->second);
  }
  Result<void> checkpoint(store::Address) override { return {}; }
  Result<void> flush() override { return {}; }
  store::Address checkpointed() const override { return 0; }
  store::Address durable() const override { return 0; }
  std::size_t pending_bytes() const override { return 0; }

  std::map<std::string, std::string, std::less<>> map;
  std::uint64_t operations = 0;
};

// Frames are where their bytes would be; a segment is `segment_bytes` of them.
class MemoryJournal final : public store::Journal {
 public:
  store::Address begin() const override { return begin_; }
  store::Address end() const override { return end_; }
  store::Address synced() const override { return end_; }
  Result<void> make_room(std::size_t, Spend) override { return {}; }
  bool full() const override { return false; }
  Result<store::Frame> append(Bytes body, WallTime time, Spend) override {
    store::Frame frame{.at = end_, .next = end_ + body.size() + 32, .time = time, .body = std::move(body)};
    end_ = frame.next;
    frames_.emplace(frame.at, frame);
    return frame;
  }
  Result<void> sync() override { return {}; }
  Result<void> tidy() override { return {}; }
  Result<store::Frame> read(store::Address at) override {
    ++reads;
    const auto frame = frames_.find(at);
    if (frame == frames_.end()) throw std::logic_error("a frame that is not there is read");
    return frame->second;
  }
  Result<void> replay(store::Address from, const std::function<Result<void>(const store::Frame&)>& each) override {
    for (auto at = frames_.lower_bound(from); at != frames_.end(); ++at) {
      if (auto done = each(at->second); !done) return done;
    }
    return {};
  }
  std::vector<Segment> segments() const override {
    std::vector<Segment> list;
    for (const auto& [at, frame] : frames_) {
      if (list.empty() || at - list.back().from >= segment_bytes)
        list.push_back({.from = at, .to = at, .file_bytes = 0});
      list.back().to = frame.next;
    }
    return list;
  }
  Result<void> remove_before(store::Address needed) override {
    for (auto all = segments(); all.size() > 1 && all.front().to <= needed; all.erase(all.begin())) {
      begin_ = all.front().to;
    }
    frames_.erase(frames_.begin(), frames_.lower_bound(begin_));
    return {};
  }

  std::uint64_t segment_bytes = 1 << 20;
  std::uint64_t reads = 0;

 private:
  store::Address begin_ = 1;
  store::Address end_ = 1;
  std::map<store::Address, store::Frame> frames_;
};

class MemoryLedger final : private Completions {
 public:
  explicit MemoryLedger(ModelOptions options) : options_(options) { boot(); }

  Model& model() { return *model_; }
  WallTime now{std::chrono::milliseconds(1'700'000'000'000)};
  MemoryView view;
  MemoryJournal journal;
  std::size_t group_room = ~std::size_t{0};  // bytes of records in a group; more is refused as by a full disk

  // Runs to the end; an operation that waits stays waiting (is_complete is false).
  void run(std::vector<Op*> ops) {
    for (Op* op : ops) op->completions = this;
    group(std::move(ops));
    while (again_) group({});
  }
  void run(Op& op) { run(std::vector<Op*>{&op}); }
  // What is due by now happens.
  void tick() {
    for (int i = 0; i < 100 && (!due_ || *due_ <= now); ++i) run(std::vector<Op*>());
  }
  void checkpoint() {
    model_->save(view);
    saved_ = view.map;
    saved_at_ = journal.end();
    (void)journal.remove_before(std::min(saved_at_, model_->needed_from(view)));
  }
  void crash() {
    view.map = saved_;
    boot();
  }
  // The same without a loss of the view: as after an orderly end.
  void restart() {
    checkpoint();
    boot();
  }

 private:
  class OneGroup final : public store::Group {
   public:
    OneGroup(MemoryLedger& ledger) : ledger_(ledger) {}
    WallTime time() const override { return ledger_.now; }
    Result<void> add(int model, std::string_view record) override {
      if (auto found = room(1, record.size()); !found) return found;
      const std::size_t offset = store::append_record(body, model, record);
      const std::string copy(record);  // as in the ledger: the record is not the caller's any more
      ledger_.model_->apply(copy, {ledger_.journal.end(), static_cast<std::uint32_t>(offset)}, ledger_.now,
                            ledger_.view);
      return {};
    }
    Result<void> room(std::size_t records, std::size_t bytes) override {
      if (body.size() + records * store::max_record_head + bytes <= ledger_.group_room) return {};
      return fail(Error(Code::resource_exhausted, Blame::us, "the disk is full").with_reason("disk_full"));
    }
    std::string body;

   private:
    MemoryLedger& ledger_;
  };

  void group(std::vector<Op*> ops) {
    again_ = false;
    OneGroup group(*this);
    if (now < ticked_) due_.reset();
    ticked_ = now;
    if (!due_ || *due_ <= now) due_ = model_->tick(group);
    const std::vector<Op*> finished = model_->run_turn(std::move(ops), group);
    if (!group.body.empty()) journal.append(Bytes(std::move(group.body)), now, store::Journal::Spend::space).value();
    model_->end_turn(finished, Result<void>());
    const auto sooner = model_->due();
    if (sooner && due_ && *sooner < *due_) due_ = sooner;
  }
  void boot() {
    model_ = std::make_unique<Model>(options_);
    if (auto loaded = model_->load(view); !loaded) throw std::runtime_error(loaded.error().text());
    const auto replayed = journal.replay(saved_at_, [&](const store::Frame& frame) {
      return store::read_records(frame.body.view(), [&](std::uint64_t, std::string_view record, std::size_t offset) {
        model_->apply(record, {frame.at, static_cast<std::uint32_t>(offset)}, frame.time, view);
        return Result<void>();
      });
    });
    if (!replayed) throw std::runtime_error(replayed.error().text());
    model_->attach(journal, view, [this] { again_ = true; });
    due_.reset();
  }
  void completed(Op& op) override { op.is_complete = true; }

  ModelOptions options_;
  std::unique_ptr<Model> model_;
  std::map<std::string, std::string, std::less<>> saved_;
  store::Address saved_at_ = 1;
  std::optional<WallTime> due_;
  WallTime ticked_ = WallTime::min();
  bool again_ = false;
};

}  // namespace parley::queue::embedded
