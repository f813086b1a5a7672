#include "loop/pipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loop/run_blocking.h"
#include "loop/shard.h"
#include "loop/task.h"

namespace parley {
namespace {

using testing::ElementsAre;

Error lost() { return Error(Code::unavailable, Blame::upstream, "lost"); }

// Everything a reader gets, and how it ends.
Task<std::vector<std::string>> all_of(Pipe& pipe) {
  std::vector<std::string> got;
  for (;;) {
    auto slice = co_await pipe.read();
    if (!slice) {
      got.push_back("! " + slice.error().message());
      co_return got;
    }
    if (!*slice) {
      got.emplace_back("end");
      co_return got;
    }
    got.emplace_back((*slice)->view());
  }
}

TEST(Pipe, HowItEndsDecidesWhatIsStillRead) {
  struct Case {
    const char* name;
    void (*finish)(Pipe&);
    std::vector<std::string> read;
  };
  const Case cases[] = {
      {"an end comes after the slices", [](Pipe& p) { p.end(); }, {"a", "b", "end"}},
      {"an abort drops them", [](Pipe& p) { p.abort(lost()); }, {"! lost"}},
      {"a break comes after them", [](Pipe& p) { p.break_off(lost()); }, {"a", "b", "! lost"}},
      {"an abort overrules a break",
       [](Pipe& p) { p.break_off(lost()), p.abort(Error(Code::cancelled, Blame::us, "gone")); },
       {"! gone"}},
      {"nothing is written after a break",
       [](Pipe& p) { p.break_off(lost()), p.push(Bytes::literal("c")), p.end(); },
       {"a", "b", "! lost"}},
      {"a break after the end is too late", [](Pipe& p) { p.end(), p.break_off(lost()); }, {"a", "b", "end"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Shard shard;
    Pipe pipe;
    pipe.push(Bytes::literal("a"));
    pipe.push(Bytes::literal("b"));
    c.finish(pipe);
    EXPECT_EQ(run_blocking(shard, all_of(pipe)), c.read);
  }
}

TEST(Pipe, ABreakOfAnEmptyPipeIsAtOnce) {
  Shard shard;
  Pipe pipe;
  pipe.break_off(lost());
  EXPECT_TRUE(pipe.aborted());
  EXPECT_THAT(run_blocking(shard, all_of(pipe)), ElementsAre("! lost"));
}

}  // namespace
}  // namespace parley
