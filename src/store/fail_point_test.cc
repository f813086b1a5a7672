#include "base/fail_point.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/ledger.h"

namespace parley::store {
namespace {

constexpr LedgerOptions small = {.journal = {.segment_bytes = 64 << 10, .reserve_bytes = 64 << 10},
                                 .checkpoint_bytes = 32 << 10};

struct Counter final : Model {
  std::uint64_t count = 0;
  void apply(std::string_view, RecordPlace, WallTime, View&) override { ++count; }
  void save(View& view) override { view.put("count", std::to_string(count)); }
  Result<void> load(View& view) override {
    auto saved = view.get("count");
    if (saved && *saved) count = std::stoull(**saved);
    return saved ? Result<void>() : fail(saved.error());
  }
  std::optional<WallTime> tick(Group&) override { return std::nullopt; }
  Address needed_from(View&) override { return ~Address{0}; }
};

struct Add final : Work {
  std::promise<bool> durable;
  void run(Group& group) override { (void)group.add(0, std::string(600, 'x')); }
  void done(const Result<void>& outcome) override { durable.set_value(outcome.has_value()); }
};

// Runs in a process of its own: adds until it is killed, and says in a file how many were acknowledged.
TEST(FailPointChild, AddsUntilItIsKilled) {
  const char* folder = std::getenv("PARLEY_STORE_CHILD");
  if (folder == nullptr) GTEST_SKIP() << "the other tests start it";
  const WallClock clock;
  Counter counter;
  auto ledger = Ledger::open(real_files(), folder, {&counter}, clock, small);
  ASSERT_TRUE(ledger.has_value()) << ledger.error().text();
  std::ofstream acknowledged(std::string(folder) + ".acknowledged");
  for (int i = 0; i < 2000; ++i) {
    Add add;
    Work* work = &add;
    (*ledger)->submit({&work, 1});
    if (!add.durable.get_future().get()) return;
    acknowledged.seekp(0) << counter.count << std::flush;
  }
}

// The signal that ended it; 0: it ended by itself.
int run_child(const std::string& folder, const std::string& point) {
  const std::string child = "PARLEY_STORE_CHILD=" + folder;
  const std::string fail = "PARLEY_FAIL_POINT=" + point;
  std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  std::string filter = "--gtest_filter=FailPointChild.*";
  std::array<char*, 4> arguments = {program.data(), filter.data(), const_cast<char*>("--gtest_brief=1"), nullptr};
  std::array<char*, 3> environment = {const_cast<char*>(child.data()), const_cast<char*>(fail.data()), nullptr};
  pid_t pid = 0;
  EXPECT_EQ(::posix_spawn(&pid, program.data(), nullptr, nullptr, arguments.data(), environment.data()), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(FailPoint, WhatWasAcknowledgedIsThereAfterAKillAnywhere) {
#if !defined(PARLEY_FAIL_POINTS) && defined(NDEBUG)
  GTEST_SKIP() << "built without fail points";
#endif
  std::string root = (std::filesystem::temp_directory_path() / "parley-fail-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  constexpr std::array points = {"journal_write",    "journal_written", "journal_synced",
                                 "checkpoint_begin", "checkpoint_end",  "segment_remove",
                                 "segment_removed",  "segment_begin",   "segment_begun"};
  for (const std::string_view point : points) {
    const std::string folder = root + "/" + std::string(point);
    std::uint64_t before = 0;
    for (const int count : {1, 2}) {
      SCOPED_TRACE(fmt::format("{}:{}", point, count));
      ASSERT_EQ(run_child(folder, fmt::format("{}:{}", point, count)), SIGKILL);
      std::uint64_t acknowledged = before;
      std::ifstream(folder + ".acknowledged") >> acknowledged;
      const WallClock clock;
      Counter counter;
      auto ledger = Ledger::open(real_files(), folder, {&counter}, clock, small);
      ASSERT_TRUE(ledger.has_value()) << ledger.error().text();
      EXPECT_GE(counter.count, acknowledged);
      EXPECT_LE(counter.count, acknowledged + 2) << "one that was under way in each life";
      before = counter.count;
    }
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace parley::store
