#include "node/process.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace parley::node
