// What is acknowledged outlives the power, and what a full or a failing disk means for queues.
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loop/task_group.h"
#include "queue/embedded/store_fixture.h"
#include "store/forgetful_files.h"

namespace parley::queue::embedded {
namespace {

using namespace std::chrono_literals;
using store::ForgetfulFiles;

Consumer many(const std::string& queue) {
  Consumer consumer;
  consumer.name = queue;
  consumer.in_flight = 100'000;
  return consumer;
}

// What producers and consumers were told until the power went.
struct Told {
  int next = 0;
  std::set<std::string> published;
  std::set<std::string> settling;  // asked for
  std::set<std::string> settled;   // and acknowledged
};

Task<void> produce(StoreFixture& store, Told& told) {
  while (true) {
    Publish request = store.message(fmt::format("{}", told.next++));
    const std::string id = request.message.id;
    if (!co_await store.broker().publish(std::move(request))) co_return;
    told.published.insert(id);
  }
}
Task<void> consume(StoreFixture& store, Told& told) {
  while (true) {
    LeaseRequest request;
    request.source = {store.queue, ""};
    request.max_messages = 3;
    request.wait = Deadline::after(Clock::now(), 50ms);
    const auto got = co_await store.broker().lease(std::move(request));
    if (!got) co_return;
    for (const Delivery& delivery : *got) {
      told.settling.insert(delivery.message.id);
      if (!co_await store.broker().settle({store.queue, ""}, delivery.lease, {})) co_return;
      told.settled.insert(delivery.message.id);
    }
  }
}

TEST(Power, loses_nothing_that_was_acknowledged) {
  const ForgetfulFiles::Fate fates[] = {ForgetfulFiles::Fate::lost, ForgetfulFiles::Fate::kept,
                                        ForgetfulFiles::Fate::prefix, ForgetfulFiles::Fate::torn};
  std::size_t published = 0;
  for (unsigned seed = 1; seed <= 24 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ForgetfulFiles files;
    files.as_journaling_file_system();
    StoreFixture store(files);
    store.declare(many(store.queue));
    Told told;
    {
      TaskGroup tasks;
      files.power_off_after(20 + random() % 300);
      for (int i = 0; i < 8; ++i) tasks.spawn(produce(store, told));
      for (int i = 0; i < 4; ++i) tasks.spawn(consume(store, told));
      store.shard().run_until([&] { return tasks.live() == 0; });
    }
    EXPECT_TRUE(store.backend().halted().has_value());
    store.close();
    files.crash(fates[seed % 4], seed);
    store.open();
    store.clock.move(31s);  // whoever had something is gone
    store.pass(0s);
    std::set<std::string> left;
    for (auto got = store.lease(1'000); !got.empty(); got = store.lease(1'000)) {
      for (const Delivery& delivery : got) {
        EXPECT_TRUE(left.insert(delivery.message.id).second) << "twice: " << delivery.message.id;
        EXPECT_FALSE(told.settled.contains(delivery.message.id)) << "again: " << delivery.message.id;
      }
    }
    for (const std::string& id : told.published)
      EXPECT_TRUE(left.contains(id) || told.settling.contains(id)) << "lost: " << id;
    published += told.published.size();  // of one of them, RocksDB may take all the power
  }
  EXPECT_GT(published, 0U);
}

Task<void> produce_batches(StoreFixture& store, Told& told) {
  while (true) {
    std::vector<Publish> all;
    std::set<std::string> ids;
    const int batch = told.next++;
    for (int i = 0; i < 5; ++i) {
      all.push_back(
          store.message(fmt::format("{}-{}", batch, i) + std::string(static_cast<std::size_t>(i) * 700, 'x')));
      ids.insert(all.back().message.id);
    }
    if (!co_await store.broker().publish_all(std::move(all))) co_return;
    told.published.insert(ids.begin(), ids.end());
  }
}

TEST(Power, leaves_no_part_of_a_batch) {
  const ForgetfulFiles::Fate fates[] = {ForgetfulFiles::Fate::lost, ForgetfulFiles::Fate::kept,
                                        ForgetfulFiles::Fate::prefix, ForgetfulFiles::Fate::torn};
  std::size_t published = 0;
  for (unsigned seed = 1; seed <= 24 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ForgetfulFiles files;
    files.as_journaling_file_system();
    StoreFixture store(files);
    store.declare(many(store.queue));
    Told told;
    {
      TaskGroup tasks;
      files.power_off_after(20 + random() % 300);
      for (int i = 0; i < 4; ++i) tasks.spawn(produce_batches(store, told));
      store.shard().run_until([&] { return tasks.live() == 0; });
    }
    store.close();
    files.crash(fates[seed % 4], seed);
    store.open();
    std::set<std::string> left;
    for (auto got = store.lease(1'000); !got.empty(); got = store.lease(1'000)) {
      for (const Delivery& delivery : got) left.insert(delivery.message.id);
    }
    for (const std::string& id : told.published) EXPECT_TRUE(left.contains(id)) << "lost: " << id;
    EXPECT_EQ(left.size() % 5, 0U) << "a part of a batch";
    published += told.published.size();
  }
  EXPECT_GT(published, 0U);
}

// Looks, as the ledger does by itself, until something is taken again.
bool takes_again(StoreFixture& store) {
  const Instant end = Clock::now() + 20s;
  while (Clock::now() < end) {
    if (store.run(store.broker().publish(store.message("again")))) return true;
    store.pass(10ms);
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

// A disk that fills up and has space again, messages that are handled, that die and that wait, until the power goes or
// the process dies; again and again on the same disk.
struct FullDisk {
  explicit FullDisk(unsigned seed) : random(seed) { files.as_journaling_file_system(); }
  static ModelOptions options() {
    ModelOptions with;
    with.compact_above = 512 << 10;
    return with;
  }

  ForgetfulFiles files;
  std::mt19937 random;
  int next = 0;
  int left = 0;  // of what this life does
  int refused = 0;
  std::set<std::string> published;
  std::set<std::string> settling;
  std::set<std::string> settled;
};

Task<void> produce(StoreFixture& store, FullDisk& disk) {
  while (disk.left-- > 0) {
    if (disk.random() % 40 == 0) disk.files.set_capacity(disk.files.used() + disk.random() % (1 << 20));
    if (disk.random() % 40 == 0) disk.files.set_capacity(1 << 30);
    Publish request = store.message(fmt::format("{}", disk.next++), fmt::format("{}", disk.random() % 50));
    request.message.payload = Bytes(std::string(disk.random() % 24'000, 'x'));
    if (disk.random() % 10 == 0) request.due = store.clock.now() + 20s;
    const std::string id = request.message.id;
    const auto receipt = co_await store.broker().publish(std::move(request));
    if (receipt) {
      disk.published.insert(id);
    } else if (receipt.error().reason() == "disk_full") {
      ++disk.refused;
    } else {
      co_return;
    }
  }
}
Task<void> consume(StoreFixture& store, FullDisk& disk) {
  while (disk.left > 0) {
    LeaseRequest request;
    request.source = {store.queue, ""};
    request.max_messages = 3;
    request.lease = 5s;
    request.wait = Deadline::after(Clock::now(), 2ms);
    const auto got = co_await store.broker().lease(std::move(request));
    if (!got && got.error().reason() != "disk_full") co_return;
    if (!got) continue;
    if (disk.random() % 4 == 0) store.clock.move(std::chrono::milliseconds(disk.random() % 2'000));
    for (const Delivery& delivery : *got) {
      Settlement how;
      const auto dice = disk.random() % 30;
      if (dice == 0) how.kind = Settlement::Kind::dead;
      if (dice == 1) how.kind = Settlement::Kind::release;
      if (dice == 2) how = {.kind = Settlement::Kind::retry, .delay = 10s, .reason = {}};
      const bool done = how.kind == Settlement::Kind::done;
      if (done) disk.settling.insert(delivery.message.id);
      const auto did = co_await store.broker().settle({store.queue, ""}, delivery.lease, std::move(how));
      if (did && done) disk.settled.insert(delivery.message.id);
    }
  }
}

void expect_all_there(StoreFixture& store, FullDisk& disk) {
  std::set<std::string> left;
  for (int quiet = 0; quiet < 4;) {
    must(store.run(store.broker().redrive({store.queue, ""}, {})));
    const auto got = store.lease(1'000);
    quiet = got.empty() ? quiet + 1 : 0;
    if (got.empty()) store.clock.move(31s), store.pass(0s);
    for (const Delivery& delivery : got) {
      EXPECT_TRUE(left.insert(delivery.message.id).second) << "twice: " << delivery.message.id;
      EXPECT_FALSE(disk.settled.contains(delivery.message.id)) << "again: " << delivery.message.id;
      ASSERT_TRUE(store.done(delivery));
      disk.settling.insert(delivery.message.id);
    }
  }
  for (const std::string& id : disk.published)
    EXPECT_TRUE(left.contains(id) || disk.settling.contains(id)) << "lost: " << id;
  EXPECT_EQ(store.stats(), "waiting 0 leased 0 delayed 0 dead 0");
}

TEST(Power, loses_nothing_on_a_disk_that_fills_up) {
  const ForgetfulFiles::Fate fates[] = {ForgetfulFiles::Fate::lost, ForgetfulFiles::Fate::kept,
                                        ForgetfulFiles::Fate::prefix, ForgetfulFiles::Fate::torn};
  const char* more = std::getenv("PARLEY_PROPERTY_SEEDS");
  const unsigned seeds = more != nullptr ? static_cast<unsigned>(std::stoul(more)) : 8;
  int refused = 0;
  for (unsigned seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    FullDisk disk(seed);
    Consumer consumer = many(std::string("test.Texts/Take"));
    consumer.keyed = seed % 2 == 0;
    consumer.retry.attempts = 1'000;
    StoreFixture store(disk.files, FullDisk::options());
    store.segment_bytes = 128 << 10;
    store.restart();
    store.declare(consumer);
    for (int life = 0; life < 4 && !testing::Test::HasFailure(); ++life) {
      disk.left = 100 + static_cast<int>(disk.random() % 900);
      {
        TaskGroup tasks;
        if (disk.random() % 2 == 0) disk.files.power_off_after(disk.random() % 4'000);
        for (int i = 0; i < 4; ++i) tasks.spawn(produce(store, disk));
        for (int i = 0; i < 4; ++i) tasks.spawn(consume(store, disk));
        store.shard().run_until([&] { return tasks.live() == 0; });
      }
      EXPECT_TRUE(!disk.files.powered() || !store.backend().halted()) << store.backend().halted()->text();
      store.close();
      if (disk.random() % 3 == 0) {
        disk.files.die();
      } else {
        disk.files.crash(fates[seed % 4], seed);
      }
      disk.files.set_capacity(1 << 30);
      store.open();
      store.clock.move(31s);
      store.pass(0s);
      if (disk.random() % 3 == 0) expect_all_there(store, disk);
    }
    expect_all_there(store, disk);
    EXPECT_TRUE(takes_again(store));
    refused += disk.refused;
  }
  EXPECT_GT(refused, 0);
}

TEST(Disk, a_batch_that_does_not_fit_is_refused_as_a_whole) {
  ForgetfulFiles files;
  StoreFixture store(files);
  store.declare(many(store.queue));
  files.set_capacity(files.used() + (64 << 10));
  std::uint64_t published = 0;
  for (;;) {
    std::vector<Publish> all;
    for (int i = 0; i < 50; ++i) all.push_back(store.message(std::string(500, 'x')));
    const auto receipts = store.run(store.broker().publish_all(std::move(all)));
    if (!receipts) {
      EXPECT_EQ(receipts.error().reason(), "disk_full");
      break;
    }
    published += receipts->size();
    ASSERT_LT(published, 1'000'000U);
  }
  EXPECT_EQ(store.stats(), fmt::format("waiting {} leased 0 delayed 0 dead 0", published));
}

TEST(Disk, a_full_one_refuses_what_is_new_and_serves_what_it_has) {
  ForgetfulFiles files;
  StoreFixture store(files);
  store.declare(many(store.queue));
  files.set_capacity(files.used() + (64 << 10));
  int published = 0;
  Result<Receipt> receipt;
  do {
    receipt = store.run(store.broker().publish(store.message(std::string(1'000, 'x'))));
    if (receipt) ++published;
  } while (receipt && published < 100'000);
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code(), Code::resource_exhausted);
  EXPECT_THAT(receipt.error().message(), testing::StartsWith("the disk is full: nothing was stored;"));
  int settled = 0;
  for (auto got = store.lease(10); !got.empty(); got = store.lease(10)) {
    for (const Delivery& delivery : got) {
      ASSERT_TRUE(store.run(store.broker().extend({store.queue, ""}, delivery.lease, 60s)));
      ASSERT_TRUE(store.done(delivery));
      ++settled;
    }
  }
  EXPECT_EQ(settled, published);
  EXPECT_EQ(store.stats(), "waiting 0 leased 0 delayed 0 dead 0");
}

// All but a few of the messages that filled the disk are handled: these few take their own space only, however few
// segments the journal has.
TEST(Disk, dead_letters_do_not_keep_a_full_one_full) {
  for (const std::uint64_t space : {std::uint64_t{256} << 10, std::uint64_t{1'200} << 10, std::uint64_t{2'400} << 10}) {
    SCOPED_TRACE(space);
    ModelOptions options;
    options.compact_above = 4 << 20;
    ForgetfulFiles files;
    StoreFixture store(files, options);
    store.declare(many(store.queue));
    files.set_capacity(files.used() + space);
    int published = 0;
    while (store.run(store.broker().publish(store.message(std::string(1'000, 'x'))))) ++published;
    int handled = 0;
    std::size_t dead = 0;
    for (auto got = store.lease(50); !got.empty(); got = store.lease(50)) {
      for (const Delivery& delivery : got) {
        const bool dies = handled++ % (published / 3) == 0;
        dead += dies ? 1 : 0;
        ASSERT_TRUE(dies ? store.bury(delivery, "no") : store.done(delivery));
      }
    }
    EXPECT_TRUE(takes_again(store)) << published;
    store.restart();
    EXPECT_EQ(store.peek(Shelf::dead).size(), dead);
  }
}

TEST(Disk, what_stays_among_large_ones_that_went_takes_its_own_space_only) {
  ModelOptions options;
  options.compact_above = 4 << 20;
  StoreFixture store(options);
  store.declare(many(store.queue));
  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 5; ++j) {
      Publish later = store.message(fmt::format("{}-{}", i, j));
      later.due = store.clock.now() + std::chrono::hours(1);
      ASSERT_TRUE(store.run(store.broker().publish(std::move(later))));
    }
    store.publish(std::string(512 << 10, 'x'));
    for (const Delivery& delivery : store.lease()) ASSERT_TRUE(store.done(delivery));
  }
  for (int i = 0; i < 800; ++i) store.pass(i % 20 == 0 ? 1s : 5ms);
  store.restart();  // a checkpoint
  ASSERT_TRUE(store.backend().store());
  EXPECT_LT(store.backend().store()->journal_bytes, 12 << 20) << "of 100 MiB";
  store.clock.move(1h);
  store.pass(0s);
  std::set<std::string> left;
  for (auto got = store.lease(1'000); !got.empty(); got = store.lease(1'000)) {
    for (const Delivery& delivery : got) left.insert(delivery.message.id);
  }
  EXPECT_EQ(left.size(), 1'000U);
}

TEST(Disk, what_the_store_says_of_it) {
  ForgetfulFiles files;
  StoreFixture store(files);
  store.declare(many(store.queue));
  const auto says = [&] {
    const StoreState state = store.backend().store().value();
    return fmt::format("full {} halted {} refused {}", state.disk_full, state.halted, state.refused > 0);
  };
  EXPECT_EQ(says(), "full false halted false refused false");
  files.set_capacity(files.used() + (64 << 10));
  while (store.run(store.broker().publish(store.message(std::string(1'000, 'x'))))) {
  }
  EXPECT_EQ(says(), "full true halted false refused true");
  files.set_fault([](ForgetfulFiles::Operation operation, const std::filesystem::path&) -> std::optional<Error> {
    if (operation != ForgetfulFiles::Operation::sync) return std::nullopt;
    return Error(Code::unavailable, Blame::us, "the disk is on fire").with_reason("io_error");
  });
  EXPECT_THROW(store.lease(), std::runtime_error);
  EXPECT_EQ(says(), "full true halted true refused true");
}

TEST(Disk, a_failed_sync_ends_everything_with_its_reason) {
  ForgetfulFiles files;
  StoreFixture store(files);
  store.declare(many(store.queue));
  store.publish("a");
  std::optional<Result<std::vector<Delivery>>> waiting;
  const auto got = store.lease();
  ASSERT_EQ(got.size(), 1);
  files.set_fault([](ForgetfulFiles::Operation operation, const std::filesystem::path&) -> std::optional<Error> {
    if (operation != ForgetfulFiles::Operation::sync) return std::nullopt;
    return Error(Code::unavailable, Blame::us, "the disk is on fire").with_reason("io_error");
  });
  const auto failed = store.run(store.broker().publish(store.message("b")));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message().find("on fire"), std::string::npos) << failed.error().text();
  EXPECT_FALSE(store.done(got[0]));
  EXPECT_FALSE(store.run(store.broker().stats({store.queue, ""})));
  EXPECT_TRUE(store.backend().halted().has_value());
}

}  // namespace
}  // namespace parley::queue::embedded
