#include "store/ledger.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/forgetful_files.h"
#include "store/little_endian.h"
#include "store/records.h"
#include "store/test_seeds.h"

namespace parley::store {
namespace {

using Fate = ForgetfulFiles::Fate;
using Operation = ForgetfulFiles::Operation;
const std::filesystem::path folder = "/store";

constexpr LedgerOptions small = {
    .journal = {.segment_bytes = 16 << 10, .reserve_bytes = 8 << 10, .recent_bytes = 4 << 10},
    .view = {.cache_bytes = 1 << 20, .table_bytes = 1 << 20},
    .checkpoint_bytes = 6 << 10,
    .group_bytes = 4 << 10};

class FakeClock final : public WallClock {
 public:
  WallTime now() const override { return WallTime(std::chrono::milliseconds(now_.load())); }
  void advance(std::chrono::milliseconds by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ = 1'000'000;
};

// A list of records: in the view one by one, and in memory as a number and a checksum that depends on their order.
struct List final : Model {
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  std::optional<WallTime> wake;  // for `due`
  std::function<std::optional<WallTime>(Group&)> on_tick;
  std::vector<RecordPlace> places;  // since it was opened
  bool keeps_all = false;
  std::string name;

  explicit List(std::string its_name = "list") : name(std::move(its_name)) {}

  static std::string key(std::uint64_t i, std::string_view name) { return fmt::format("{} {:08}", name, i); }
  static std::uint64_t add_to(std::uint64_t sum, std::string_view record) {
    return sum * 1'000'003 + std::hash<std::string_view>()(record);
  }

  void apply(std::string_view record, RecordPlace place, WallTime, View& view) override {
    view.put(key(count, name), record);
    places.push_back(place);
    ++count;
    sum = add_to(sum, record);
    // Only the last hundred are kept, so that removals are replayed too.
    if (count > 100) view.remove_range(key(0, name), key(count - 100, name));
  }
  void save(View& view) override {
    std::array<char, 16> numbers{};
    put_number(numbers.data(), count);
    put_number(numbers.data() + 8, sum);
    view.put(name, {numbers.data(), numbers.size()});
  }
  Result<void> load(View& view) override {
    auto numbers = view.get(name);
    if (!numbers) return fail(std::move(numbers).error());
    if (!*numbers) return {};
    count = get_number<std::uint64_t>((*numbers)->data());
    sum = get_number<std::uint64_t>((*numbers)->data() + 8);
    return {};
  }
  std::optional<WallTime> tick(Group& group) override { return on_tick ? on_tick(group) : std::nullopt; }
  std::optional<WallTime> due() const override { return std::exchange(const_cast<List*>(this)->wake, std::nullopt); }
  Address needed_from(View&) override { return keeps_all ? 0 : ~Address{0}; }
};

std::uint64_t sum_of(std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < count; ++i) sum = List::add_to(sum, fmt::format("record {}", i));
  return sum;
}

// Waits until all have been done.
class Latch {
 public:
  void expect() {
    const std::lock_guard lock(mutex_);
    ++left_;
  }
  void done() {
    const std::lock_guard lock(mutex_);
    if (--left_ == 0) changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int left_ = 0;
};

struct Call final : Work {
  Call(Latch& latch, std::function<void(Group&)> what, bool freeing = false)
      : latch_(latch), what_(std::move(what)), freeing_(freeing) {
    latch_.expect();
  }
  bool frees() const override { return freeing_; }
  void run(Group& group) override {
    ran = true;
    what_(group);
  }
  void done(const Result<void>& durable) override {
    outcome = durable;
    latch_.done();
  }

  bool ran = false;
  std::optional<Result<void>> outcome;

 private:
  Latch& latch_;
  std::function<void(Group&)> what_;
  bool freeing_;
};

struct Store {
  FakeClock clock;
  List list;
  List other{"other"};
  std::unique_ptr<Ledger> ledger;

  explicit Store(Files& files, LedgerOptions options = small) {
    auto opened = Ledger::open(files, folder, {&list, &other}, clock, options);
    if (opened) {
      ledger = *std::move(opened);
    } else {
      error = opened.error();
    }
  }
  // On the ledger's thread, in a group; returns what became of it.
  Result<void> perform(const std::function<void(Group&)>& what, bool freeing = false) {
    Latch latch;
    Call call(latch, what, freeing);
    Work* work = &call;
    ledger->submit({&work, 1});
    latch.wait();
    return *call.outcome;
  }
  Result<void> add(std::string_view record, bool freeing = false) {
    Result<void> added;
    auto durable = perform([&](Group& group) { added = group.add(0, record); }, freeing);
    return added ? durable : added;
  }
  void add_all(std::uint64_t to) {
    for (std::uint64_t i = list.count; i < to; ++i) ASSERT_TRUE(add(fmt::format("record {}", i)).has_value());
  }
  std::vector<std::string> items() {
    std::vector<std::string> out;
    EXPECT_TRUE(perform([&](Group&) {
                  EXPECT_TRUE(ledger->view()
                                  .scan("list ", "list~",
                                        [&](std::string_view, std::string_view value) {
                                          out.emplace_back(value);
                                          return true;
                                        })
                                  .has_value());
                }).has_value());
    return out;
  }
  void expect_first(std::uint64_t count) {
    EXPECT_EQ(list.count, count);
    EXPECT_EQ(list.sum, sum_of(count));
    std::vector<std::string> expected;
    for (std::uint64_t i = count > 100 ? count - 100 : 0; i < count; ++i)
      expected.push_back(fmt::format("record {}", i));
    EXPECT_EQ(items(), expected);
  }

  std::optional<Error> error;
};

TEST(Records, AreReadBackAndDamageIsSeen) {
  std::string body;
  const std::string longer(300, 'r');
  EXPECT_EQ(append_record(body, 0, "first"), 2U);
  EXPECT_EQ(append_record(body, 200, ""), body.size());
  const std::size_t offset = append_record(body, 1, longer);
  std::vector<std::pair<std::uint64_t, std::string>> found;
  std::size_t last = 0;
  const auto collect = [&](std::uint64_t model, std::string_view record, std::size_t at) -> Result<void> {
    found.emplace_back(model, record);
    last = at;
    return {};
  };
  ASSERT_TRUE(read_records(body, collect).has_value());
  EXPECT_EQ(found, (std::vector<std::pair<std::uint64_t, std::string>>{{0, "first"}, {200, ""}, {1, longer}}));
  EXPECT_EQ(last, offset);
  for (const std::string_view bad : {std::string_view("\x00\x05"
                                                      "1234",
                                                      6),
                                     std::string_view("\x80", 1), std::string_view("\x00", 1),
                                     std::string_view("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12)}) {
    EXPECT_EQ(read_records(bad, collect).error().code(), Code::data_loss);
  }
}

TEST(Ledger, StateSurvivesRestarts) {
  ForgetfulFiles files;
  for (const std::uint64_t count : {1U, 2U, 50U, 300U, 700U}) {
    Store store(files);
    ASSERT_FALSE(store.error) << store.error->text();
    store.add_all(count);
    store.expect_first(count);
  }
  Store store(files);
  store.expect_first(700);
  EXPECT_LT(store.ledger->journal().segments().size(), 4U) << "what no model needs is dropped";
  EXPECT_GT(store.ledger->journal().begin(), first_address);
}

TEST(Ledger, WorksWithTheOperatingSystemsFiles) {
  std::string name = (std::filesystem::temp_directory_path() / "parley-ledger-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const FakeClock clock;
  for (const std::uint64_t count : {300U, 600U}) {
    List list;
    auto ledger = Ledger::open(real_files(), name + "/store", {&list}, clock, small);
    ASSERT_TRUE(ledger.has_value()) << ledger.error().text();
    EXPECT_EQ(list.count, count - 300);
    EXPECT_EQ(list.sum, sum_of(list.count));
    List unused;
    EXPECT_EQ(Ledger::open(real_files(), name + "/store", {&unused}, clock, small).error().code(),
              Code::failed_precondition);
    Latch latch;
    std::vector<std::unique_ptr<Call>> calls;
    for (std::uint64_t i = count - 300; i < count; ++i) {
      calls.push_back(std::make_unique<Call>(
          latch, [i](Group& group) { EXPECT_TRUE(group.add(0, fmt::format("record {}", i)).has_value()); }));
      Work* work = calls.back().get();
      (*ledger)->submit({&work, 1});
    }
    latch.wait();
  }
  std::filesystem::remove_all(name);
}

TEST(Ledger, RecordsAreFoundAgainWhereTheyWere) {
  ForgetfulFiles files;
  Store store(files);
  store.list.keeps_all = true;
  store.add_all(200);
  const std::vector<RecordPlace> places = store.list.places;
  EXPECT_TRUE(store
                  .perform([&](Group&) {
                    for (std::uint64_t i = 0; i < places.size(); ++i) {
                      auto frame = store.ledger->journal().read(places[i].frame);
                      ASSERT_TRUE(frame.has_value()) << frame.error().text();
                      EXPECT_TRUE(frame->body.view().substr(places[i].offset).starts_with(fmt::format("record {}", i)));
                    }
                  })
                  .has_value());
}

TEST(Ledger, AGroupHasOneSyncAndAllItsRecords) {
  ForgetfulFiles files;
  Store store(files);
  std::mutex held;
  held.lock();
  Latch latch;
  // The ledger is busy with the first while the others gather.
  Call first(latch, [&](Group&) { const std::lock_guard wait(held); });
  std::vector<std::unique_ptr<Call>> calls;
  Work* work = &first;
  store.ledger->submit({&work, 1});
  for (std::uint64_t i = 0; i < 50; ++i) {
    calls.push_back(std::make_unique<Call>(
        latch, [i](Group& group) { EXPECT_TRUE(group.add(0, fmt::format("record {}", i)).has_value()); }));
  }
  std::vector<Work*> works;
  for (const auto& call : calls) works.push_back(call.get());
  const auto before = store.ledger->counts();
  store.ledger->submit(works);
  held.unlock();
  latch.wait();
  const auto after = store.ledger->counts();
  EXPECT_LE(after.groups - before.groups, 2U);
  EXPECT_GE(after.works - before.works, 50U);
  store.expect_first(50);
}

TEST(Ledger, NothingIsWrittenForAGroupWithoutRecords) {
  ForgetfulFiles files;
  LedgerOptions options = small;
  options.checkpoint_every = std::chrono::hours(1);
  Store store(files, options);
  store.add_all(1);
  EXPECT_TRUE(store.perform([](Group&) {}).has_value());  // what is done between groups is behind us, too
  // Of the journal: RocksDB's own threads come and go.
  std::atomic<int> changes = 0;
  files.set_fault([&](Operation operation, const std::filesystem::path& path) -> std::optional<Error> {
    if (operation != Operation::read && path.string().contains("/journal")) ++changes;
    return std::nullopt;
  });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(store.perform([](Group&) {}).has_value());
  EXPECT_EQ(changes, 0);
  EXPECT_TRUE(store.add("record 1").has_value());
  EXPECT_GT(changes, 0);
  EXPECT_EQ(store.ledger->counts().groups, 2U);
  files.set_fault({});
}

TEST(Ledger, TwoModelsShareAFrame) {
  ForgetfulFiles files;
  {
    Store store(files);
    ASSERT_TRUE(store
                    .perform([](Group& group) {
                      EXPECT_TRUE(group.add(0, "record 0").has_value());
                      EXPECT_TRUE(group.add(1, "of the other").has_value());
                    })
                    .has_value());
  }
  files.crash(Fate::lost);
  Store store(files);
  EXPECT_EQ(store.list.count, 1U);
  EXPECT_EQ(store.other.count, 1U);
}

TEST(Ledger, ASecondOpenerIsKeptOut) {
  ForgetfulFiles files;
  Store store(files);
  Store second(files);
  ASSERT_TRUE(second.error);
  EXPECT_EQ(second.error->code(), Code::failed_precondition);
}

// What a power loss leaves under the journal and under RocksDB: all that was acknowledged, and the first of what was
// not, in order.
class LedgerPowerLoss : public testing::TestWithParam<Fate> {};

TEST_P(LedgerPowerLoss, LosesNothingThatWasAcknowledged) {
  std::uint64_t checkpoints = 0;
  for (std::uint64_t seed = 0; seed < seeds(50); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    ForgetfulFiles files;
    files.as_journaling_file_system();
    std::uint64_t acknowledged = 0;
    std::uint64_t submitted = 0;
    for (int round = 0; round < 3; ++round) {
      files.power_off_after(random() % (round == 0 ? 60 : 250));
      {
        Store store(files);
        if (store.ledger) {
          ASSERT_GE(store.list.count, acknowledged);
          submitted = store.list.count;
          ASSERT_EQ(store.list.sum, sum_of(submitted));
        }
        while (store.ledger && files.powered() && submitted < 2000) {
          Latch latch;
          std::vector<std::unique_ptr<Call>> calls;
          std::vector<Work*> works;
          for (std::uint64_t n = random() % 20 + 1; n > 0; --n) {
            calls.push_back(std::make_unique<Call>(
                latch, [i = submitted](Group& group) { (void)group.add(0, fmt::format("record {}", i)); }));
            works.push_back(calls.back().get());
            ++submitted;
          }
          store.ledger->submit(works);
          latch.wait();
          for (const auto& call : calls) acknowledged += call->outcome->has_value() ? 1 : 0;
          if (acknowledged != submitted) break;
        }
        if (store.ledger) checkpoints += store.ledger->counts().checkpoints;
      }
      files.crash(GetParam(), seed * 7 + static_cast<std::uint64_t>(round));
      Store store(files);
      ASSERT_FALSE(store.error) << store.error->text();
      ASSERT_GE(store.list.count, acknowledged);
      ASSERT_LE(store.list.count, submitted);
      store.expect_first(store.list.count);
      if (testing::Test::HasFailure()) return;
      acknowledged = store.list.count;
    }
  }
  EXPECT_GT(checkpoints, 30U);
}

std::string long_record(std::uint64_t i) {
  return fmt::format("record {} ", i) + std::string(i * 7919 % 1500, static_cast<char>('a' + i % 26));
}

// A disk that fills up and has space again, and processes that die, on top of that.
struct FullDisk {
  explicit FullDisk(std::uint64_t seed) : random(seed) { files.as_journaling_file_system(); }

  void check(Store& store) {
    ASSERT_GE(store.list.count, acknowledged);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < store.list.count; ++i) sum = List::add_to(sum, long_record(i));
    ASSERT_EQ(store.list.sum, sum);
  }
  // Until the power goes.
  void run() {
    Store store(files, options);
    if (!store.ledger) {
      EXPECT_TRUE(!files.powered() || store.error->code() == Code::resource_exhausted) << store.error->text();
      return;
    }
    check(store);
    acknowledged = store.list.count;  // the first of what was not acknowledged may be there too
    for (int step = 0; step < 80 && !testing::Test::HasFailure(); ++step) {
      const auto action = random() % 20;
      if (action == 0) files.set_capacity(files.used() + random() % (96 << 10));
      if (action == 1) files.set_capacity(1 << 30);
      const bool keeps_all = random() % 3 == 0;
      bool added = false;
      const auto durable = store.perform(
          [&](Group& group) {
            store.list.keeps_all = keeps_all;
            added = group.add(0, long_record(store.list.count)).has_value();
          },
          random() % 2 == 0);
      if (!durable) {
        EXPECT_TRUE(!files.powered()) << durable.error().text() << " though only space was short";
        return;
      }
      if (added) ++acknowledged;
      ASSERT_EQ(store.list.count, acknowledged) << "what was refused was not applied";
    }
  }
  // All is settled, and there is space: then nothing is refused for long.
  void comes_back() {
    files.set_capacity(1 << 30);
    Store store(files, options);
    ASSERT_FALSE(store.error) << store.error->text();
    check(store);
    const Instant end = Clock::now() + std::chrono::seconds(60);
    Result<void> taken;
    while (!(taken = store.add(long_record(store.list.count))) && Clock::now() < end) std::this_thread::yield();
    ASSERT_TRUE(taken.has_value()) << taken.error().text();
    acknowledged = store.list.count;
  }

  static constexpr LedgerOptions options = [] {
    LedgerOptions with = small;
    with.journal.reserve_bytes = 64 << 10;
    return with;
  }();
  ForgetfulFiles files;
  std::mt19937_64 random;
  std::uint64_t acknowledged = 0;
};

TEST_P(LedgerPowerLoss, LosesNothingOnADiskThatFillsUp) {
  for (std::uint64_t seed = 0; seed < seeds(40); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    FullDisk disk(seed);
    for (std::uint64_t round = 0; round < 4; ++round) {
      if (disk.random() % 2 == 0) disk.files.power_off_after(disk.random() % 600);
      disk.run();
      if (disk.random() % 3 == 0) {
        disk.files.die();
      } else {
        disk.files.crash(GetParam(), seed * 7 + round);
      }
      if (disk.random() % 2 == 0) disk.comes_back();
      if (testing::Test::HasFailure()) return;
    }
    disk.comes_back();
    if (testing::Test::HasFailure()) return;
  }
}
std::string fate_name(const testing::TestParamInfo<Fate>& fate) {
  constexpr std::array names = {"Lost", "Kept", "Prefix", "Torn"};
  return names.at(static_cast<std::size_t>(fate.param));
}
INSTANTIATE_TEST_SUITE_P(Ledger, LedgerPowerLoss, testing::Values(Fate::lost, Fate::prefix, Fate::torn), fate_name);

TEST(Ledger, AFailedSyncHaltsIt) {
  ForgetfulFiles files;
  bool once = true;
  {
    Store store(files);
    store.add_all(5);
    files.set_fault([&](Operation operation, const std::filesystem::path& path) -> std::optional<Error> {
      if (operation != Operation::sync || path.extension() != ".journal" || !std::exchange(once, false)) return {};
      return Error(Code::unavailable, Blame::us, "Input/output error");
    });
    EXPECT_EQ(store.add("never acknowledged").error().reason(), "store_halted");
    EXPECT_TRUE(store.ledger->halted());
    bool ran = false;
    EXPECT_EQ(store.perform([&](Group&) { ran = true; }).error().reason(), "store_halted");
    EXPECT_FALSE(ran) << "its state is ahead of the disk";
  }
  files.set_fault({});
  files.crash(Fate::kept);
  Store store(files);
  store.expect_first(5);
}

TEST(Ledger, AFullDiskRefusesWhatNeedsSpaceAndTakesWhatFreesIt) {
  ForgetfulFiles files;
  Store store(files);
  store.list.keeps_all = true;
  store.add_all(5);
  files.set_capacity(files.used() + (20 << 10));
  std::uint64_t added = 5;
  while (store.add(fmt::format("record {}", added))) ++added;
  EXPECT_EQ(store.list.count, added) << "what was refused was not applied";
  EXPECT_EQ(store.add("x").error().code(), Code::resource_exhausted);
  EXPECT_TRUE(store.ledger->counts().disk_full);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(store.add(fmt::format("record {}", added), true).has_value());
    ++added;
  }
  EXPECT_FALSE(store.ledger->halted());
  store.ledger.reset();
  files.crash(Fate::lost);
  Store again(files);
  ASSERT_FALSE(again.error) << again.error->text();
  again.expect_first(added);
}

TEST(Ledger, TakesPublishesAgainWhenSpaceComesBack) {
  ForgetfulFiles files;
  Store store(files);
  files.set_capacity(files.used());
  std::uint64_t added = 0;
  while (store.add(fmt::format("record {}", added))) ++added;
  files.set_capacity(10 << 20);
  Result<void> outcome;
  const Instant end = Clock::now() + std::chrono::seconds(60);
  while (!(outcome = store.add(fmt::format("record {}", added))) && Clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(outcome.has_value());
  store.expect_first(added + 1);
}

TEST(Ledger, ConsumingMakesSpaceOnAFullDisk) {
  ForgetfulFiles files;
  LedgerOptions options = small;
  options.journal.reserve_bytes = 64 << 10;  // RocksDB opens and flushes in it
  files.set_capacity(400 << 10);
  std::uint64_t added = 0;
  {
    Store store(files, options);
    store.list.keeps_all = true;
    while (store.add(fmt::format("record {}", added) + std::string(200, '.'))) ++added;
    EXPECT_GT(added, 500U);
  }
  files.crash(Fate::kept);
  Store store(files, options);  // a restart on the full disk
  ASSERT_FALSE(store.error) << store.error->text();
  EXPECT_EQ(store.list.count, added);
  // Nothing is needed any more; a settlement says so, and the rest follows by itself.
  ASSERT_TRUE(store.add("settled", true).has_value());
  const Instant end = Clock::now() + std::chrono::seconds(60);
  Result<void> outcome;
  while (!(outcome = store.add("published")) && Clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(outcome.has_value()) << outcome.error().text();
  EXPECT_FALSE(store.ledger->counts().disk_full);
}

// A model may find out that it does not need something without a record, and nothing else happens then.
TEST(Ledger, WhatIsNoLongerNeededOnAFullDiskGoesWithoutARecord) {
  ForgetfulFiles files;
  LedgerOptions options = FullDisk::options;
  options.journal.segment_bytes = 256 << 10;
  Store store(files, options);
  files.set_capacity(1 << 20);
  ASSERT_TRUE(store.perform([&](Group&) { store.list.keeps_all = true; }).has_value());
  for (int refused = 0; refused < 3; ++refused) {  // it may come back from that once or twice
    while (store.add(long_record(store.list.count))) refused = 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  const auto is_saved = [&] {
    bool saved = false;
    (void)store.perform([&](Group&) { saved = store.ledger->view().durable() == store.ledger->journal().end(); });
    return saved;
  };
  const Instant end = Clock::now() + std::chrono::seconds(60);
  while (!is_saved() && Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(is_saved() && store.ledger->counts().disk_full);
  ASSERT_TRUE(store.perform([&](Group&) { store.list.keeps_all = false; }).has_value());
  Result<void> taken;
  while (!(taken = store.add("published")) && Clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(taken.has_value()) << taken.error().text();
}

// However a disk of its own was filled, and whatever ended the process: once nothing is needed, it takes publishes.
TEST(Ledger, ComesBackFromAFullDiskByItself) {
  for (std::uint64_t seed = 0; seed < seeds(4); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    FullDisk disk(seed);
    disk.files.set_capacity((300 << 10) + disk.random() % (400 << 10));
    for (int round = 0; round < 3; ++round) {
      Store store(disk.files, FullDisk::options);
      ASSERT_FALSE(store.error) << store.error->text();
      disk.check(store);
      ASSERT_TRUE(store.perform([&](Group&) { store.list.keeps_all = true; }).has_value());
      int refused = 0;
      for (int step = 0; step < 2'000 && refused < 20; ++step) {
        if (!store.add(long_record(store.list.count), disk.random() % 8 == 0)) ++refused;
      }
      disk.acknowledged = store.list.count;
      if (disk.random() % 2 == 0) {
        ASSERT_TRUE(store.perform([&](Group&) { store.list.keeps_all = false; }).has_value());
        (void)store.add(long_record(store.list.count), true);
        const Instant end = Clock::now() + std::chrono::seconds(60);
        Result<void> taken;
        while (!(taken = store.add(long_record(store.list.count))) && Clock::now() < end) std::this_thread::yield();
        ASSERT_TRUE(taken.has_value()) << taken.error().text();
        disk.acknowledged = store.list.count;
      }
      store.ledger.reset();
      if (disk.random() % 2 == 0) disk.files.crash(Fate::lost);
    }
  }
}

TEST(Ledger, TicksWhenTheWallClockSaysSo) {
  using std::chrono::hours;
  ForgetfulFiles files;
  Store store(files);
  std::atomic<int> ticks = 0;
  const WallTime begin = store.clock.now();
  // On its thread: from now on it counts, and asks for 72 hours from the beginning.
  ASSERT_TRUE(store
                  .perform([&](Group&) {
                    store.list.on_tick = [&](Group& group) -> std::optional<WallTime> {
                      if (group.time() < begin + hours(72)) return begin + hours(72);
                      EXPECT_TRUE(group.add(0, fmt::format("record {}", store.list.count)).has_value());
                      ++ticks;
                      return std::nullopt;
                    };
                    store.list.wake = begin + hours(72);
                  })
                  .has_value());
  const auto look = [&] {
    store.ledger->submit({});
    EXPECT_TRUE(store.perform([](Group&) {}).has_value());
    return ticks.load();
  };
  EXPECT_EQ(look(), 0);
  store.clock.advance(hours(71));
  EXPECT_EQ(look(), 0);
  store.clock.advance(-hours(100));  // it jumps back, and there again
  EXPECT_EQ(look(), 0);
  store.clock.advance(hours(100) + hours(1));
  EXPECT_EQ(look(), 1);
  EXPECT_EQ(look(), 1);
  store.expect_first(1);
}

TEST(Ledger, AViewThatIsMissingIsNotMadeUpFromHalfAJournal) {
  ForgetfulFiles files;
  {
    Store store(files);
    store.add_all(400);
  }
  for (const auto& path : files.all()) {
    if (path.parent_path() == folder / "view") {
      ASSERT_TRUE(files.remove(path).has_value());
    }
  }
  const Store store(files);
  ASSERT_TRUE(store.error);
  EXPECT_EQ(store.error->code(), Code::data_loss) << store.error->text();
}

TEST(Ledger, ALostTailIsDamageWhereTheViewHasSeenIt) {
  ForgetfulFiles files;
  {
    Store store(files);
    store.add_all(5);
  }  // closing makes a checkpoint
  for (const auto& path : files.all()) {
    if (path.extension() != ".journal") continue;
    std::string contents = files.contents(path);
    files.overwrite(path, contents.substr(0, contents.find("record 4")));
  }
  const Store store(files);
  ASSERT_TRUE(store.error);
  EXPECT_EQ(store.error->code(), Code::data_loss) << store.error->text();
}

}  // namespace
}  // namespace parley::store
