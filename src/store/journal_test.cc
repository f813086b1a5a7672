#include "store/journal.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/crc32c.h"
#include "store/segment_file.h"
#include "store/test_journal.h"

namespace parley::store {
namespace {

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
      ASSERT_TRUE(remove_oldest(**journal).has_value());
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
  ASSERT_TRUE(journal->remove_before(before[0].to - 1).has_value());
  EXPECT_EQ(journal->begin(), first) << "its last frame is needed";
  ASSERT_TRUE(remove_oldest(*journal).has_value());
  EXPECT_EQ(journal->begin(), before[1].from);
  EXPECT_EQ(journal->read(first).error().code(), Code::not_found);
  const std::uint64_t used = files.used();
  for (std::size_t i = 60; i < 400; i += 20) {
    write(*journal, i, i + 20);
    while (journal->segments().size() > before.size()) {
      ASSERT_TRUE(remove_oldest(*journal).has_value());
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
  ASSERT_TRUE(remove_oldest(*journal, 4).has_value());
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
    ASSERT_TRUE(remove_oldest(*journal, old).has_value());
    write(*journal, 400, 600);
    for (const Journal::Segment& segment : journal->segments()) {
      EXPECT_GE(segment.file_bytes, size);
      EXPECT_LE(segment.file_bytes, 2 * size + 4096);
    }
  }
}

}  // namespace
}  // namespace parley::store
