// A journal of small segments in memory, for its tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/forgetful_files.h"
#include "store/journal.h"

namespace parley::store {

using Spend = Journal::Spend;
using Fate = ForgetfulFiles::Fate;
using Operation = ForgetfulFiles::Operation;
inline constexpr std::uint64_t unlimited = 1 << 30;
inline const std::filesystem::path folder = "/journal";

// Small enough that a few frames fill a segment.
inline constexpr JournalOptions small = {
    .segment_bytes = 16 << 10, .reserve_bytes = 4 << 10, .recent_bytes = 2 << 10, .ahead_by_thread = false};

inline WallTime at_time(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }

// Frame `i` of a test: its body says which it is, and is as long as that makes it.
inline std::string body_of(std::size_t i) {
  const std::size_t size = i * 7919 % 1500;
  std::string body = fmt::format("frame {} ", i);
  while (body.size() < size) body.push_back(static_cast<char>('a' + (body.size() + i) % 26));
  return body;
}

inline std::unique_ptr<Journal> opened(Files& files, JournalOptions options = small) {
  auto journal = Journal::open(files, folder, options);
  EXPECT_TRUE(journal.has_value()) << journal.error().text();
  return journal ? *std::move(journal) : nullptr;
}

inline std::vector<std::string> bodies(Journal& journal) {
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

inline std::vector<std::string> first_bodies(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(body_of(i));
  return out;
}

inline void write(Journal& journal, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    ASSERT_TRUE(journal.append(Bytes(body_of(i)), at_time(static_cast<std::int64_t>(i)), Spend::space).has_value());
  }
  ASSERT_TRUE(journal.sync().has_value());
}

inline Result<void> remove_oldest(Journal& journal, std::size_t count = 1) {
  return journal.remove_before(journal.segments().at(count).from);
}

}  // namespace parley::store
