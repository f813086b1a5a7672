// Records: what happened, as the journal keeps it. Each is its kind, a byte, and its fields in order (codec.h);
// docs/formats/store-queues.md lists them. They hold decisions, not requests: a replay decides nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "queue/embedded/codec.h"

namespace parley::queue::embedded {

using LogId = std::uint32_t;
using GroupId = std::uint32_t;
using Seq = std::uint64_t;    // a message's number in its log; the first is 1
using Line = std::uint64_t;   // messages of one line keep their order (message_codec.h); 0: of none
using Millis = std::int64_t;  // wall-clock time since 1970; 0: none

enum class RecordKind : std::uint8_t {
  nothing = 0,  // makes its group wait for the sync
  log = 1,
  group = 2,
  published = 3,
  moved = 4,
  leased = 5,
  extended = 6,
  settled = 7,
  returned = 8,
  passed = 9,
  fell_due = 10,
  redriven = 11,
  purged = 12,
  paused = 13,
  seeked = 14,
  trimmed = 15,
  forgot = 16,
  shifted = 17,
  group_deleted = 18,
};

struct LogOptions {
  std::string name;
  bool topic = false;
  bool keyed = false;
  Millis dedup_window = 0;
  Millis ttl = 0;
  Millis keep = 0;
  template <class Each>
  void fields(Each& each) {
    each(name), each(topic), each(keyed), each(dedup_window), each(ttl), each(keep);
  }
  bool operator==(const LogOptions&) const = default;
};

struct GroupOptions {
  std::string name;
  bool keyed = false;
  bool followers_wait = false;  // keyed: a dead letter holds its line
  std::uint32_t in_flight = 0;
  std::uint32_t attempts = 0;
  template <class Each>
  void fields(Each& each) {
    std::uint8_t keys = keyed ? followers_wait ? 2 : 1 : 0;  // one number: so was `keyed` alone
    each(name), each(keys), each(in_flight), each(attempts);
    if constexpr (!Each::writes) keyed = keys != 0, followers_wait = keys == 2;
  }
  bool operator==(const GroupOptions&) const = default;
};

// A queue or topic was made, or its options changed.
struct LogDeclared {
  static constexpr RecordKind kind = RecordKind::log;
  LogId log = 0;
  LogOptions options{};
  template <class Each>
  void fields(Each& each) {
    each(log), options.fields(each);
  }
};
// The same for a group; `cursor` is where a new one begins.
struct GroupDeclared {
  static constexpr RecordKind kind = RecordKind::group;
  GroupId group = 0;
  LogId log = 0;
  Seq cursor = 0;
  GroupOptions options{};
  template <class Each>
  void fields(Each& each) {
    each(group), each(log), each(cursor), options.fields(each);
  }
};
// A message joined its log. `message` is encoded (message_codec.h) and comes last, so that what decides about a
// delivery is read without it.
struct Published {
  static constexpr RecordKind kind = RecordKind::published;
  LogId log = 0;
  Seq seq = 0;
  Line line = 0;
  Millis due = 0;
  Millis expires = 0;
  std::string_view dedup{};
  std::string_view message{};
  template <class Each>
  void fields(Each& each) {
    each(log), each(seq), each(line), each(due), each(expires), each(dedup), each(message);
  }
};
// The same message again, so that the segment it was in can go: state does not change, only places do. It leaves
// the frame `from` and the index entry that begins with `run`. `time` is the frame's that it was published in, which
// earlier writers left out (0).
struct Moved {
  static constexpr RecordKind kind = RecordKind::moved;
  Seq run = 0;
  std::uint64_t from = 0;
  Published what;
  Millis time = 0;
  template <class Each>
  void fields(Each& each) {
    what.fields(each), each(run), each(from);
    if constexpr (!Each::writes) {
      if (each.in.at_end()) return;
    }
    each(time);
  }
};
// A message that a decision is about. One that the group's cursor passes with this record says all that the open set
// must know; others are in it already.
struct Taken {
  Seq seq = 0;
  bool ahead = false;
  Line line = 0;
  std::uint64_t frame = 0;
  template <class Each>
  void fields(Each& each) {
    each(seq), each(ahead);
    if (ahead) each(line), each(frame);
  }
};
// Deliveries; the first has `token`, the second the next number, and so on.
struct Leased {
  static constexpr RecordKind kind = RecordKind::leased;
  GroupId group = 0;
  Millis until = 0;
  std::uint64_t token = 0;
  Seq cursor = 0;
  std::vector<Taken> taken{};
  template <class Each>
  void fields(Each& each) {
    each(group), each(until), each(token), each(cursor), each(taken);
  }
};
struct Extended {
  static constexpr RecordKind kind = RecordKind::extended;
  GroupId group = 0;
  Seq seq = 0;
  Millis until = 0;
  template <class Each>
  void fields(Each& each) {
    each(group), each(seq), each(until);
  }
};
enum class Outcome : std::uint8_t { done = 0, retry = 1, release = 2, dead = 3 };
struct Settled {
  static constexpr RecordKind kind = RecordKind::settled;
  GroupId group = 0;
  Seq seq = 0;
  Outcome outcome = Outcome::done;
  Millis due = 0;
  std::string_view reason{};
  template <class Each>
  void fields(Each& each) {
    each(group), each(seq), each(outcome);
    if (outcome == Outcome::retry) each(due);
    if (outcome == Outcome::dead) each(reason);
  }
};
// Leases ran out.
struct Returned {
  static constexpr RecordKind kind = RecordKind::returned;
  GroupId group = 0;
  std::vector<Seq> seqs{};
  template <class Each>
  void fields(Each& each) {
    each(group), each(seqs);
  }
};
// The cursor went on: past messages whose key is busy (they wait behind it), past those that expired (to the dead
// letters), and past what waits for its due time anyway. `expired` may also name open ones.
struct Passed {
  static constexpr RecordKind kind = RecordKind::passed;
  GroupId group = 0;
  Seq cursor = 0;
  std::vector<Taken> parked{};
  std::vector<Taken> expired{};
  std::vector<Seq> gone{};  // open ones that retention took
  template <class Each>
  void fields(Each& each) {
    each(group), each(cursor), each(parked), each(expired), each(gone);
  }
};
struct FellDue {
  static constexpr RecordKind kind = RecordKind::fell_due;
  GroupId group = 0;
  std::vector<Seq> seqs{};
  template <class Each>
  void fields(Each& each) {
    each(group), each(seqs);
  }
};
struct Redriven {
  static constexpr RecordKind kind = RecordKind::redriven;
  GroupId group = 0;
  std::vector<Seq> seqs{};
  template <class Each>
  void fields(Each& each) {
    each(group), each(seqs);
  }
};
// Open messages and dead letters by name; what waits ahead of the cursor, up to a new one.
struct Purged {
  static constexpr RecordKind kind = RecordKind::purged;
  GroupId group = 0;
  Seq cursor = 0;
  std::vector<Seq> seqs{};
  template <class Each>
  void fields(Each& each) {
    each(group), each(cursor), each(seqs);
  }
};
struct Paused {
  static constexpr RecordKind kind = RecordKind::paused;
  GroupId group = 0;
  bool paused = false;
  template <class Each>
  void fields(Each& each) {
    each(group), each(paused);
  }
};
// A group goes on from elsewhere: what it had open is dropped, its dead letters stay.
struct Seeked {
  static constexpr RecordKind kind = RecordKind::seeked;
  GroupId group = 0;
  Seq cursor = 0;
  template <class Each>
  void fields(Each& each) {
    each(group), each(cursor);
  }
};
// Retention: messages before `begin` are no more.
struct Trimmed {
  static constexpr RecordKind kind = RecordKind::trimmed;
  LogId log = 0;
  Seq begin = 0;
  template <class Each>
  void fields(Each& each) {
    each(log), each(begin);
  }
};
// Dedup windows ended, up to this one.
struct Forgot {
  static constexpr RecordKind kind = RecordKind::forgot;
  LogId log = 0;
  Millis until = 0;
  Seq seq = 0;
  template <class Each>
  void fields(Each& each) {
    each(log), each(until), each(seq);
  }
};
// The wall clock was set back: what was to end in so long still does.
struct Shifted {
  static constexpr RecordKind kind = RecordKind::shifted;
  GroupId group = 0;
  Millis back = 0;
  template <class Each>
  void fields(Each& each) {
    each(group), each(back);
  }
};

// A topic's group is gone with all that is its own. Its number may be a later group's.
struct GroupDeleted {
  static constexpr RecordKind kind = RecordKind::group_deleted;
  GroupId group = 0;
  template <class Each>
  void fields(Each& each) {
    each(group);
  }
};

// Replaces `out`.
template <class Record>
void write(const Record& record, std::string& out) {
  out.clear();
  Writer to(out);
  to.byte(static_cast<std::uint8_t>(Record::kind));
  Put put{to};
  const_cast<Record&>(record).fields(put);
}
// `from` is behind the kind. Views in the record are of the record's bytes.
template <class Record>
Record read(Reader& from) {
  Record record;
  Take take{from};
  record.fields(take);
  return record;
}

}  // namespace parley::queue::embedded
