// Random operations against a reference of a page, with crashes, restarts and checkpoints in between: what the model
// says after a crash is what it said before, nobody gets what he must not, and nothing is lost. Bounds are tiny, so
// that everything overflows into the view all the time.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "queue/embedded/keys.h"
#include "queue/embedded/memory_ledger.h"
#include "queue/embedded/message_codec.h"

namespace parley::queue::embedded {
namespace {

enum class At : std::uint8_t { waiting, leased, delayed, dead, done };

// A message as the promise sees it.
struct Known {
  Line line = 0;
  Millis due = 0;  // delayed: until; leased: the lease's end
  Millis expires = 0;
  At at = At::waiting;
  int attempts = 0;
  std::uint64_t token = 0;
  bool first_due = false;  // has not been offered before its due time: holds no line
};

struct Setting {
  const char* name;
  bool keyed;
  bool topic;
  bool expires;
  bool followers_wait;
  unsigned seed;
};
void PrintTo(const Setting& s, std::ostream* out) { *out << s.name << s.seed; }

constexpr int in_flight = 6;
constexpr int max_attempts = 4;
constexpr Millis lease_time = 30'000;

class Property : public testing::TestWithParam<Setting> {
 protected:
  static ModelOptions tiny() {
    ModelOptions options;
    options.bounds = {.delayed = 4, .parked = 4, .chunk = 16};
    options.steps = 8;
    options.compact_above = 20'000;
    return options;
  }
  Property() : ledger_(tiny()), random_(GetParam().seed) {
    ledger_.journal.segment_bytes = 4'000;
    Consumer consumer;
    consumer.name = "q";
    consumer.keyed = GetParam().keyed;
    consumer.in_flight = in_flight;
    consumer.retry.attempts = max_attempts;
    consumer.retry.followers_wait = GetParam().followers_wait;
    if (GetParam().topic) {
      consumer.group = "g";
      consumer.from_earliest = true;
      wanted_.topics.push_back({.name = "q", .keyed = consumer.keyed, .groups = {consumer}, .keep = {}});
    } else {
      wanted_.queues.push_back({.consumer = consumer, .dedup_window = std::chrono::seconds(60), .ttl = {}});
    }
    source_ = {"q", consumer.group};
    declare();
    if (GetParam().topic) begin_witness();
  }

  void declare() {
    DeclareOp op;
    op.wanted = &wanted_;
    run(op);
  }

  void run(Op& op) {
    ledger_.run(op);
    pass_time();
    ASSERT_TRUE(op.is_complete);
    ASSERT_FALSE(op.error) << op.error->text();
  }
  int any(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  Millis now() const { return millis(ledger_.now); }

  // What the clock did to what is known.
  void pass_time() {
    for (auto& [seq, it] : known_) {
      if (it.at == At::leased && it.due <= now()) it.at = it.attempts >= max_attempts ? At::dead : At::waiting;
      if (it.at == At::delayed && it.due <= now()) it.at = At::waiting;
    }
  }
  bool is_expired(const Known& it) const { return it.expires != 0 && it.expires <= now(); }
  // Somebody of its line is leased or between two attempts.
  bool is_blocked(Seq seq, const Known& it) const {
    if (!GetParam().keyed || it.line == 0) return false;
    for (const auto& [other, that] : known_) {
      if (other == seq || that.line != it.line) continue;
      if (that.at == At::leased || (that.at == At::delayed && !that.first_due)) return true;
      if (GetParam().followers_wait && that.at == At::dead) return true;
    }
    return false;
  }

  void publish() {
    PublishOp op;
    op.to = "q";
    Message message;
    message.id = fmt::to_string(published_);
    message.payload = Bytes(std::string(static_cast<std::size_t>(any(200)), 'x'));
    op.message = encode(message);
    op.line = static_cast<Line>(any(4));
    if (!GetParam().topic && any(4) == 0) op.due = now() + 1 + any(60'000);
    if (GetParam().expires && any(3) == 0) op.expires = now() + 1 + any(90'000);
    if (!GetParam().topic && any(3) == 0) op.dedup = fmt::to_string(any(20));
    run(op);
    const bool seen = !op.dedup.empty() && dedup_.contains(op.dedup) && dedup_[op.dedup].second > now();
    ASSERT_EQ(op.duplicate, seen);
    if (seen) {
      ASSERT_EQ(op.seq, dedup_[op.dedup].first);
      return;
    }
    ++published_;
    ASSERT_EQ(op.seq, published_);
    if (!op.dedup.empty()) dedup_[op.dedup] = {op.seq, now() + 60'000};
    known_[op.seq] = {.line = op.line,
                      .due = op.due,
                      .expires = op.expires,
                      .at = op.due != 0 ? At::delayed : At::waiting,
                      .attempts = 0,
                      .token = 0,
                      .first_due = op.due != 0};
  }

  std::size_t lease_some() {
    LeaseOp op;
    op.source = source_;
    op.max_messages = static_cast<std::size_t>(1 + any(4));
    op.max_bytes = 400;
    op.lease = lease_time;
    op.may_wait = false;
    run(op);
    for (const auto& got : op.got) {
      Known& it = known_.at(got.seq);
      EXPECT_EQ(it.at, At::waiting) << got.seq;
      EXPECT_FALSE(is_blocked(got.seq, it)) << got.seq;
      EXPECT_FALSE(is_expired(it)) << got.seq;
      EXPECT_EQ(got.attempt, it.attempts + 1) << got.seq;
      Message message;
      EXPECT_TRUE(decode(got.message, message));
      expect_first_of_line(got.seq, it);
      it.at = At::leased;
      it.attempts = got.attempt;
      it.due = now() + lease_time;
      it.token = got.token;
      it.first_due = false;
    }
    EXPECT_LE(leased(), static_cast<std::size_t>(in_flight));
    return op.got.size();
  }
  // Followers do not overtake, but for those whose leader came back: from the dead letters, or at its due time.
  void expect_first_of_line(Seq seq, const Known& it) {
    if (!GetParam().keyed || it.line == 0 || came_back_) return;
    for (const auto& [other, that] : known_) {
      if (other >= seq) break;
      if (that.line == it.line && that.at == At::waiting && that.due == 0 && !is_expired(that))
        ADD_FAILURE() << seq << " overtook " << other;
    }
  }
  std::size_t leased() const {
    return static_cast<std::size_t>(
        std::count_if(known_.begin(), known_.end(), [](const auto& it) { return it.second.at == At::leased; }));
  }
  std::uint64_t count(At at) const {
    return static_cast<std::uint64_t>(
        std::count_if(known_.begin(), known_.end(), [&](const auto& it) { return it.second.at == at; }));
  }

  void settle_one() {
    std::vector<Seq> all;
    for (const auto& [seq, it] : known_) {
      if (it.at == At::leased) all.push_back(seq);
    }
    if (all.empty()) return;
    const Seq seq = all[static_cast<std::size_t>(any(static_cast<int>(all.size())))];
    Known& it = known_[seq];
    if (any(8) == 0) {
      ExtendOp op;
      op.source = source_;
      op.grip = {seq, it.token};
      op.by = lease_time * 2;
      it.due = now() + op.by;
      return run(op);
    }
    SettleOp op;
    op.source = source_;
    op.grip = {seq, it.token};
    switch (any(5)) {
      case 0:
        op.how.kind = Settlement::Kind::retry;
        op.how.delay = std::chrono::milliseconds(1 + any(20'000));
        it.due = now() + std::chrono::ceil<std::chrono::milliseconds>(op.how.delay).count();
        it.at = At::delayed;
        break;
      case 1:
        op.how.kind = Settlement::Kind::release;
        --it.attempts;
        it.at = At::waiting;
        break;
      case 2:
        op.how.kind = Settlement::Kind::dead;
        op.how.reason = "no";
        it.at = At::dead;
        break;
      default: it.at = At::done; break;
    }
    run(op);
    // Once is enough.
    SettleOp again;
    again.source = source_;
    again.grip = op.grip;
    ledger_.run(again);
    ASSERT_TRUE(again.error && again.error->reason() == "lease_lost");
  }

  void redrive() {
    if (GetParam().seed % 2 == 0 && !GetParam().followers_wait) return;  // then followers never overtake
    RedriveOp op;
    op.source = source_;
    std::uint64_t expected = 0;
    op.all = any(3) == 0;
    for (auto& [seq, it] : known_) {
      if (it.at != At::dead || (!op.all && any(2) == 0)) continue;
      op.which.push_back(seq);
      ++expected;
      it.at = At::waiting;
      it.attempts = 0;
    }
    if (expected == 0) return;
    came_back_ = !GetParam().followers_wait;  // else nobody has overtaken it meanwhile
    if (op.all) op.which.clear();
    run(op);
    if (!GetParam().expires) EXPECT_EQ(op.count, expected);
  }

  void purge(Shelf shelf) {
    PurgeOp op;
    op.source = source_;
    op.shelf = shelf;
    run(op);
  }
  // What is due but not ready yet counts as delayed, and what has expired may still wait: those go together.
  void purge() {
    const bool all = GetParam().expires;
    const bool dead = any(2) == 0;
    if (all || dead) purge(Shelf::dead);
    if (all || !dead) purge(Shelf::delayed), purge(Shelf::waiting);
    for (auto& [seq, it] : known_) {
      if (it.at == At::dead ? all || dead : it.at != At::leased && (all || !dead)) it.at = At::done;
    }
  }

  // Another group, of which nothing is taken: what happens to the first one does not touch it.
  void begin_witness() {
    witness_from_ = any(2) == 0 ? 1 : published_ + 1;
    commit(witness_, witness_from_ == 1 ? From::Kind::earliest : From::Kind::latest);
  }
  void commit(const Source& group, From::Kind kind) {
    CommitOp op;
    op.source = group;
    op.to.kind = kind;
    run(op);
  }
  void delete_group(const Source& group) {
    const std::uint64_t id = (*ledger_.model().group(group))->id();
    DeleteGroupOp op;
    op.source = group;
    run(op);
    for (const char family :
         {keys::group, keys::dead, keys::delayed, keys::delayed_at, keys::parked, keys::parked_at}) {
      const auto left = ledger_.view.map.lower_bound(keys::make(family, {id}));
      const bool is_its = left != ledger_.view.map.end() && left->first < keys::make(family, {id + 1});
      EXPECT_FALSE(is_its) << family << " of a group that is gone";
    }
    DeleteGroupOp again;
    again.source = group;
    ledger_.run(again);
    ASSERT_TRUE(again.error && again.error->code() == Code::not_found);
  }
  // The group goes, and begins again: at the earliest message, as it is declared, or at the latest, by a commit. So may
  // the other one, before or behind it: their numbers change places.
  void begin_again() {
    if (leased() > 0) {
      DeleteGroupOp op;
      op.source = source_;
      ledger_.run(op);
      ASSERT_TRUE(op.error && op.error->reason() == "group_in_use");
      return;
    }
    delete_group(source_);
    const bool both = any(2) == 0;
    if (both) delete_group(witness_);
    for (int i = any(3); i > 0; --i) publish();
    if (any(2) == 0) any(2) == 0 ? ledger_.restart() : ledger_.crash();
    const bool first = any(2) == 0;
    if (both && first) begin_witness();
    const bool latest = any(2) == 0;
    if (latest) commit(source_, From::Kind::latest);
    declare();
    if (both && !first) begin_witness();
    for (auto& [seq, it] : known_) it = {.line = it.line, .at = latest ? At::done : At::waiting};
    came_back_ = false;
  }

  // All that the model knows of the group, wherever it keeps it.
  std::string dump() {
    GroupState& state = **ledger_.model().group(source_);
    std::string out =
        fmt::format("cursor {} ahead {} dead {} leased {} ready {} delayed {} parked {}\n", state.cursor(),
                    state.ahead(), state.dead(), state.open().leased_count(), state.open().ready_count(),
                    state.open().delayed_count(), state.open().parked_count());
    for (const auto each : {Open::State::leased, Open::State::ready, Open::State::delayed, Open::State::parked}) {
      state.open().each_of(each, 0, ledger_.view, [&](Seq seq) {
        const Open it = *state.open().peek(seq, ledger_.view);
        out += fmt::format("{}: {} {} {} {} {} {:x}\n", seq, static_cast<int>(it.state), it.holds_line, it.attempts,
                           it.line, it.state == Open::State::ready ? 0 : it.when,
                           it.state == Open::State::leased ? it.token : 0);
        return true;
      });
    }
    for (Seq seq = 1; seq <= published_; ++seq) {
      const auto letter = state.dead_letter(seq, ledger_.view);
      if (letter && *letter) out += fmt::format("dead {} {} {}\n", seq, (*letter)->attempts, (*letter)->reason);
    }
    return out;
  }

  void check() {
    StatsOp op;
    op.source = source_;
    run(op);
    const auto found = [&] { return dump(); };
    EXPECT_EQ(op.stats.leased, count(At::leased)) << found();
    const std::uint64_t waits = op.stats.waiting + op.stats.delayed;
    if (GetParam().expires) {
      EXPECT_EQ(waits + op.stats.dead, count(At::waiting) + count(At::delayed) + count(At::dead)) << found();
    } else {
      EXPECT_EQ(waits, count(At::waiting) + count(At::delayed)) << found();
      EXPECT_EQ(op.stats.dead, count(At::dead)) << found();
    }
    if (!GetParam().topic) return;
    StatsOp other;
    other.source = witness_;
    run(other);
    EXPECT_EQ(other.stats.waiting, published_ + 1 - witness_from_);
  }

  void crash(bool orderly) {
    const std::string before = dump();
    if (orderly) {
      ledger_.restart();
    } else {
      ledger_.crash();
    }
    ASSERT_EQ(dump(), before);
  }

  MemoryLedger ledger_;
  std::mt19937 random_;
  Declarations wanted_;
  Source source_;
  const Source witness_{"q", "w"};
  Seq witness_from_ = 1;
  std::map<Seq, Known> known_;
  std::map<std::string, std::pair<Seq, Millis>> dedup_;
  Seq published_ = 0;
  bool came_back_ = false;
};

TEST_P(Property, holds_over_random_operations_and_crashes) {
  for (int i = 0; i < 3'000 && !HasFailure(); ++i) {
    const int dice = any(100);
    if (dice < 35) {
      publish();
    } else if (dice < 60) {
      lease_some();
    } else if (dice < 85) {
      settle_one();
    } else if (dice < 92) {
      ledger_.now += std::chrono::milliseconds(any(any(5) == 0 ? 40'000 : 3'000));
      ledger_.tick();
      pass_time();
    } else if (dice < 94) {
      if (any(4) == 0 || GetParam().followers_wait) redrive();
    } else if (dice < 96) {
      if (GetParam().topic && any(6) == 0) {
        begin_again();
      } else if (any(20) == 0) {
        purge();
      }
    } else if (dice < 98) {
      ledger_.checkpoint();
    } else {
      crash(any(2) == 0);
    }
    if (i % 10 == 0) check();
    if (HasFailure()) FAIL() << "at operation " << i;
  }
  // In the end everything comes out.
  for (int i = 0; i < 20'000 && count(At::waiting) + count(At::delayed) + count(At::leased) > 0 && !HasFailure(); ++i) {
    const std::size_t got = lease_some();
    for (auto& [seq, it] : known_) {
      if (it.at != At::leased) continue;
      SettleOp op;
      op.source = source_;
      op.grip = {seq, it.token};
      run(op);
      it.at = At::done;
    }
    for (auto& [seq, it] : known_) {
      if (GetParam().expires && it.at == At::waiting && is_expired(it)) it.at = At::dead;
    }
    if (got == 0) ledger_.now += std::chrono::seconds(1);
    if (got == 0 && GetParam().followers_wait) redrive();
    ledger_.tick();
    pass_time();
  }
  EXPECT_EQ(count(At::waiting) + count(At::delayed) + count(At::leased), 0) << dump();
  check();
}

std::vector<Setting> settings() {
  // More of them by the environment, for a long run.
  const char* more = std::getenv("PARLEY_PROPERTY_SEEDS");
  const unsigned seeds = more != nullptr ? static_cast<unsigned>(std::stoul(more)) : 12;
  std::vector<Setting> all;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    all.push_back(
        {.name = "plain", .keyed = false, .topic = false, .expires = false, .followers_wait = false, .seed = seed});
    all.push_back(
        {.name = "keyed", .keyed = true, .topic = false, .expires = false, .followers_wait = false, .seed = seed});
    all.push_back(
        {.name = "expiring", .keyed = true, .topic = false, .expires = true, .followers_wait = false, .seed = seed});
    all.push_back(
        {.name = "topic", .keyed = true, .topic = true, .expires = false, .followers_wait = false, .seed = seed});
    all.push_back(
        {.name = "held", .keyed = true, .topic = false, .expires = false, .followers_wait = true, .seed = seed});
    all.push_back(
        {.name = "held_topic", .keyed = true, .topic = true, .expires = false, .followers_wait = true, .seed = seed});
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Seeds, Property, testing::ValuesIn(settings()),
                         [](const auto& info) { return fmt::format("{}{}", info.param.name, info.param.seed); });

}  // namespace
}  // namespace parley::queue::embedded
