// What must not depend on how much waits: counted in what the model asks of its view and its journal, not in time.
#include <gtest/gtest.h>

#include "queue/embedded/memory_ledger.h"
#include "queue/embedded/message_codec.h"

namespace parley::queue::embedded {
namespace {

using namespace std::chrono_literals;

const Source source{"q", ""};

void declare(MemoryLedger& ledger, bool keyed, int in_flight = 1'000) {
  Declarations wanted;
  QueueDeclaration queue;
  queue.consumer.name = "q";
  queue.consumer.keyed = keyed;
  queue.consumer.in_flight = in_flight;
  wanted.queues.push_back(queue);
  DeclareOp op;
  op.wanted = &wanted;
  ledger.run(op);
  ASSERT_FALSE(op.error);
}

void publish(MemoryLedger& ledger, int count, int a_turn, const std::function<void(PublishOp&, int)>& fill = {}) {
  for (int i = 0; i < count;) {
    std::vector<std::unique_ptr<PublishOp>> ops;
    std::vector<Op*> list;
    for (int j = 0; j < a_turn && i < count; ++i, ++j) {
      auto op = std::make_unique<PublishOp>();
      op->to = "q";
      Message message;
      message.id = std::to_string(i);
      message.payload = Bytes(std::string(100, 'x'));
      op->message = encode(message);
      if (fill) fill(*op, i);
      list.push_back(op.get());
      ops.push_back(std::move(op));
    }
    ledger.run(list);
    for (const auto& op : ops) ASSERT_FALSE(op->error);
  }
}

std::vector<LeaseOp::Leased> lease(MemoryLedger& ledger, std::size_t most) {
  LeaseOp op;
  op.source = source;
  op.max_messages = most;
  op.max_bytes = 1 << 20;
  op.lease = 30'000;
  op.may_wait = false;
  ledger.run(op);
  if (op.error) throw std::runtime_error(op.error->text());
  return std::move(op.got);
}

void settle(MemoryLedger& ledger, const LeaseOp::Leased& leased, Settlement how = {}) {
  SettleOp op;
  op.source = source;
  op.grip = {leased.seq, leased.token};
  op.how = how;
  ledger.run(op);
  ASSERT_FALSE(op.error);
}

Stats stats(MemoryLedger& ledger) {
  StatsOp op;
  op.source = source;
  ledger.run(op);
  return op.stats;
}

// Operations of the view a lease and settle of one message, in the mean.
double head_cost(MemoryLedger& ledger, int count) {
  const std::uint64_t before = ledger.view.operations;
  for (int i = 0; i < count; ++i) {
    for (const auto& leased : lease(ledger, 1)) settle(ledger, leased);
  }
  return static_cast<double>(ledger.view.operations - before) / count;
}

TEST(Scale, the_head_of_a_million_waiting_costs_what_it_costs_alone) {
  MemoryLedger ledger({});
  declare(ledger, false);
  publish(ledger, 1'000'000, 100);
  ledger.restart();
  EXPECT_EQ(stats(ledger).waiting, 1'000'000);
  ledger.journal.reads = 0;
  // A run of 100 messages is found once: two looks into the index.
  EXPECT_LT(head_cost(ledger, 10'000), 0.1);
  EXPECT_LE(ledger.journal.reads, 101);
  EXPECT_EQ(stats(ledger).waiting, 990'000);
}

TEST(Scale, a_million_of_one_key_are_passed_once) {
  MemoryLedger ledger({});
  declare(ledger, true);
  publish(ledger, 100'000, 1'000, [](PublishOp& op, int) { op.line = 7; });
  publish(ledger, 1'000, 1'000, [](PublishOp& op, int i) { op.line = 100 + static_cast<Line>(i); });
  const auto first = lease(ledger, 1);
  ASSERT_EQ(first.size(), 1);
  std::vector<LeaseOp::Leased> others;
  for (int i = 0; i < 200 && others.empty(); ++i) others = lease(ledger, 1);
  ASSERT_EQ(others.size(), 1);
  EXPECT_EQ(others[0].seq, 100'001);
  EXPECT_EQ(stats(ledger).waiting, 100'998);
  EXPECT_LT(head_cost(ledger, 900), 0.1);
  // And the line goes on in order.
  settle(ledger, first[0]);
  for (Seq seq = 2; seq < 40'000; ++seq) {
    const auto next = lease(ledger, 1);
    ASSERT_EQ(next.size(), 1);
    ASSERT_EQ(next[0].seq, seq);
    settle(ledger, next[0]);
    if (seq == 1'000) ledger.restart();
  }
}

TEST(Scale, what_waits_for_its_time_is_in_memory_only_as_far_as_it_is_near) {
  MemoryLedger ledger({});
  declare(ledger, false);
  const Millis start = millis(ledger.now);
  publish(ledger, 100'000, 1'000, [&](PublishOp& op, int i) { op.due = start + 1'000 + (i * 7'919) % 100'000; });
  EXPECT_EQ(stats(ledger).delayed, 100'000);
  ledger.restart();
  Millis last = 0;
  std::uint64_t got = 0;
  for (int i = 0; i < 100; ++i) {
    ledger.now += 1'010ms;
    ledger.tick();
    for (auto leased = lease(ledger, 1'000); !leased.empty(); leased = lease(ledger, 1'000)) {
      for (const auto& each : leased) {
        const Millis due = start + 1'000 + static_cast<Millis>((each.seq - 1) * 7'919 % 100'000);
        EXPECT_LE(due, millis(ledger.now));
        EXPECT_GT(due, last);
        settle(ledger, each);
        ++got;
      }
    }
    last = millis(ledger.now);
    if (i == 50) ledger.restart();
  }
  EXPECT_EQ(got, 100'000);
}

TEST(Scale, a_few_that_stay_do_not_hold_the_journal) {
  ModelOptions options;
  options.compact_above = 8 << 20;
  MemoryLedger ledger(options);
  declare(ledger, false, 100'000);
  std::vector<Seq> kept;
  for (int round = 0; round < 200; ++round) {
    publish(ledger, 1'000, 1'000);
    for (const auto& leased : lease(ledger, 1'000)) {
      const bool keep = leased.seq % 1'000 == 0;
      if (keep) kept.push_back(leased.seq);
      settle(ledger, leased,
             {.kind = keep ? Settlement::Kind::dead : Settlement::Kind::done, .delay = {}, .reason = "kept"});
    }
    ledger.now += 1s;
    ledger.tick();
    if (round % 10 == 0) ledger.checkpoint();
    if (round % 50 == 7) ledger.crash();
  }
  for (int i = 0; i < 200; ++i) {
    ledger.now += i % 20 == 0 ? 1s : 2ms;
    ledger.tick();
    if (i % 20 == 0) ledger.checkpoint();
  }
  // 200,000 messages of some 130 bytes were published: 28 MB and their leases and settlements.
  EXPECT_LT(ledger.journal.end() - ledger.journal.begin(), 10 << 20);
  EXPECT_EQ(stats(ledger).dead, 200);
  RedriveOp redrive;
  redrive.source = source;
  redrive.all = true;
  ledger.run(redrive);
  EXPECT_EQ(redrive.count, 200);
  ledger.crash();
  std::vector<Seq> again;
  for (const auto& leased : lease(ledger, 500)) {
    again.push_back(leased.seq);
    Message message;
    EXPECT_TRUE(decode(leased.message, message));
    EXPECT_EQ(message.payload.size(), 100);
  }
  EXPECT_EQ(again, kept);
}

// Steps of compaction, with checkpoints, until there is nothing to do.
void compact(MemoryLedger& ledger, int steps) {
  for (int i = 0; i < steps; ++i) {
    ledger.now += i % 50 == 0 ? 1s : 2ms;
    ledger.tick();
    if (i % 50 == 49) ledger.checkpoint();
  }
}

void publish_sized(MemoryLedger& ledger, int count, std::size_t size, Millis due = 0) {
  publish(ledger, count, count, [&](PublishOp& op, int i) {
    Message message;
    message.id = std::to_string(i);
    message.payload = Bytes(std::string(size, 'x'));
    op.message = encode(message);
    op.due = due;
  });
}

// The seqs of the next leases, a message each, settled; and how many frames had to be read for them.
std::pair<std::vector<Seq>, std::uint64_t> take(MemoryLedger& ledger, int count) {
  ledger.journal.reads = 0;
  std::vector<Seq> seqs;
  for (int i = 0; i < count; ++i) {
    for (const auto& leased : lease(ledger, 1)) {
      seqs.push_back(leased.seq);
      settle(ledger, leased);
    }
  }
  return {seqs, ledger.journal.reads};
}

std::vector<Seq> from_to(Seq from, Seq to) {
  std::vector<Seq> seqs;
  for (; from <= to; ++from) seqs.push_back(from);
  return seqs;
}

TEST(Scale, memory_has_what_is_new_for_who_keeps_up_and_nothing_for_who_is_far_behind) {
  MemoryLedger ledger({});
  declare(ledger, false);
  const std::size_t size = 1 << 20;  // memory takes less than 16 of them
  publish_sized(ledger, 5, size);
  EXPECT_EQ(take(ledger, 5), std::pair(from_to(1, 5), std::uint64_t{0}));
  for (int i = 0; i < 4; ++i) publish_sized(ledger, 10, size);
  // Those that were published while it was near are there still: none pushed them out.
  auto [seqs, reads] = take(ledger, 15);
  EXPECT_EQ(seqs, from_to(6, 20));
  EXPECT_EQ(reads, 0);
  std::tie(seqs, reads) = take(ledger, 24);
  EXPECT_EQ(seqs, from_to(21, 44));
  EXPECT_GE(reads, 3);  // of frames of ten
  // Near again, with one still to be read: behind that gap memory begins anew.
  publish_sized(ledger, 5, size);
  std::tie(seqs, reads) = take(ledger, 6);
  EXPECT_EQ(seqs, from_to(45, 50));
  EXPECT_LE(reads, 1);
}

TEST(Scale, retention_does_not_read_its_oldest_frame_at_each_tick) {
  MemoryLedger ledger({});
  Declarations wanted;
  wanted.topics.push_back({.name = "q", .keyed = false, .groups = {}, .keep = 1h});
  DeclareOp op;
  op.wanted = &wanted;
  ledger.run(op);
  ASSERT_FALSE(op.error);
  publish_sized(ledger, 10, 1'000);
  ledger.journal.reads = 0;
  for (int i = 0; i < 20; ++i) {
    ledger.now += 61s;  // a tick comes every minute if nothing else happens
    ledger.tick();
  }
  EXPECT_EQ(ledger.journal.reads, 1);
}

TEST(Scale, small_ones_that_stay_among_large_ones_that_go_do_not_hold_the_journal) {
  ModelOptions options;
  options.compact_above = 4 << 20;
  MemoryLedger ledger(options);
  declare(ledger, false, 100'000);
  const Millis next_week = millis(ledger.now) + 7 * 86'400'000;
  for (int round = 0; round < 300; ++round) {
    publish_sized(ledger, 40, 100, next_week);
    publish_sized(ledger, 4, 200 << 10);
    for (const auto& leased : lease(ledger, 10)) settle(ledger, leased);
    compact(ledger, 50);
    if (round % 100 == 50) ledger.crash();
  }
  // 240 MB came and went; 12,000 messages of some 130 bytes stay.
  EXPECT_EQ(stats(ledger).delayed, 12'000);
  EXPECT_LT(ledger.journal.end() - ledger.journal.begin(), 8 << 20);
}

// What is published beside a queue whose messages come and go is moved time and again: its time stays that of its
// publishing, for retention and for who begins at a time.
TEST(Scale, a_topics_messages_keep_their_time_when_they_are_moved) {
  ModelOptions options;
  options.compact_above = 4 << 20;
  MemoryLedger ledger(options);
  declare(ledger, false, 100'000);
  Declarations wanted;
  wanted.topics.push_back({.name = "t", .keyed = false, .groups = {}, .keep = 24h});
  DeclareOp op;
  op.wanted = &wanted;
  ledger.run(op);
  ASSERT_FALSE(op.error);
  const WallTime start = ledger.now;
  for (int round = 0; round < 60; ++round) {
    if (round == 22) {
      ReadOp since;
      since.topic = "t";
      since.from = {.kind = From::Kind::time, .time = start + 10h, .position = {}};
      since.may_wait = false;
      since.max_bytes = 1 << 20;
      ledger.run(since);
      ASSERT_FALSE(since.error);
      ASSERT_FALSE(since.got.empty());
      EXPECT_EQ(since.got.front().seq, 101);
    }
    publish(ledger, 10, 10, [](PublishOp& each, int) { each.to = "t"; });
    for (int i = 0; i < 4; ++i) publish_sized(ledger, 4, 200 << 10);
    while (stats(ledger).waiting > 0) {
      for (const auto& leased : lease(ledger, 10)) settle(ledger, leased);
    }
    compact(ledger, 100);
    if (round % 20 == 13) ledger.crash();
    ledger.now = start + std::chrono::hours(round + 1);
    ledger.tick();
  }
  // A message of each hour came ten times; of 60 hours the last 24 stay.
  EXPECT_EQ(ledger.model().find("t")->log.begin, 371);
  EXPECT_LT(ledger.journal.end() - ledger.journal.begin(), 20 << 20);
}

// Whichever record is the first that a full disk refuses.
TEST(Scale, a_full_disk_lets_no_cursor_pass_what_it_does_not_record) {
  for (std::size_t room = 0; room < 150; ++room) {
    SCOPED_TRACE(room);
    MemoryLedger ledger({});
    declare(ledger, true);
    const Millis soon = millis(ledger.now) + 10'000;
    publish(ledger, 9, 9, [&](PublishOp& op, int i) {
      op.line = static_cast<Line>(1 + i % 3);
      if (i == 2) op.expires = soon;
    });
    ledger.now += 20s;
    ledger.group_room = room;
    LeaseOp refused;
    refused.source = source;
    refused.max_messages = 5;
    refused.max_bytes = 1 << 20;
    refused.lease = 30'000;
    refused.may_wait = false;
    ledger.run(refused);
    ledger.group_room = ~std::size_t{0};
    for (const auto& leased : refused.got) settle(ledger, leased);
    std::size_t handled = refused.got.size();
    for (auto got = lease(ledger, 5); !got.empty(); got = lease(ledger, 5)) {
      for (const auto& leased : got) settle(ledger, leased);
      handled += got.size();
    }
    EXPECT_EQ(handled + stats(ledger).dead, 9);
    EXPECT_EQ(stats(ledger).waiting, 0);
  }
}

TEST(Scale, large_ones_that_stay_are_not_written_again_for_every_few_small_ones) {
  ModelOptions options;
  options.compact_above = 4 << 20;
  MemoryLedger ledger(options);
  declare(ledger, false, 100'000);
  const Millis next_week = millis(ledger.now) + 7 * 86'400'000;
  const std::uint64_t large = 200 * (100 << 10);
  for (int i = 0; i < 20; ++i) publish_sized(ledger, 10, 100 << 10, next_week);
  ledger.restart();
  const std::uint64_t before = ledger.journal.end();
  for (int round = 0; round < 200; ++round) {
    publish_sized(ledger, 1'000, 100);
    for (const auto& leased : lease(ledger, 1'000)) settle(ledger, leased);
    compact(ledger, 100);
  }
  // Each time that as much as stays has gone, what stays was moved once.
  const std::uint64_t own = 200 * 1'000 * 200;
  EXPECT_LT(ledger.journal.end() - before, own + own / large * large + large);
  EXPECT_LT(ledger.journal.end() - ledger.journal.begin(), 2 * large + (6 << 20));
  EXPECT_EQ(stats(ledger).delayed, 200);
}

}  // namespace
}  // namespace parley::queue::embedded
