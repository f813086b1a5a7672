// What compaction knows of the journal, and that it reads what earlier writers left.
#include "queue/embedded/live_map.h"

#include <gtest/gtest.h>

#include "queue/embedded/memory_ledger.h"

namespace parley::queue::embedded {
namespace {

constexpr store::Address stretch = store::Address{1} << LiveMap::stretch_bits;

TEST(LiveMap, small_ones_count_in_the_mean_and_large_ones_by_their_bytes) {
  MemoryView view;
  LiveMap map;
  for (Seq seq = 1; seq <= 10; ++seq) map.born(100, 0, seq, 100, view);
  map.born(100, 0, 11, 500'000, view);
  map.born(stretch + 8, 0, 12, 1'000, view);
  EXPECT_EQ(map.sum(0, 2 * stretch).bytes, 502'000U);
  for (Seq seq = 1; seq <= 9; ++seq) map.died(100, 0, seq, view);
  EXPECT_EQ(map.sum(0, stretch).bytes, 500'100U);
  std::string saved;
  Writer out(saved);
  map.save(out);
  LiveMap again;
  Reader in(saved);
  again.load(in);
  EXPECT_TRUE(in.ok() && in.at_end());
  again.died(100, 0, 11, view);
  EXPECT_EQ(again.sum(0, stretch).bytes, 100U);
  EXPECT_TRUE(view.map.empty()) << "the large one's size has gone with it";
  again.died(100, 0, 10, view);
  EXPECT_EQ(again.needed_from(5 * stretch), stretch);
}

TEST(LiveMap, counts_of_an_earlier_writer_are_of_full_stretches) {
  std::string saved;
  Writer out(saved);
  for (const std::uint64_t number : {7, 2, 1, 4, 3, 3}) out.number(number);  // from the 7th on two: 1 of 4, 3 of 3
  MemoryView view;
  LiveMap map;
  Reader in(saved);
  map.load(in);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(map.sum(7 * stretch, 9 * stretch).messages, 4U);
  EXPECT_EQ(map.sum(7 * stretch, 9 * stretch).bytes, stretch / 4 + stretch);
  map.died(7 * stretch, 0, 1, view);
  EXPECT_EQ(map.needed_from(20 * stretch), 8 * stretch);
}

}  // namespace
}  // namespace parley::queue::embedded
