// Broker: queues and topics as one shard sees them. docs/formats/delivery.md says what each operation promises and what
// each backend does about it; one suite of tests runs over all of them. Backends are the folders beside this file.
//
// A queue is a list of messages with one consumer, which takes each away; a topic is a list that stays, with any number
// of groups, each of which is offered every message. What a consumer does is the same for both: lease, extend, settle.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "loop/shard.h"
#include "loop/task.h"
#include "queue/declaration.h"
#include "queue/message.h"

namespace parley::queue {

// A queue (`group` is ""), or a group of a topic.
struct Source {
  std::string name;
  std::string group;

  bool operator==(const Source&) const = default;
};

struct Publish {
  std::string to;  // the queue's or topic's name
  Message message;
  std::string dedup;                // equal within the window: the same message sent again; "": never
  std::optional<WallTime> due;      // not to be delivered before (queues)
  std::optional<WallTime> expires;  // to the dead letters if it still waits then; left out: the declaration's ttl
};

// A message in somebody's hands. `lease` is opaque: it names this one delivery, so that a settle after the lease ran
// out and somebody else has the message fails loudly (failed_precondition, reason "lease_lost").
struct Delivery {
  Message message;
  Position position;
  std::string lease;
  int attempt = 1;  // counts deliveries, this one included; survives restarts; a release is not counted
  // The contract's type does not fit, or a backend could not read its own headers: straight to the dead letters.
  std::optional<Error> malformed;
};

struct LeaseRequest {
  Source source;
  int max_messages = 1;
  std::size_t max_bytes = 16 << 20;  // of payloads; the first message always fits
  Duration lease = std::chrono::seconds(30);
  Deadline wait = Deadline::never();  // returns empty-handed then
};

// How a delivery ended.
struct Settlement {
  enum class Kind : std::uint8_t {
    done,     // handled: never again
    retry,    // again after `delay`; followers of its key wait
    release,  // again at once, not counted as an attempt: whoever had it stops
    dead,     // to the dead letters with `reason`
  };
  Kind kind = Kind::done;
  Duration delay{};
  std::string reason;  // "INVALID_ARGUMENT (upstream_status): no such customer"
};

enum class Shelf : std::uint8_t { waiting, leased, delayed, dead };

struct PeekRequest {
  Source source;
  Shelf shelf = Shelf::waiting;
  Position after;  // from the one behind it
  int max_messages = 20;
};
struct Peeked {
  Message message;
  Position position;
  int attempts = 0;
  std::optional<WallTime> due;    // delayed
  std::string reason;             // dead
  std::optional<WallTime> since;  // dead: when
};

// Where one message is.
struct Located {
  Shelf shelf = Shelf::waiting;
  Peeked message;
};

struct Stats {
  std::uint64_t waiting = 0;  // deliverable now or once their key is free
  std::uint64_t leased = 0;
  std::uint64_t delayed = 0;  // scheduled, or between two attempts
  std::uint64_t dead = 0;
  std::uint64_t held_keys = 0;  // whose messages wait for a dead letter to be redriven or purged
  // Of which nothing more is delivered before something happens: one of theirs is leased, between two attempts, or a
  // dead letter holds them. Nothing: the backend does not tell.
  std::optional<std::uint64_t> busy_keys = std::nullopt;
  std::optional<WallTime> oldest;  // of those not settled
  bool paused = false;
  // Numbers that a backend can only estimate, or not tell: names of these fields.
  std::vector<std::string> estimated;
};

// Where a reader of a topic begins.
struct From {
  enum class Kind : std::uint8_t { earliest, latest, time, after };
  Kind kind = Kind::earliest;
  WallTime time{};    // time: the first that was published at or after it
  Position position;  // after
};
struct Event {
  Message message;
  Position position;
};
struct ReadRequest {
  std::string topic;
  From from;
  int max_messages = 100;
  std::size_t max_bytes = 1 << 20;
  Deadline wait = Deadline::never();  // for the first message
};
struct Events {
  std::vector<Event> events;
  Position next;  // go on behind this, also when there were none
};

// One a shard; used on it. Every method that waits is awaited there, and its arguments outlive the await. Common
// errors: not_found (no such queue, topic or group), unavailable (the backend cannot be reached; safe to retry only
// where nothing was sent), resource_exhausted (disk full, limits), unimplemented with reason "not_by_this_backend".
class Broker {
 public:
  virtual ~Broker() = default;

  // Durable once it returns. deadline_exceeded and unavailable may mean that it is durable and we do not know: publish
  // again with the same dedup.
  virtual Task<Result<Receipt>> publish(Publish request) = 0;

  // Several for one queue or topic, in their order, on their way together. Where the backend can
  // (docs/formats/delivery.md), all are stored or none. Elsewhere each is stored by itself: the error is the first
  // one's and says how many are stored all the same.
  virtual Task<Result<std::vector<Receipt>>> publish_all(std::vector<Publish> requests);

  // Waits until there is at least one, or `wait` has passed. Takes no more than can be handled at once: the lease
  // begins now.
  virtual Task<Result<std::vector<Delivery>>> lease(LeaseRequest request) = 0;
  // The node drains: ends what waits in `lease`, empty-handed, and later leases do not wait. Extending and settling go
  // on. Backends that cannot wake a waiter leave it out: then its `wait` ends it.
  virtual void stop_leasing() {}
  // From now on for `by`. failed_precondition "lease_lost".
  virtual Task<Result<void>> extend(Source source, std::string lease, Duration by) = 0;
  // Durable once it returns. failed_precondition "lease_lost".
  virtual Task<Result<void>> settle(Source source, std::string lease, Settlement how) = 0;

  virtual Task<Result<std::vector<Peeked>>> peek(PeekRequest request) = 0;
  // The message that a receipt's position names, however deep it lies. Nothing: it is done with, or never was there.
  // Errors: peek's; invalid_argument for what is no position. Backends whose positions do not lead to a message leave
  // it out: ask `locate` (locate.h), which then looks through the shelves.
  virtual Task<Result<std::optional<Located>>> where_is(Source /*source*/, Position /*position*/) {
    co_return fail(Error(Code::unimplemented, Blame::us, "a position leads to no message here")
                       .with_reason("not_by_this_backend"));
  }
  // Dead letters wait again, with the same id and no attempts. Returns how many.
  virtual Task<Result<std::uint64_t>> redrive(Source source, std::vector<Position> which) = 0;
  // Removes what is on that shelf (not `leased`). Returns how many.
  virtual Task<Result<std::uint64_t>> purge(Source source, Shelf shelf) = 0;
  // Survives a restart. Publishing goes on.
  virtual Task<Result<void>> pause(Source source, bool paused) = 0;
  virtual Task<Result<Stats>> stats(Source source) = 0;

  virtual Task<Result<Events>> read(ReadRequest request) = 0;
  // A group that reads by itself keeps its place here; with deliveries, moves them (`parley topic seek`).
  virtual Task<Result<void>> commit(Source source, From to) = 0;
  virtual Task<Result<Position>> checkpoint(Source source) = 0;
  // A group of a topic goes: its place, what it has leased, delayed or parked, its dead letters. Durable once it
  // returns; one of that name that begins later is new. Errors: not_found; failed_precondition "group_in_use"
  // (group_errors.h): somebody waits for its messages or has some of them, as far as the backend can tell. Who consumes
  // by a contract the backend does not know: that is the caller's to ask.
  virtual Task<Result<void>> delete_group(Source group) = 0;

  // Ends what waits, with `unavailable`; releases nothing by itself. What is called afterwards fails so, or is done at
  // once; a second time does nothing.
  virtual Task<void> close() = 0;
};

// How it stands with the disk under a backend that keeps messages on this machine.
struct StoreState {
  bool disk_full = false;           // publishing is refused, consuming goes on
  bool halted = false;              // nothing goes on before a restart
  std::uint64_t refused = 0;        // records for which there was no space, since the start
  std::uint64_t journal_bytes = 0;  // on the disk, with what is written ahead and the reserve
  std::uint64_t view_bytes = 0;
  std::uint64_t free_bytes = 0;  // of the file system, for this user
};

// A backend of the process: what the shards' brokers share. Made at start-up on the control shard.
class Backend {
 public:
  virtual ~Backend() = default;
  // "embedded", "kafka": for messages and `parley queue ls`.
  virtual std::string_view name() const = 0;
  // Creates what is missing, and takes over changed options; called again by a reload. Blocking is fine: a thread of
  // its own calls it. Errors: failed_precondition with what this backend cannot do, per queue or topic, a line each.
  virtual Result<void> declare(const Declarations& wanted) = 0;
  // On the shard's thread.
  virtual std::unique_ptr<Broker> open(Shard& shard) = 0;
  // The names of all that exists, also what no contract declares (any more).
  virtual Result<std::vector<Source>> list() = 0;
  // The same of those of its parts that answer; `silent` gets the errors of the others.
  virtual std::vector<Source> list_some(std::vector<Error>& silent) {
    auto all = list();
    if (all) return *std::move(all);
    silent.push_back(std::move(all).error());
    return {};
  }
  // Any thread. Why the servers that keep the messages were not reached since the start: the node is not ready.
  // Nothing: they were reached once (and may be away again), there are none, or nothing was declared that they should
  // keep.
  virtual std::optional<Error> unreached() const { return std::nullopt; }
  // Any thread. The node stops: a `declare` that waits for servers to come ends soon, with `unavailable`.
  virtual void stop_waiting() {}
  // Any thread. Why nothing will work any more until the process is started again; nullopt: it does, or may.
  virtual std::optional<Error> halted() const { return std::nullopt; }
  // Any thread; looks at the folder's files. Nothing: it keeps none here.
  virtual std::optional<StoreState> store() const { return std::nullopt; }
};

}  // namespace parley::queue
