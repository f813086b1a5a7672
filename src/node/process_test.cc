#include "node/process.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace parley::node {
namespace {

using namespace std::chrono_literals;

std::string fresh_folder() {
  std::string name = std::filesystem::temp_directory_path() / "parley-process-XXXXXX";
  return mkdtemp(name.data());
}

std::size_t lines_in(const std::string& file) {
  std::ifstream in(file);
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);) ++count;
  return count;
}

TEST(Process, RunsInItsFolderAndStopsOnTerm) {
  const std::string folder = fresh_folder();
  Shard shard;
  Process process(shard, "child", "trap 'echo stopped > said; exit 0' TERM; touch there; while :; do sleep 0.01; done",
                  folder);
  ASSERT_TRUE(process.start().has_value());
  while (!std::filesystem::exists(folder + "/there")) run_blocking(shard, shard.sleep(5ms));
  EXPECT_TRUE(process.is_running());
  run_blocking(shard, process.stop(60s));
  EXPECT_FALSE(process.is_running());
  EXPECT_EQ(lines_in(folder + "/said"), 1U);
  std::filesystem::remove_all(folder);
}

TEST(Process, IsKilledWhenItDoesNotListen) {
  const std::string folder = fresh_folder();
  Shard shard;
  Process process(shard, "deaf", "trap '' TERM; touch there; while :; do sleep 0.01; done", folder);
  ASSERT_TRUE(process.start().has_value());
  while (!std::filesystem::exists(folder + "/there")) run_blocking(shard, shard.sleep(5ms));
  run_blocking(shard, process.stop(50ms));
  EXPECT_FALSE(process.is_running());
  std::filesystem::remove_all(folder);
}

TEST(Process, IsStartedAgainWhenItEnds) {
  const std::string folder = fresh_folder();
  Shard shard;
  Process process(shard, "short", "echo ran >> runs; exit 3", folder);
  ASSERT_TRUE(process.start().has_value());
  shard.run_until([&] { return lines_in(folder + "/runs") >= 2; });
  run_blocking(shard, process.stop(1s));
  std::filesystem::remove_all(folder);
}

// A shell that is not the service itself ends at once on SIGTERM; the service in its group still has to finish.
TEST(Process, WhatItsShellStartedHasItsTimeToStopToo) {
  const std::string folder = fresh_folder();
  Shard shard;
  Process process(
      shard, "behind",
      "(trap 'sleep 0.2; echo stopped > said; exit 0' TERM; touch there; while :; do sleep 0.01; done); true", folder);
  ASSERT_TRUE(process.start().has_value());
  while (!std::filesystem::exists(folder + "/there")) run_blocking(shard, shard.sleep(5ms));
  run_blocking(shard, process.stop(60s));
  EXPECT_EQ(lines_in(folder + "/said"), 1U);
  std::filesystem::remove_all(folder);
}

TEST(Process, WhatItsShellStartedIsKilledWhenItDoesNotListen) {
  const std::string folder = fresh_folder();
  Shard shard;
  Process process(shard, "behind", "(trap '' TERM; touch there; while :; do sleep 0.01; touch beat; done); true",
                  folder);
  ASSERT_TRUE(process.start().has_value());
  while (!std::filesystem::exists(folder + "/there")) run_blocking(shard, shard.sleep(5ms));
  run_blocking(shard, process.stop(50ms));
  std::filesystem::remove(folder + "/beat");
  run_blocking(shard, shard.sleep(100ms));
  EXPECT_FALSE(std::filesystem::exists(folder + "/beat"));
  std::filesystem::remove_all(folder);
}

TEST(Process, AStartThatTheSystemRefusesIsTriedAgain) {
  const std::string folder = fresh_folder();
  Shard shard;
  shard.use_fake_time();
  Process process(shard, "short", "exit 3", folder);
  ASSERT_TRUE(process.start().has_value());
  shard.run_until([&] { return !process.is_running(); });
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  shard.advance(1s);
  EXPECT_FALSE(process.is_running());
  setrlimit(RLIMIT_NOFILE, &before);
  shard.advance(1s);
  EXPECT_TRUE(process.is_running());
  run_blocking(shard, process.stop(1s));
  std::filesystem::remove_all(folder);
}

// Its words go to a file, which tells how many of them a turn of the loop was spent on.
class Said {
 public:
  Said() : file_(std::tmpfile()), before_(dup(STDERR_FILENO)) { dup2(fileno(file_), STDERR_FILENO); }
  ~Said() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    std::fclose(file_);
  }
  Said(const Said&) = delete;
  Said& operator=(const Said&) = delete;
  std::int64_t bytes() const {
    struct stat s{};
    fstat(fileno(file_), &s);
    return s.st_size;
  }

 private:
  std::FILE* file_;
  int before_;
};

// It writes faster than can be printed: the shard has other things to do as well.
TEST(Process, OneThatNeverStopsTalkingHoldsNothingUp) {
  const std::string folder = fresh_folder();
  Shard shard;
  Process process(shard, "loud", "exec yes", folder);
  std::int64_t most = 0;
  {
    const Said said;
    ASSERT_TRUE(process.start().has_value());
    std::int64_t before = 0;
    shard.run_until([&] {
      most = std::max(most, said.bytes() - before);
      before = said.bytes();
      return before > std::int64_t{4} << 20;
    });
    run_blocking(shard, process.stop(60s));
  }
  EXPECT_LE(most, std::int64_t{512} << 10);
  std::filesystem::remove_all(folder);
}

// Whoever starts Parley may ignore SIGCHLD, which exec keeps: the kernel then reaps, and there is no status to ask for.
TEST(Process, ItsEndIsSeenWhereSigchldIsIgnored) {
  const std::string folder = fresh_folder();
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  Shard shard;
  Process process(shard, "short", "echo ran >> runs; exit 3", folder);
  ASSERT_TRUE(process.start().has_value());
  shard.run_until([&] { return lines_in(folder + "/runs") >= 2; });
  run_blocking(shard, process.stop(1s));
  std::signal(SIGCHLD, before);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace parley::node
