#include "store/journal.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/crc32c.h"
#include "store/forgetful_files.h"
#include "store/segment_file.h"
#include "store/test_seeds.h"

namespace parley::store {
namespace {

using Spend = Journal::Spend;
using Fate = ForgetfulFiles::Fate;
using Operation = ForgetfulFiles::Operation;
const std::filesystem::path folder = "/journal";

// Small enough that a few frames fill a segment.
constexpr JournalOptions small = {
    .segment_bytes = 16 << 10, .reserve_bytes = 4 << 10, .recent_bytes = 2 << 10, .ahead_by_thread = false};

WallTime at_time(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }

// Frame `i` of a test: its body says which it is, and is as long as that makes it.
std::string body_of(std::size_t i) {
  const std::size_t size = i * 7919 % 1500;
  std::string body = fmt::format("frame {} ", i);
  while (body.size() < size) body.push_back(static_cast<char>('a' + (body.size() + i) % 26));
  return body;
}

std::unique_ptr<Journal> opened(Files& files, JournalOptions options = small) {
  auto journal = Journal::open(files, folder, options);
  EXPECT_TRUE(journal.has_value()) << journal.error().text();
  return journal ? *std::move(journal) : nullptr;
}

std::vector<std::string> bodies(Journal& journal) {
  std::vector<std::string> out;
  Address expected = journal.begin();
  const auto done = journal.replay(journal.begin(), [&](const Frame& frame) -> Result<void> {
    EXPECT_EQ(frame.at, expected);
    expected = frame.next;
    out.emplace_back(frame.body.view());
    return {};
  });
  EXPECT_TRUE(done.has_value()) << done.error().text();
  EXPECT_EQ(expected, journal.end());
  return out;
}

std::vector<std::string> first_bodies(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(body_of(i));
  return out;
}

void write(Journal& journal, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    ASSERT_TRUE(journal.append(Bytes(body_of(i)), at_time(static_cast<std::int64_t>(i)), Spend::space).has_value());
  }
  ASSERT_TRUE(journal.sync().has_value());
}

TEST(Crc32c, GivesTheNumbersOfTheSpecification) {
  // RFC 3720 appendix B.4.
  EXPECT_EQ(crc32c(0, std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c(0, "123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(crc32c(0, "1234"), "56789"), crc32c(0, "123456789"));
}

TEST(Journal, FramesAreReadBackAcrossSegmentsAndRestarts) {
  ForgetfulFiles files;
  std::vector<Frame> written;
  {
    auto journal = opened(files);
    for (std::size_t i = 0; i < 100; ++i) {
      auto frame = journal->append(Bytes(body_of(i)), at_time(1000 + static_cast<std::int64_t>(i)), Spend::space);
      ASSERT_TRUE(frame.has_value());
      if (!written.empty()) {
        EXPECT_EQ(written.back().next, frame->at);
      }
      written.push_back(*frame);
      EXPECT_EQ(journal->read(frame->at)->body, frame->body) << "before the sync";
    }
    ASSERT_TRUE(journal->sync().has_value());
    EXPECT_GT(journal->segments().size(), 3U);
    EXPECT_EQ(bodies(*journal), first_bodies(100));
  }
  auto journal = opened(files);
  EXPECT_EQ(bodies(*journal), first_bodies(100));
  EXPECT_EQ(journal->begin(), first_address);
  // Backwards, so that nothing is read in sequence.
  for (std::size_t i = written.size(); i-- > 0;) {
    auto frame = journal->read(written[i].at);
    ASSERT_TRUE(frame.has_value()) << frame.error().text();
    EXPECT_EQ(frame->body.view(), body_of(i));
    EXPECT_EQ(frame->next, written[i].next);
    EXPECT_EQ(frame->time, at_time(1000 + static_cast<std::int64_t>(i)));
  }
  EXPECT_EQ(journal->read(journal->end()).error().code(), Code::out_of_range);
}

// Reading ahead takes more or less at once by what came before.
TEST(Journal, FramesOfAllSizesInAnyOrderAreReadBack) {
  ForgetfulFiles files;
  JournalOptions large = small;
  large.segment_bytes = 8 << 20;
  std::vector<std::string> all;
  {
    auto journal = opened(files, large);
    for (std::size_t i = 0; i < 200; ++i) {
      constexpr std::array<std::size_t, 9> sizes = {10, 4'000, 4'064, 4'100, 16'300, 16'400, 20'000, 262'100, 300'000};
      const std::size_t size = sizes[i * 31 % 100 * 7 % sizes.size()] + i % 9;
      all.emplace_back(size, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(journal->append(Bytes(all.back()), at_time(0), Spend::space).has_value());
    }
    ASSERT_TRUE(journal->sync().has_value());
  }
  auto journal = opened(files, large);
  EXPECT_EQ(bodies(*journal), all);
  Address at = journal->begin();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto frame = journal->read(at);
    ASSERT_TRUE(frame.has_value()) << i << ": " << frame.error().text();
    ASSERT_EQ(frame->body.view(), all[i]) << i;
    at = frame->next;
  }
}

TEST(Journal, AFrameMayBeLargerThanASegment) {
  ForgetfulFiles files;
  const std::string large(100 << 10, 'x');
  {
    auto journal = opened(files);
    write(*journal, 0, 1);
    ASSERT_TRUE(journal->append(Bytes(large), at_time(1), Spend::space).has_value());
    ASSERT_TRUE(journal->append(Bytes(std::string("behind it")), at_time(2), Spend::space).has_value());
    ASSERT_TRUE(journal->sync().has_value());
  }
  EXPECT_EQ(bodies(*opened(files)), (std::vector<std::string>{body_of(0), large, "behind it"}));
}

TEST(Journal, WorksOnTheOperatingSystemsFiles) {
  std::string name = (std::filesystem::temp_directory_path() / "parley-journal-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  {
    auto journal = Journal::open(real_files(), name, small);
    ASSERT_TRUE(journal.has_value()) << journal.error().text();
    write(**journal, 0, 100);
    while ((*journal)->segments().size() > 2) {
      ASSERT_TRUE((*journal)->remove_segment((*journal)->begin()).has_value());
    }
    write(**journal, 100, 200);
  }
  auto journal = Journal::open(real_files(), name, small);
  ASSERT_TRUE(journal.has_value()) << journal.error().text();
  const auto found = bodies(**journal);
  ASSERT_GT(found.size(), 100U);
  const auto all = first_bodies(200);
  EXPECT_TRUE(std::equal(found.rbegin(), found.rend(), all.rbegin()));
  std::filesystem::remove_all(name);
}

TEST(Journal, RemovedSegmentsAreGoneAndTheirFilesAreUsedAgain) {
  ForgetfulFiles files;
  auto journal = opened(files);
  write(*journal, 0, 60);
  const Address first = journal->begin();
  const auto before = journal->segments();
  EXPECT_EQ(journal->remove_segment(before[1].from).error().code(), Code::failed_precondition) << "not the oldest";
  ASSERT_TRUE(journal->remove_segment(first).has_value());
  EXPECT_EQ(journal->begin(), before[1].from);
  EXPECT_EQ(journal->read(first).error().code(), Code::not_found);
  const std::uint64_t used = files.used();
  for (std::size_t i = 60; i < 400; i += 20) {
    write(*journal, i, i + 20);
    while (journal->segments().size() > before.size()) {
      ASSERT_TRUE(journal->remove_segment(journal->begin()).has_value());
    }
  }
  EXPECT_LE(files.used(), used + 2 * small.segment_bytes);
  const auto found = bodies(*journal);
  const auto all = first_bodies(400);
  EXPECT_TRUE(std::equal(found.rbegin(), found.rend(), all.rbegin()));
}

// Behind a long queue whole segments go as fast as they come: no file is made while files go.
TEST(Journal, OfSegmentsThatGoTogetherTwoAreUsedAgain) {
  ForgetfulFiles files;
  auto journal = opened(files);
  write(*journal, 0, 200);
  const std::size_t count = journal->segments().size();
  ASSERT_GT(count, 6U);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(journal->remove_segment(journal->begin()).has_value());
  const auto names = files.list(folder);
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(std::ranges::count(*names, "next"), 1);
  EXPECT_EQ(std::ranges::count(*names, "spare"), 1);
  EXPECT_EQ(names->size(), count - 4 + 2 + 1) << "and the reserve";
  const std::uint64_t used = files.used();
  for (std::size_t i = 200; journal->segments().size() < count - 4 + 2; i += 5) write(*journal, i, i + 5);
  EXPECT_EQ(files.used(), used);
}

// Segments that were begun with another size are read like all others, and their files are not used again.
TEST(Journal, AnotherSizeHoldsForTheSegmentsThatComeThen) {
  for (const std::uint64_t size : {small.segment_bytes / 4, small.segment_bytes * 4}) {
    SCOPED_TRACE(size);
    ForgetfulFiles files;
    write(*opened(files), 0, 200);
    JournalOptions changed = small;
    changed.segment_bytes = size;
    auto journal = opened(files, changed);
    const std::size_t old = journal->segments().size();
    ASSERT_GT(old, 3U);
    write(*journal, 200, 400);
    EXPECT_EQ(bodies(*journal), first_bodies(400));
    for (std::size_t i = 0; i < old; ++i) ASSERT_TRUE(journal->remove_segment(journal->begin()).has_value());
    write(*journal, 400, 600);
    for (const Journal::Segment& segment : journal->segments()) {
      EXPECT_GE(segment.file_bytes, size);
      EXPECT_LE(segment.file_bytes, 2 * size + 4096);
    }
  }
}

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
        auto frame = (*journal)->append(Bytes(body_of(appended)), at_time(step), Spend::space);
        if (!frame) continue;
        addresses.push_back(frame->at);
        ++appended;
      } else if (action < 8) {
        if ((*journal)->sync()) synced = appended;
      } else if (action < 9) {
        (void)(*journal)->tidy();
      } else if ((*journal)->segments().size() > 2) {
        const Address next = (*journal)->segments()[1].from;
        const auto first = std::ranges::lower_bound(addresses, next);
        removed = std::max(removed, base + static_cast<std::size_t>(first - addresses.begin()));
        (void)(*journal)->remove_segment((*journal)->begin());
      }
    }
  }

  // After the crash: what is there.
  void check() {
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
std::string fate_name(const testing::TestParamInfo<Fate>& fate) {
  constexpr std::array names = {"Lost", "Kept", "Prefix", "Torn"};
  return names.at(static_cast<std::size_t>(fate.param));
}
INSTANTIATE_TEST_SUITE_P(Journal, PowerLoss, testing::Values(Fate::lost, Fate::kept, Fate::prefix, Fate::torn),
                         fate_name);

TEST(Journal, ATailThatWasCutShortIsTruncatedWhereverItWasCut) {
  ForgetfulFiles files;
  Address last = 0;
  {
    auto journal = opened(files);
    write(*journal, 0, 3);
    last = journal->end();
    write(*journal, 3, 4);
  }
  const std::filesystem::path path = folder / segment_name(first_address);
  const std::string whole = files.contents(path);
  const std::size_t from = segment_header_bytes + (last - first_address);
  const std::size_t to = from + frame_bytes(body_of(3).size());
  for (std::size_t cut = from; cut < to; ++cut) {
    for (const bool zeroes : {false, true}) {
      files.overwrite(path, whole.substr(0, cut) + std::string(zeroes ? whole.size() - cut : 0, '\0'));
      // What is cut off may have been zeroes already.
      const bool complete = zeroes && whole.find_first_not_of('\0', cut) == std::string::npos;
      auto journal = opened(files);
      ASSERT_NE(journal, nullptr) << cut;
      ASSERT_EQ(bodies(*journal), first_bodies(complete ? 4 : 3)) << cut;
    }
  }
}

TEST(Journal, ABitThatFlippedIsFoundOrHarmless) {
  ForgetfulFiles files;
  constexpr std::size_t count = 24;
  {
    auto journal = opened(files);
    write(*journal, 0, count - 1);
    write(*journal, count - 1, count);
    ASSERT_EQ(journal->segments().size(), 2U);
  }
  const auto all = first_bodies(count);
  const auto all_but_last = first_bodies(count - 1);
  int found_damage = 0;
  int lost_tail = 0;
  for (const auto& path : files.all()) {
    if (path.extension() != ".journal") continue;
    const std::string whole = files.contents(path);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      // Each bit of what has structure; one of the long bodies and of the space behind the frames.
      const bool dense = at < 64 || at % 97 == 0;
      for (unsigned bit = at % 8; bit < (dense ? 8U : at % 8 + 1U); ++bit) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ (1U << bit));
        files.overwrite(path, std::move(damaged));
        auto journal = Journal::open(files, folder, small);
        std::vector<std::string> found;
        const auto read = !journal ? Result<void>(fail(journal.error()))
                                   : (*journal)->replay((*journal)->begin(), [&](const Frame& frame) -> Result<void> {
                                       found.emplace_back(frame.body.view());
                                       return {};
                                     });
        if (!read) {
          ++found_damage;
          ASSERT_EQ(read.error().code(), Code::data_loss) << read.error().text();
          ASSERT_NE(read.error().message().find(path.string()), std::string::npos) << read.error().text();
          ASSERT_NE(read.error().message().find("at offset"), std::string::npos) << read.error().text();
        } else if (found != all) {
          ++lost_tail;
          ASSERT_EQ(found, all_but_last) << path << " byte " << at;
        }
        journal = fail(Error(Code::ok, Blame::us, {}));
        files.overwrite(path, whole);
      }
    }
  }
  EXPECT_GT(found_damage, 16000);
  EXPECT_GT(lost_tail, 100);
}

TEST(Journal, DamageInTheMiddleHaltsWithFileAndOffset) {
  ForgetfulFiles files;
  std::vector<Address> at;
  {
    auto journal = opened(files);
    for (std::size_t i = 0; i < 5; ++i) {
      at.push_back(journal->end());
      write(*journal, i, i + 1);
    }
  }
  const std::filesystem::path path = folder / segment_name(first_address);
  const std::uint64_t offset = segment_header_bytes + (at[2] - first_address);
  files.flip(path, offset + frame_head_bytes + 3, 4);
  const auto journal = Journal::open(files, folder, small);
  ASSERT_FALSE(journal.has_value());
  EXPECT_EQ(journal.error().code(), Code::data_loss);
  EXPECT_NE(journal.error().message().find(fmt::format("{} is damaged at offset {}", path.string(), offset)),
            std::string::npos)
      << journal.error().text();
}

TEST(Journal, FramesWrittenInOneBreathAreATornTailWhicheverOfThemIsTorn) {
  ForgetfulFiles files;
  std::vector<Address> at;
  {
    auto journal = opened(files);
    write(*journal, 0, 2);
    for (std::size_t i = 2; i < 6; ++i) {
      at.push_back(journal->append(Bytes(body_of(i)), at_time(0), Spend::space)->at);
    }
  }
  const std::filesystem::path path = folder / segment_name(first_address);
  files.overwrite(path, files.contents(path));  // the crash kept all of it, but for one byte:
  files.flip(path, segment_header_bytes + (at[1] - first_address) + 8, 1);
  {
    auto journal = opened(files);
    ASSERT_NE(journal, nullptr);
    EXPECT_EQ(bodies(*journal), first_bodies(3));
    // As long as the torn one: what stood behind it must not come back as its successor.
    write(*journal, 3, 4);
  }
  EXPECT_EQ(bodies(*opened(files)), first_bodies(4));
}

TEST(Journal, AMissingTailIsNotTornIfItIsKnownToHaveBeenSynced) {
  ForgetfulFiles files;
  Address synced = 0;
  {
    auto journal = opened(files);
    write(*journal, 0, 3);
    synced = journal->end();
  }
  const std::filesystem::path path = folder / segment_name(first_address);
  files.flip(path, segment_header_bytes + (synced - first_address) - 9, 1);
  JournalOptions options = small;
  options.synced = synced;
  const auto journal = Journal::open(files, folder, options);
  ASSERT_FALSE(journal.has_value());
  EXPECT_EQ(journal.error().code(), Code::data_loss);
}

TEST(Journal, AMessageThatLooksLikeAFrameIsNone) {
  ForgetfulFiles files;
  {
    auto journal = opened(files);
    write(*journal, 0, 1);
    // What a sender can know: where it will be. Not the journal's id.
    std::string body(256, '.');
    const Address inner = journal->end() + frame_head_bytes + 64;
    const FrameHead head{.body_crc = 0, .body_bytes = 0, .at = inner, .synced = inner, .time = {}};
    for (const std::uint32_t seed : {0U, head_seed({.journal = {}, .base = first_address, .created = {}})}) {
      const auto forged = encode(head, seed);
      body.replace(64, forged.size(), forged.data(), forged.size());
      ASSERT_TRUE(journal->append(Bytes(body), at_time(0), Spend::space).has_value());
    }
  }
  const std::filesystem::path path = folder / segment_name(first_address);
  files.overwrite(path, files.contents(path));
  files.flip(path, segment_header_bytes + frame_bytes(body_of(0).size()) + frame_head_bytes, 1);
  EXPECT_EQ(bodies(*opened(files)), first_bodies(1));
}

TEST(Journal, ALaterVersionIsRefusedAsSuch) {
  ForgetfulFiles files;
  opened(files);
  const std::filesystem::path path = folder / segment_name(first_address);
  std::string contents = files.contents(path);
  contents[8] = 2;
  contents.replace(12, 4, 4, '\0');
  const std::uint32_t crc = crc32c(0, std::string_view(contents).substr(0, segment_header_bytes));
  for (unsigned i = 0; i < 4; ++i) contents[12 + i] = static_cast<char>(crc >> (8 * i));
  files.overwrite(path, contents);
  const auto journal = Journal::open(files, folder, small);
  ASSERT_FALSE(journal.has_value());
  EXPECT_EQ(journal.error().reason(), "store_version") << journal.error().text();
}

TEST(Journal, ASegmentOfAnotherJournalOrAMissingOneIsDamage) {
  ForgetfulFiles files;
  std::vector<Journal::Segment> segments;
  {
    auto journal = opened(files);
    write(*journal, 0, 60);
    segments = journal->segments();
  }
  const std::filesystem::path path = folder / segment_name(segments[1].from);
  const std::string whole = files.contents(path);
  std::string other = encode(SegmentHeader{.journal = {'x'}, .base = segments[1].from, .created = {}});
  files.overwrite(path, other + whole.substr(segment_header_bytes));
  EXPECT_EQ(Journal::open(files, folder, small).error().code(), Code::data_loss);
  files.overwrite(path, whole);
  ASSERT_TRUE(files.remove(path).has_value());
  EXPECT_EQ(Journal::open(files, folder, small).error().code(), Code::data_loss);
}

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
    ASSERT_TRUE(journal->remove_segment(journal->begin()).has_value());
    ASSERT_TRUE(journal->tidy().has_value());
  }
  EXPECT_FALSE(journal->full());
  EXPECT_TRUE(journal->append(Bytes(body_of(0)), at_time(0), Spend::space).has_value());
}

TEST(Journal, AFailedSyncHaltsForGood) {
  ForgetfulFiles files;
  auto journal = opened(files);
  write(*journal, 0, 3);
  bool once = true;
  files.set_fault([&](Operation operation, const auto&) -> std::optional<Error> {
    if (operation != Operation::sync || !std::exchange(once, false)) return std::nullopt;
    return Error(Code::unavailable, Blame::us, "Input/output error");
  });
  ASSERT_TRUE(journal->append(Bytes(body_of(3)), at_time(0), Spend::space).has_value());
  EXPECT_EQ(journal->sync().error().reason(), "store_halted");
  // The next one would succeed, and mean nothing.
  EXPECT_EQ(journal->sync().error().reason(), "store_halted");
  EXPECT_EQ(journal->append(Bytes(body_of(4)), at_time(0), Spend::reserve).error().reason(), "store_halted");
  journal.reset();
  files.crash(Fate::kept);
  EXPECT_EQ(bodies(*opened(files)), first_bodies(3));
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
        if (journal->segments().size() > 2 && step == 40) (void)journal->remove_segment(first_address);
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
