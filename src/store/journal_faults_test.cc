// Power that goes, disks that are full, calls that fail.
#include <algorithm>
#include <array>
#include <random>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/segment_file.h"
#include "store/test_journal.h"
#include "store/test_seeds.h"

namespace parley::store {
namespace {

// What a power loss at any moment leaves: every frame that was synced, of the others the first ones, nothing else; and
// a journal that goes on from there.
struct Workload {
  ForgetfulFiles files;
  std::size_t appended = 0;  // by anybody, lost or not
  std::size_t synced = 0;
  std::size_t removed = 0;  // at most, from the front

  // Until the power goes.
  void run(std::mt19937_64& random) {
    auto journal = Journal::open(files, folder, small);
    if (!journal) return;
    std::vector<Address> addresses;
    (void)(*journal)->replay((*journal)->begin(), [&](const Frame& frame) -> Result<void> {
      addresses.push_back(frame.at);
      return {};
    });
    const std::size_t base = appended - addresses.size();
    for (int step = 0; step < 100 && files.powered(); ++step) {
      const auto action = random() % 10;
      if (action < 5) {
        const Spend spend = random() % 2 == 0 ? Spend::space : Spend::reserve;
        auto frame = (*journal)->append(Bytes(body_of(appended)), at_time(step), spend);
        if (!frame) continue;
        addresses.push_back(frame->at);
        ++appended;
      } else if (action < 8) {
        if ((*journal)->sync()) synced = appended;
      } else if (action < 9) {
        (void)(*journal)->tidy();
        if (random() % 4 == 0) files.set_capacity(files.used() + random() % (3 * small.segment_bytes));
      } else if ((*journal)->segments().size() > 2) {
        const Address next = (*journal)->segments()[1].from;
        const auto first = std::ranges::lower_bound(addresses, next);
        removed = std::max(removed, base + static_cast<std::size_t>(first - addresses.begin()));
        (void)remove_oldest(**journal);
      }
    }
  }

  // After the crash: what is there.
  void check() {
    files.set_capacity(unlimited);
    auto journal = opened(files);
    ASSERT_NE(journal, nullptr);
    const auto found = bodies(*journal);
    // The newest that is there says how many there were.
    std::size_t last = synced;
    while (last < appended && !found.empty() && found.back() != body_of(last - 1)) ++last;
    if (found.empty()) last = std::max(synced, removed);
    const auto all = first_bodies(last);
    ASSERT_LE(found.size(), all.size());
    ASSERT_LE(all.size() - found.size(), removed) << "missing at the front";
    ASSERT_TRUE(std::equal(found.rbegin(), found.rend(), all.rbegin()));
    appended = last;
    synced = last;
  }
};

class PowerLoss : public testing::TestWithParam<Fate> {};

TEST_P(PowerLoss, LosesNothingThatWasSynced) {
  for (std::uint64_t seed = 0; seed < seeds(400); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    Workload work;
    for (int round = 0; round < 3; ++round) {
      work.files.power_off_after(random() % 150);
      work.run(random);
      work.files.crash(GetParam(), seed * 3 + static_cast<std::uint64_t>(round));
      work.check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

// What a process reads that was started again may be in memory only: it was not synced, or its name was not.
TEST_P(PowerLoss, LosesNothingThatWasSyncedByAProcessThatFollowsOneThatDied) {
  for (std::uint64_t seed = 0; seed < seeds(400); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    Workload work;
    for (int round = 0; round < 2; ++round) {
      for (std::uint64_t deaths = random() % 4; deaths > 0; --deaths) {
        work.files.power_off_after(random() % 150);
        work.run(random);
        work.files.die();
      }
      work.files.power_off_after(random() % 100);
      work.run(random);
      work.files.crash(GetParam(), seed * 3 + static_cast<std::uint64_t>(round));
      work.check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}
std::string fate_name(const testing::TestParamInfo<Fate>& fate) {
  constexpr std::array names = {"Lost", "Kept", "Prefix", "Torn"};
  return names.at(static_cast<std::size_t>(fate.param));
}
INSTANTIATE_TEST_SUITE_P(Journal, PowerLoss, testing::Values(Fate::lost, Fate::kept, Fate::prefix, Fate::torn),
                         fate_name);

TEST(Journal, WhatFreesSpaceGoesOnWhenTheDiskIsFull) {
  ForgetfulFiles files;
  auto journal = opened(files);
  write(*journal, 0, 5);
  files.set_capacity(files.used());
  std::size_t published = 5;
  Result<Frame> frame = fail(Error(Code::ok, Blame::us, {}));
  while ((frame = journal->append(Bytes(body_of(published)), at_time(0), Spend::space))) ++published;
  EXPECT_EQ(frame.error().code(), Code::resource_exhausted);
  EXPECT_EQ(frame.error().reason(), "disk_full");
  EXPECT_TRUE(journal->full());
  ASSERT_TRUE(journal->sync().has_value());
  // Settlements: more than the last segment had room for.
  std::size_t settled = 0;
  while ((frame = journal->append(Bytes(std::string(32, 's')), at_time(0), Spend::reserve))) ++settled;
  EXPECT_GT(settled, 30U);
  EXPECT_EQ(frame.error().code(), Code::resource_exhausted) << "the reserve has an end, too";
  ASSERT_TRUE(journal->sync().has_value());
  ASSERT_TRUE(journal->tidy().has_value());
  EXPECT_TRUE(journal->full());
  // Publishing does not go on in the space that was kept for settling.
  EXPECT_EQ(journal->append(Bytes(std::string("x")), at_time(0), Spend::space).error().code(),
            Code::resource_exhausted);
  {
    SCOPED_TRACE("a restart while it is full");
    journal.reset();
    journal = opened(files);
    ASSERT_NE(journal, nullptr);
    EXPECT_TRUE(journal->full());
    EXPECT_EQ(bodies(*journal).size(), published + settled);
  }
  files.set_capacity(files.used() + 2 * small.segment_bytes);
  ASSERT_TRUE(journal->tidy().has_value());
  EXPECT_FALSE(journal->full());
  EXPECT_TRUE(journal->append(Bytes(body_of(0)), at_time(0), Spend::space).has_value());
}

TEST(Journal, RemovingSegmentsEndsAFullDisk) {
  ForgetfulFiles files;
  auto journal = opened(files);
  files.set_capacity(6 * small.segment_bytes);
  std::size_t i = 0;
  while (journal->append(Bytes(body_of(i)), at_time(0), Spend::space)) ++i;
  ASSERT_TRUE(journal->full());
  ASSERT_TRUE(journal->append(Bytes(std::string(100, 's')), at_time(0), Spend::reserve).has_value());
  ASSERT_TRUE(journal->sync().has_value());
  for (int removed = 0; removed < 2; ++removed) {
    ASSERT_TRUE(remove_oldest(*journal).has_value());
    ASSERT_TRUE(journal->tidy().has_value());
  }
  EXPECT_FALSE(journal->full());
  EXPECT_TRUE(journal->append(Bytes(body_of(0)), at_time(0), Spend::space).has_value());
}

// On a disk that gets a page more whenever it is full: there is never space for a segment, so the last one grows.
std::unique_ptr<Journal> grown(ForgetfulFiles& files, std::uint64_t bytes) {
  auto journal = opened(files);
  files.set_capacity(files.used());
  while (journal->end() - journal->begin() < bytes) {
    if (!journal->append(Bytes(std::string(100, 's')), at_time(0), Spend::reserve)) {
      files.set_capacity(files.used() + 4096);
    }
  }
  EXPECT_TRUE(journal->sync().has_value());
  EXPECT_TRUE(journal->full());
  EXPECT_EQ(journal->segments().size(), 1U);
  return journal;
}

TEST(Journal, TheLastSegmentGoesTooIfItFillsTheDiskAndNobodyNeedsIt) {
  ForgetfulFiles files;
  const auto journal = grown(files, 3 * small.segment_bytes);
  files.set_capacity(files.used() + (12 << 10));
  ASSERT_TRUE(journal->make_room(7 << 10, Spend::reserve).has_value());
  ASSERT_TRUE(journal->tidy().has_value());
  EXPECT_EQ(journal->segments().size(), 1U) << "settling goes on in its room";
  const Address end = journal->end();
  ASSERT_TRUE(journal->remove_before(end).has_value());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(journal->tidy().has_value());
  EXPECT_EQ(journal->begin(), end);
  EXPECT_FALSE(journal->full());
  write(*journal, 0, 3);
  EXPECT_EQ(bodies(*journal), first_bodies(3));
}

// As after a first start on a full disk. Both would have the same name.
TEST(Journal, ASegmentWithoutFramesGivesWayToOneWithRoom) {
  ForgetfulFiles files;
  files.set_capacity(segment_header_bytes);
  auto journal = opened(files);
  ASSERT_TRUE(journal->full());
  files.set_capacity(unlimited);
  ASSERT_TRUE(journal->tidy().has_value());
  write(*journal, 0, 3);
  EXPECT_EQ(journal->segments().size(), 1U);
  ASSERT_TRUE(journal->remove_before(journal->begin()).has_value());
  EXPECT_EQ(bodies(*opened(files)), first_bodies(3));
}

// What only a start gives up stays, however often the rest of the reserve is tried in vain.
TEST(Journal, TheLastOfTheReserveIsKeptForAStart) {
  ForgetfulFiles files;
  auto journal = opened(files);
  files.set_capacity(files.used());
  while (journal->append(Bytes(body_of(1)), at_time(0), Spend::space)) {
  }
  ASSERT_TRUE(journal->release_reserve().has_value());
  const auto kept = [&] { return files.contents(folder / "reserve").size(); };
  ASSERT_GT(kept(), 0U);
  for (const std::uint64_t space : {std::uint64_t{0}, small.segment_bytes}) {
    files.set_capacity(files.used() + space);
    ASSERT_TRUE(journal->tidy().has_value());
    EXPECT_TRUE(journal->full());
    EXPECT_GT(kept(), 0U) << space;
  }
  files.set_capacity(files.used() + small.reserve_bytes);
  ASSERT_TRUE(journal->tidy().has_value());
  EXPECT_FALSE(journal->full());
}

TEST(Journal, TheLastSegmentEndsIfItFillsTheDiskAndHasNoMoreRoom) {
  ForgetfulFiles files;
  const auto journal = grown(files, 3 * small.segment_bytes);
  files.set_capacity(files.used() + (8 << 10));
  const Address end = journal->end();
  ASSERT_TRUE(journal->tidy().has_value());
  ASSERT_EQ(journal->segments().size(), 2U) << "what is needed of it can be moved, and it can go";
  EXPECT_EQ(journal->segments().back().from, end);
  ASSERT_TRUE(journal->append(Bytes(std::string(100, 's')), at_time(0), Spend::reserve).has_value());
  ASSERT_TRUE(journal->remove_before(end).has_value());
  ASSERT_TRUE(journal->tidy().has_value());
  EXPECT_FALSE(journal->full());
}

void fail_next_sync(ForgetfulFiles& files) {
  files.set_fault([once = true](Operation operation, const auto&) mutable -> std::optional<Error> {
    if (operation != Operation::sync || !std::exchange(once, false)) return std::nullopt;
    return Error(Code::unavailable, Blame::us, "Input/output error");
  });
}

TEST(Journal, AFailedSyncHaltsForGood) {
  ForgetfulFiles files;
  auto journal = opened(files);
  write(*journal, 0, 3);
  fail_next_sync(files);
  ASSERT_TRUE(journal->append(Bytes(body_of(3)), at_time(0), Spend::space).has_value());
  EXPECT_EQ(journal->sync().error().reason(), "store_halted");
  // The next one would succeed, and mean nothing.
  EXPECT_EQ(journal->sync().error().reason(), "store_halted");
  EXPECT_EQ(journal->append(Bytes(body_of(4)), at_time(0), Spend::reserve).error().reason(), "store_halted");
  journal.reset();
  files.crash(Fate::kept);
  EXPECT_EQ(bodies(*opened(files)), first_bodies(3));
}

// The kernel takes its pages for written: whoever reads the file finds it, and it is not on the disk.
TEST(Journal, AFrameWhoseSyncFailedIsNotBelievedBeforeItIsOnTheDisk) {
  ForgetfulFiles files;
  auto journal = opened(files);
  write(*journal, 0, 3);
  fail_next_sync(files);
  ASSERT_TRUE(journal->append(Bytes(body_of(3)), at_time(0), Spend::space).has_value());
  EXPECT_EQ(journal->sync().error().reason(), "store_halted");
  journal.reset();
  files.die();
  journal = opened(files);
  const std::size_t found = bodies(*journal).size();
  write(*journal, found, found + 3);
  journal.reset();
  files.crash(Fate::lost);
  journal = opened(files);
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(bodies(*journal), first_bodies(found + 3));
}

TEST(Journal, AnyFailureHaltsItOrLeavesItAsItWas) {
  for (std::uint64_t failing = 0; failing < 120; ++failing) {
    SCOPED_TRACE(failing);
    ForgetfulFiles files;
    std::size_t synced = 0;
    std::size_t appended = 0;
    {
      auto journal = opened(files);
      std::uint64_t operations = 0;
      files.set_fault([&](Operation operation, const auto& path) -> std::optional<Error> {
        if (operation == Operation::read || operations++ != failing) return std::nullopt;
        return Error(Code::unavailable, Blame::us, path.string() + ": Input/output error");
      });
      for (int step = 0; step < 60; ++step) {
        if (journal->append(Bytes(body_of(appended)), at_time(0), Spend::space)) ++appended;
        if (step % 3 == 0 && journal->sync()) synced = appended;
        (void)journal->tidy();
        if (journal->segments().size() > 2 && step == 40) (void)remove_oldest(*journal);
      }
    }
    files.set_fault({});
    files.crash(Fate::lost);
    auto journal = opened(files);
    ASSERT_NE(journal, nullptr);
    const auto found = bodies(*journal);
    // A segment that ended was synced then: a little more than was asked for may be there.
    const std::size_t removed = journal->begin() == first_address ? 0 : 25;  // what a segment holds
    const auto all = first_bodies(appended);
    ASSERT_LE(found.size(), appended);
    ASSERT_GE(found.size() + removed, synced);
    ASSERT_NE(std::ranges::search(all, found).empty(), !found.empty());
    if (removed == 0) {
      ASSERT_TRUE(std::ranges::equal(found, std::span(all).first(found.size())));
    }
  }
}

}  // namespace
}  // namespace parley::store
