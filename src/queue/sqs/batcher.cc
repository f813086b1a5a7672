#include "queue/sqs/batcher.h"

#include <algorithm>

#include <fmt/format.h>

#include "queue/sqs/fault.h"
#include "queue/sqs/json_writer.h"
#include "queue/sqs/reply.h"

namespace parley::queue::sqs {
namespace {

constexpr std::size_t most_entries = 10;  // SendMessageBatch and its like

}  // namespace

Batcher::Batcher(Shard& shard, Client& client, TaskGroup& tasks, std::string action, std::string queue_url,
                 Limits limits)
    : shard_(shard),
      client_(client),
      tasks_(tasks),
      action_(std::move(action)),
      queue_url_(std::move(queue_url)),
      limits_(limits),
      flush_hook_([](void* self) { static_cast<Batcher*>(self)->flush(); }, this) {}

Task<Result<std::string>> Batcher::add(std::string members, std::size_t bytes, std::string group) {
  Entry entry{.members = std::move(members), .bytes = bytes, .group = std::move(group)};
  waiting_.push_back(&entry);
  shard_.at_turn_end(flush_hook_);
  while (!entry.outcome) co_await entry.settled.wait();
  co_return std::move(*entry.outcome);
}

void Batcher::flush() {
  while (in_flight_ < limits_.in_flight) {
    Batch batch = gather();
    if (batch.empty()) return;
    ++in_flight_;
    tasks_.spawn(send(std::move(batch)));
  }
}

Batcher::Batch Batcher::gather() {
  Batch batch;
  std::size_t bytes = 0;
  std::set<std::string> passed_over;  // an entry must not overtake an earlier one of its group
  for (auto at = waiting_.begin(); at != waiting_.end() && batch.size() < most_entries;) {
    Entry& entry = **at;
    const bool grouped = !entry.group.empty();
    const bool fits = batch.empty() || bytes + entry.bytes <= limits_.bytes;
    if (!fits || (grouped && (busy_groups_.contains(entry.group) || passed_over.contains(entry.group)))) {
      if (grouped) passed_over.insert(entry.group);
      ++at;
      continue;
    }
    if (grouped) busy_groups_.insert(entry.group);
    bytes += entry.bytes;
    batch.push_back(&entry);
    at = waiting_.erase(at);
  }
  return batch;
}

std::string Batcher::request(const Batch& batch) const {
  JsonWriter json;
  json.begin().text("QueueUrl", queue_url_).begin_list("Entries");
  for (std::size_t i = 0; i < batch.size(); ++i) json.raw(fmt::format(R"({{"Id":"{}",{}}})", i, batch[i]->members));
  return json.end_list().end().take();
}

Task<void> Batcher::send(Batch batch) {
  for (int tried = 1;; ++tried) {
    batch = co_await attempt(batch);
    if (batch.empty() && tried > 1) client_.worked(tried);
    if (batch.empty() || !co_await client_.back_off(tried)) break;
  }
  for (Entry* entry : batch) settle(*entry, fail(*entry->failed));
  --in_flight_;
  if (!waiting_.empty()) shard_.at_turn_end(flush_hook_);
}

Task<Batcher::Batch> Batcher::attempt(const Batch& batch) {
  const Result<std::string> answer = co_await client_.call(action_, request(batch));
  Result<std::vector<BatchEntry>> told = answer ? read_batch(*answer) : fail(answer.error());
  std::vector<const BatchEntry*> of(batch.size());
  if (told) {
    for (const BatchEntry& one : *told) {
      if (one.index < batch.size()) of[one.index] = &one;
    }
  }
  Batch again;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!told) {
      settle(*batch[i], fail(told.error()));
    } else if (of[i] == nullptr) {
      settle(*batch[i], fail(Error(Code::internal, Blame::upstream, "SQS: an answer without this entry")));
    } else if (of[i]->code.empty()) {
      settle(*batch[i], of[i]->message_id);
    } else if (Error why = fault(of[i]->code, of[i]->message, 400);
               is_transient(of[i]->code, 400) || !of[i]->sender_fault) {
      batch[i]->failed = std::move(why);
      again.push_back(batch[i]);
    } else {
      settle(*batch[i], fail(std::move(why)));
    }
  }
  co_return again;
}

void Batcher::settle(Entry& entry, Result<std::string> outcome) {
  busy_groups_.erase(entry.group);
  entry.outcome = std::move(outcome);
  entry.settled.notify();
}

}  // namespace parley::queue::sqs
