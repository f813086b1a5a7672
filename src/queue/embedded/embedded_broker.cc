#include "queue/embedded/embedded_broker.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "queue/embedded/message_codec.h"
#include "queue/embedded/turn.h"
#include "queue/message_id.h"

namespace parley::queue::embedded {
namespace {

// A group is full at a megabyte: a turn of large messages fills several.
constexpr std::size_t turn_bytes = 256 << 10;

Error closing() { return Error(Code::unavailable, Blame::us, "the broker is closing"); }

Millis millis_of(Duration duration) { return std::chrono::ceil<std::chrono::milliseconds>(duration).count(); }

// On the shard, so that the ledger's thread copies nothing.
Message message_of(const Bytes& bytes, std::optional<Error>* malformed) {
  Message message;
  if (!decode(bytes.compact(), message) && malformed != nullptr)
    *malformed = Error(Code::data_loss, Blame::us, "the stored message cannot be read");
  return message;
}

Peeked peeked_of(PeekOp::Found found) {
  Peeked peeked;
  peeked.message = message_of(found.message, nullptr);
  peeked.position = fmt::to_string(found.seq);
  peeked.attempts = found.attempts;
  if (found.due != 0) peeked.due = wall(found.due);
  if (found.since != 0) peeked.since = wall(found.since);
  peeked.reason = std::move(found.reason);
  return peeked;
}

void fill(PublishOp& op, Publish& request) {
  if (request.message.id.empty()) request.message.id = new_message_id(request.message.time);
  op.to = std::move(request.to);
  op.message = encode(request.message);
  op.line = line_of(request.message.key);
  op.dedup = std::move(request.dedup);
  if (request.due) op.due = std::max<Millis>(1, millis(*request.due));
  if (request.expires) op.expires = std::max<Millis>(1, millis(*request.expires));
}

Receipt receipt_of(PublishOp& op, std::string id) {
  return {.id = op.duplicate ? std::move(op.id) : std::move(id),
          .position = fmt::to_string(op.seq),
          .duplicate = op.duplicate};
}

}  // namespace

// What the ledger's thread has completed, on its way to the shard: however much it is, the shard is woken once.
class EmbeddedBroker::Mailbox final : public Completions, public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(Shard& shard) : shard_(shard) {}

  void completed(Op& op) override {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = ops_.empty();
      ops_.push_back(&op);
    }
    if (first) shard_.post([self = shared_from_this()] { self->deliver(); });
  }

 private:
  void deliver() {
    std::vector<Op*> ops;
    {
      const std::lock_guard lock(mutex_);
      ops.swap(ops_);
    }
    for (Op* op : ops) {
      op->is_complete = true;
      if (op->awaiter) shard_.resume_later(op->awaiter);
    }
  }

  Shard& shard_;
  std::mutex mutex_;
  std::vector<Op*> ops_;
};

struct EmbeddedBroker::Finished {
  Op& op;
  bool await_ready() const noexcept { return op.is_complete; }
  void await_suspend(std::coroutine_handle<> who) noexcept { op.awaiter = who; }
  void await_resume() const noexcept {}
};

// A call that is being answered: `close` waits for it.
struct EmbeddedBroker::Running {
  explicit Running(EmbeddedBroker& broker) : broker_(broker) { ++broker_.live_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (--broker_.live_ == 0) broker_.ended_.notify();
  }
  EmbeddedBroker& broker_;
};

struct EmbeddedBroker::Waiting {
  EmbeddedBroker* broker;
  CancelOp* cancel;
  bool cancelled = false;
};

EmbeddedBroker::EmbeddedBroker(Shard& shard, store::Ledger& ledger, Model& model)
    : shard_(shard),
      ledger_(ledger),
      model_(model),
      mailbox_(std::make_shared<Mailbox>(shard)),
      hook_([](void* self) { static_cast<EmbeddedBroker*>(self)->flush(); }, this) {}

EmbeddedBroker::~EmbeddedBroker() = default;

void EmbeddedBroker::start(Op& op) {
  op.completions = mailbox_.get();
  (op.stores() ? stores_ : frees_).push_back(&op);
  shard_.at_turn_end(hook_);
}

void EmbeddedBroker::flush() {
  // Two pieces: on a full disk one is refused and the other is not.
  if (!frees_.empty()) Turn::submit(ledger_, model_, std::exchange(frees_, {}), false);
  std::vector<Op*> some;
  std::size_t bytes = 0;
  for (Op* op : std::exchange(stores_, {})) {
    some.push_back(op);
    bytes += op->bytes();
    if (bytes < turn_bytes) continue;
    Turn::submit(ledger_, model_, std::exchange(some, {}), true);
    bytes = 0;
  }
  if (!some.empty()) Turn::submit(ledger_, model_, std::move(some), true);
}

EmbeddedBroker::Finished EmbeddedBroker::run(Op& op) {
  start(op);
  return {op};
}

void EmbeddedBroker::cancel(Waiting& waiting) {
  if (std::exchange(waiting.cancelled, true)) return;
  start(*waiting.cancel);
}

// The answer to a cancellation is that of the operation: what was leased a moment before is not lost.
Task<void> EmbeddedBroker::run_until(Op& op, CancelOp& cancel_op, Deadline wait) {
  Waiting waiting{this, &cancel_op};
  Timer timer(
      [](void* context) {
        auto* it = static_cast<Waiting*>(context);
        it->broker->cancel(*it);
      },
      &waiting);
  timer.set(shard_.timers(), wait);
  waiting_.push_back(&waiting);
  co_await run(op);
  std::erase(waiting_, &waiting);
  timer.clear();
  if (waiting.cancelled) co_await Finished{cancel_op};
}

// No coroutine: the request is encoded and gone before anything waits. Thousands wait at a time, and what each of them
// keeps is what the cache has to hold.
Task<Result<Receipt>> EmbeddedBroker::publish(Publish request) {
  PublishOp op;
  fill(op, request);
  return store(std::move(op), std::move(request.message.id));
}

Task<Result<Receipt>> EmbeddedBroker::store(PublishOp op, std::string id) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return receipt_of(op, std::move(id));
}

Task<Result<std::vector<Receipt>>> EmbeddedBroker::publish_all(std::vector<Publish> requests) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  PublishAllOp op;
  op.parts.resize(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) fill(op.parts[i], requests[i]);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  std::vector<Receipt> receipts;
  receipts.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i)
    receipts.push_back(receipt_of(op.parts[i], std::move(requests[i].message.id)));
  co_return receipts;
}

// Readers that wait come back empty-handed too; they ask again.
void EmbeddedBroker::stop_leasing() {
  stopped_ = true;
  for (Waiting* waiting : waiting_) cancel(*waiting);
}

Task<Result<std::vector<Delivery>>> EmbeddedBroker::lease(LeaseRequest request) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  LeaseOp op;
  op.source = std::move(request.source);
  op.max_messages = static_cast<std::size_t>(std::max(1, request.max_messages));
  op.max_bytes = request.max_bytes;
  op.lease = std::max<Millis>(1, millis_of(request.lease));
  op.may_wait = !stopped_ && !request.wait.passed(shard_.now());
  CancelOp cancel_op;
  cancel_op.lease = &op;
  co_await run_until(op, cancel_op, op.may_wait ? request.wait : Deadline::never());
  if (op.error) co_return fail(*std::move(op.error));
  if (op.got.empty() && closing_) co_return fail(closing());
  std::vector<Delivery> deliveries;
  deliveries.reserve(op.got.size());
  for (const LeaseOp::Leased& got : op.got) {
    Delivery& delivery = deliveries.emplace_back();
    delivery.message = message_of(got.message, &delivery.malformed);
    delivery.position = fmt::to_string(got.seq);
    delivery.lease = text_of({got.seq, got.token});
    delivery.attempt = got.attempt;
  }
  co_return deliveries;
}

Task<Result<void>> EmbeddedBroker::extend(Source source, std::string lease, Duration by) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  const std::optional<Grip> grip = grip_of(lease);
  if (!grip) co_return fail(lease_lost());
  ExtendOp op;
  op.source = std::move(source);
  op.grip = *grip;
  op.by = std::max<Millis>(1, millis_of(by));
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return Result<void>();
}

Task<Result<void>> EmbeddedBroker::settle(Source source, std::string lease, Settlement how) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  const std::optional<Grip> grip = grip_of(lease);
  if (!grip) co_return fail(lease_lost());
  SettleOp op;
  op.source = std::move(source);
  op.grip = *grip;
  op.how = std::move(how);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return Result<void>();
}

Task<Result<std::vector<Peeked>>> EmbeddedBroker::peek(PeekRequest request) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  PeekOp op;
  const Result<Seq> after = seq_of(request.after);
  if (!after) co_return fail(after.error());
  op.after = *after;
  op.request = std::move(request);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  std::vector<Peeked> out;
  for (PeekOp::Found& found : op.found) out.push_back(peeked_of(std::move(found)));
  co_return out;
}

Task<Result<std::optional<Located>>> EmbeddedBroker::where_is(Source source, Position position) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  FindOp op;
  const Result<Seq> seq = seq_of(position);
  if (!seq) co_return fail(seq.error());
  op.source = std::move(source);
  op.seq = *seq;
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  if (!op.shelf) co_return std::nullopt;
  co_return Located{.shelf = *op.shelf, .message = peeked_of(std::move(op.found))};
}

Task<Result<std::uint64_t>> EmbeddedBroker::redrive(Source source, std::vector<Position> which) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  RedriveOp op;
  op.source = std::move(source);
  op.all = which.empty();
  for (const Position& position : which) {
    const Result<Seq> seq = seq_of(position);
    if (!seq) co_return fail(seq.error());
    op.which.push_back(*seq);
  }
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return op.count;
}

Task<Result<std::uint64_t>> EmbeddedBroker::purge(Source source, Shelf shelf) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  PurgeOp op;
  op.source = std::move(source);
  op.shelf = shelf;
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return op.count;
}

Task<Result<void>> EmbeddedBroker::pause(Source source, bool paused) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  PauseOp op;
  op.source = std::move(source);
  op.paused = paused;
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return Result<void>();
}

Task<Result<Stats>> EmbeddedBroker::stats(Source source) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  StatsOp op;
  op.source = std::move(source);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return std::move(op.stats);
}

Task<Result<Events>> EmbeddedBroker::read(ReadRequest request) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  ReadOp op;
  op.topic = std::move(request.topic);
  op.from = std::move(request.from);
  op.max_messages = static_cast<std::size_t>(std::max(1, request.max_messages));
  op.max_bytes = request.max_bytes;
  op.may_wait = !request.wait.passed(shard_.now());
  CancelOp cancel_op;
  cancel_op.read = &op;
  co_await run_until(op, cancel_op, op.may_wait ? request.wait : Deadline::never());
  if (op.error) co_return fail(*std::move(op.error));
  if (op.got.empty() && closing_) co_return fail(closing());
  Events events;
  events.next = op.next <= 1 ? Position() : fmt::to_string(op.next - 1);
  for (const ReadOp::Got& got : op.got)
    events.events.push_back({.message = message_of(got.message, nullptr), .position = fmt::to_string(got.seq)});
  co_return events;
}

Task<Result<void>> EmbeddedBroker::commit(Source source, From to) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  CommitOp op;
  op.source = std::move(source);
  op.to = std::move(to);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return Result<void>();
}

Task<Result<Position>> EmbeddedBroker::checkpoint(Source source) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  CheckpointOp op;
  op.source = std::move(source);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return op.seq == 0 ? Position() : fmt::to_string(op.seq);
}

Task<Result<void>> EmbeddedBroker::delete_group(Source group) {
  if (closing_) co_return fail(closing());
  const Running running(*this);
  DeleteGroupOp op;
  op.source = std::move(group);
  co_await run(op);
  if (op.error) co_return fail(*std::move(op.error));
  co_return Result<void>();
}

Task<void> EmbeddedBroker::close() {
  closing_ = true;
  for (Waiting* waiting : waiting_) cancel(*waiting);
  while (live_ > 0) co_await ended_.wait();
}

}  // namespace parley::queue::embedded
