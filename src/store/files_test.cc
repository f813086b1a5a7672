// The operating system's files, where file systems differ from what ForgetfulFiles does.
#include "store/files.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

namespace fs = std::filesystem;

bool did(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }  // NOLINT

// A small ext4 of its own: that needs root and a loop device.
class Ext4 : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "parley-ext4-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    const std::string image = (folder_ / "image").string();
    fs::create_directory(disk());
    mounted_ = did("truncate -s 16M " + image) && did("PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q " + image) &&
               did("mount -o loop " + image + " " + disk().string());
    if (!mounted_) GTEST_SKIP() << "no ext4 can be mounted here";
  }
  void TearDown() override {
    if (mounted_) did("umount " + disk().string());
    fs::remove_all(folder_);
  }
  fs::path disk() const { return folder_ / "disk"; }

 private:
  fs::path folder_;
  bool mounted_ = false;
};

// By itself it keeps as much as there was: a look for space would take all of it from whoever needs a little.
TEST_F(Ext4, SpaceIsAllocatedWholeOrNotAtAll) {
  const auto file = real_files().open(disk() / "file", Files::Mode::create);
  ASSERT_TRUE(file.has_value()) << file.error().text();
  ASSERT_TRUE((*file)->allocate(1 << 20).has_value());
  const std::uint64_t before = real_files().free_bytes(disk()).value();
  const auto failed = (*file)->allocate(64 << 20);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), Code::resource_exhausted);
  EXPECT_EQ((*file)->size().value(), 1U << 20);
  EXPECT_GE(real_files().free_bytes(disk()).value() + (64 << 10), before);
}

}  // namespace
}  // namespace parley::store
