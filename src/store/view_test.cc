#include "store/view.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/deadline.h"
#include "store/delta.h"
#include "store/forgetful_files.h"
#include "store/test_seeds.h"

namespace parley::store {
namespace {

using Fate = ForgetfulFiles::Fate;
using State = std::map<std::string, std::string>;
const std::filesystem::path folder = "/view";
constexpr ViewOptions small = {.cache_bytes = 1 << 20, .table_bytes = 64 << 10};

std::unique_ptr<View> opened(Files& files) {
  auto view = View::open(files, folder, small);
  EXPECT_TRUE(view.has_value()) << view.error().text();
  return view ? *std::move(view) : nullptr;
}

std::string key(std::mt19937_64& random) { return fmt::format("{:03}", random() % 200); }

// The same change to both.
void change(std::mt19937_64& random, View& view, State& state) {
  std::string from = key(random);
  switch (random() % 8) {
    case 0: {
      std::string to = key(random);
      if (random() % 3 != 0) to = fmt::format("{:03}", std::stoi(from) + 5);
      view.remove_range(from, to);
      if (from < to) state.erase(state.lower_bound(from), state.lower_bound(to));
      break;
    }
    case 1:
    case 2:
    case 3:
      view.remove(from);
      state.erase(from);
      break;
    default: {
      const std::string value(random() % 40, static_cast<char>('a' + random() % 26));
      view.put(from, value);
      state[from] = value;
    }
  }
}

State all_of(View& view, std::string_view from = {}, std::string_view to = "\xff") {
  State found;
  std::string last;
  const auto done = view.scan(from, to, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(found.empty() || last < key) << "in order, and once";
    last = key;
    found.emplace(key, value);
    return true;
  });
  EXPECT_TRUE(done.has_value()) << done.error().text();
  return found;
}

// Every way to read says the same as the map.
void compare(std::mt19937_64& random, View& view, const State& state) {
  std::string from = key(random);
  std::string to = key(random);
  if (to < from) std::swap(from, to);
  EXPECT_EQ(all_of(view, from, to), State(state.lower_bound(from), state.lower_bound(to)));
  const auto value = view.get(from);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(*value, state.contains(from) ? std::optional(state.at(from)) : std::nullopt);
  const auto last = view.last(from, to);
  ASSERT_TRUE(last.has_value());
  const auto behind = state.lower_bound(to);
  const bool any = behind != state.begin() && std::prev(behind)->first >= from;
  ASSERT_EQ(last->has_value(), any) << from << " " << to;
  if (any) {
    EXPECT_EQ(**last, (std::pair<std::string, std::string>(*std::prev(behind))));
  }
}

TEST(View, ReadsSeeChangesBeforeAndAfterACheckpoint) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    ForgetfulFiles files;
    auto view = opened(files);
    State state;
    Address at = 0;
    for (int step = 0; step < 600; ++step) {
      change(random, *view, state);
      if (step % 7 == 0) compare(random, *view, state);
      if (random() % 60 == 0) {
        ASSERT_TRUE(view->checkpoint(++at).has_value());
        EXPECT_EQ(view->pending_bytes(), 0U);
      }
    }
    EXPECT_EQ(all_of(*view), state);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(View, ScansStopWhereTheyAreTold) {
  ForgetfulFiles files;
  auto view = opened(files);
  for (const char* name : {"a", "b", "c"}) view->put(name, name);
  ASSERT_TRUE(view->checkpoint(5).has_value());
  view->put("bb", "bb");
  std::vector<std::string> seen;
  ASSERT_TRUE(view->scan("a", "z",
                         [&](std::string_view key, std::string_view) {
                           seen.emplace_back(key);
                           return seen.size() < 3;
                         })
                  .has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "bb"}));
  EXPECT_EQ(all_of(*view, "b", "b"), State());
  EXPECT_EQ(all_of(*view).size(), 4U) << "and none of the view's own keys";
}

TEST(View, ANewOneIsTheStateOfNothing) {
  ForgetfulFiles files;
  {
    auto view = opened(files);
    EXPECT_EQ(view->durable(), 0U);
    view->put("a", "b");
    EXPECT_GT(view->pending_bytes(), 0U);
  }
  auto view = opened(files);
  EXPECT_EQ(view->durable(), 0U);
  EXPECT_EQ(all_of(*view), State()) << "what had no checkpoint is gone";
}

TEST(View, DurableFollowsByItself) {
  ForgetfulFiles files;
  auto view = opened(files);
  view->put("a", "b");
  ASSERT_TRUE(view->checkpoint(7).has_value());
  EXPECT_EQ(view->checkpointed(), 7U);
  const Instant end = Clock::now() + std::chrono::seconds(60);
  while (view->durable() != 7 && Clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(view->durable(), 7U);
  files.crash(Fate::lost);
  view.reset();
  view = opened(files);
  EXPECT_EQ(view->durable(), 7U);
  EXPECT_EQ(all_of(*view), (State{{"a", "b"}}));
}

TEST(View, ASecondOpenerIsKeptOut) {
  ForgetfulFiles files;
  auto view = opened(files);
  const auto second = View::open(files, folder, small);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::failed_precondition) << second.error().text();
}

// The power goes at every change that RocksDB makes to a file, one after the other: what comes back is one of the
// checkpoints, whole, and not an older one than `durable` had promised.
class ViewPowerLoss : public testing::TestWithParam<Fate> {};

TEST_P(ViewPowerLoss, ComesBackToACheckpoint) {
  std::uint64_t later = 0;
  for (std::uint64_t moment = 0; moment < seeds(60); ++moment) {
    SCOPED_TRACE(fmt::format("moment {}", moment));
    std::mt19937_64 random(moment);
    ForgetfulFiles files;
    files.as_journaling_file_system();
    std::map<Address, State> checkpoints = {{0, {}}};
    State state;
    Address promised = 0;
    for (int life = 0; life < 3; ++life) {
      files.power_off_after(life == 0 ? moment : random() % 120);
      if (auto view = View::open(files, folder, small)) {
        promised = (*view)->durable();
        ASSERT_TRUE(checkpoints.contains(promised));
        state = checkpoints.at(promised);
        for (Address at = checkpoints.rbegin()->first + 1; files.powered() && at < 60; ++at) {
          for (int i = 0; i < 30; ++i) change(random, **view, state);
          checkpoints[at] = state;
          (void)(*view)->checkpoint(at);
          if (random() % 4 == 0) (void)(*view)->flush();
          promised = (*view)->durable();
        }
      }
      files.crash(GetParam(), moment * 3 + static_cast<std::uint64_t>(life));
      auto view = opened(files);
      ASSERT_NE(view, nullptr);
      ASSERT_GE(view->durable(), promised);
      ASSERT_TRUE(checkpoints.contains(view->durable()));
      EXPECT_EQ(all_of(*view), checkpoints.at(view->durable()));
      if (testing::Test::HasFailure()) return;
      later += view->durable() > 0 ? 1 : 0;
    }
  }
  EXPECT_GT(later, 20U);
}
std::string fate_name(const testing::TestParamInfo<Fate>& fate) {
  constexpr std::array names = {"Lost", "Kept", "Prefix", "Torn"};
  return names.at(static_cast<std::size_t>(fate.param));
}
INSTANTIATE_TEST_SUITE_P(View, ViewPowerLoss, testing::Values(Fate::lost, Fate::prefix, Fate::torn), fate_name);

TEST(View, AFullDiskIsAnErrorThatPasses) {
  ForgetfulFiles files;
  auto view = opened(files);
  view->put("a", "b");
  ASSERT_TRUE(view->checkpoint(1).has_value());
  ASSERT_TRUE(view->flush().has_value());
  files.set_capacity(files.used());
  view->put("c", std::string(1000, 'd'));
  auto full = view->checkpoint(2);
  if (full) full = view->flush();
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code(), Code::resource_exhausted) << full.error().text();
  EXPECT_EQ(view->durable(), 1U);
  EXPECT_EQ(all_of(*view).size(), 2U) << "reading goes on";
  files.set_capacity(10 << 20);
  view->put("e", "f");
  ASSERT_TRUE(view->checkpoint(3).has_value());
  const auto flushed = view->flush();
  ASSERT_TRUE(flushed.has_value()) << flushed.error().text();
  EXPECT_EQ(view->durable(), 3U);
  files.crash(Fate::lost);
  view.reset();
  view = opened(files);
  EXPECT_EQ(view->durable(), 3U);
  EXPECT_EQ(all_of(*view), (State{{"a", "b"}, {"c", std::string(1000, 'd')}, {"e", "f"}}));
}

TEST(View, DamageIsFoundAndNamed) {
  ForgetfulFiles files;
  {
    auto view = opened(files);
    for (int i = 0; i < 500; ++i) view->put(fmt::format("key {}", i), std::string(50, 'v'));
    ASSERT_TRUE(view->checkpoint(1).has_value());
    ASSERT_TRUE(view->flush().has_value());
  }
  for (const auto& path : files.all()) {
    if (path.extension() == ".sst") files.flip(path, 700, 1);
  }
  auto view = View::open(files, folder, small);
  std::optional<Error> error;
  if (!view) {
    error = view.error();
  } else if (auto done = (*view)->scan("a", "z", [](auto, auto) { return true; }); !done) {
    error = done.error();
  }
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::data_loss) << error->text();
  EXPECT_NE(error->message().find(".sst"), std::string::npos) << error->text();
}

// Wherever it is: what RocksDB says of it must not be taken for somebody else's lock.
TEST(View, DamageIsNeverTakenForAnotherProcess) {
  ForgetfulFiles files;
  {
    auto view = opened(files);
    for (int i = 0; i < 50; ++i) view->put(fmt::format("key {}", i), std::string(50, 'v'));
    ASSERT_TRUE(view->checkpoint(1).has_value());
    ASSERT_TRUE(view->flush().has_value());
  }
  int refused = 0;
  for (const auto& path : files.all()) {
    if (path.extension() != ".sst") continue;
    const std::uint64_t size = files.contents(path).size();
    for (std::uint64_t offset = 0; offset < size; offset += 7) {
      files.flip(path, offset, 1);
      auto view = View::open(files, folder, small);
      if (!view) {
        EXPECT_EQ(view.error().code(), Code::data_loss) << offset << ": " << view.error().text();
        ++refused;
      }
      files.flip(path, offset, 1);
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Delta, RangesThatTouchBecomeOne) {
  Delta delta;
  delta.remove_range("b", "d");
  delta.remove_range("f", "h");
  delta.remove_range("d", "f");
  EXPECT_EQ(delta.ranges(), (Delta::Ranges{{"b", "h"}}));
  delta.remove_range("c", "e");
  EXPECT_EQ(delta.ranges(), (Delta::Ranges{{"b", "h"}}));
  delta.remove_range("x", "a");
  delta.remove_range("k", "k");
  EXPECT_EQ(delta.ranges().size(), 1U);
  delta.put("c", "value");
  EXPECT_NE(delta.hides("c"), nullptr) << "what is below stays hidden";
  delta.remove("c");
  EXPECT_TRUE(delta.entries().empty()) << "nothing is below";
  EXPECT_EQ(delta.hides("h"), nullptr);
  EXPECT_EQ(delta.hides("a"), nullptr);
  delta.put("z", "value");
  delta.remove_range("a", "zz");
  EXPECT_TRUE(delta.entries().empty());
  const std::size_t bytes = delta.bytes();
  delta.put("q", "12345");
  delta.put("q", "1");
  delta.remove("q");
  EXPECT_EQ(delta.bytes(), bytes);
  delta.clear();
  EXPECT_EQ(delta.bytes(), 0U);
}

}  // namespace
}  // namespace parley::store
