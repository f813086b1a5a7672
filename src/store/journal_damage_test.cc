// Files that somebody or something else changed.
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/crc32c.h"
#include "store/segment_file.h"
#include "store/test_journal.h"

namespace parley::store {
namespace {

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

}  // namespace
}  // namespace parley::store
