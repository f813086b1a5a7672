#include "edge/graphql/execution.h"

#include <algorithm>

#include "call/header_rules.h"
#include "contract/out_buffer.h"
#include "edge/graphql/errors.h"
#include "edge/graphql/join_key.h"
#include "edge/graphql/request_message.h"
#include "edge/graphql/response_writer.h"
#include "edge/graphql/wire_scan.h"
#include "loop/task_group.h"

namespace parley::edge::graphql {
namespace {

// One call for a part of a batch's keys.
struct Chunk {
  std::uint32_t batch;
  std::size_t from;
  std::size_t count;
  Fetch fetch;
};

std::size_t chunk_size(const ql::Loader& loader, std::size_t keys) {
  if (!loader.keys->repeated) return 1;
  return loader.max == 0 ? keys : std::min<std::size_t>(loader.max, keys);
}

}  // namespace

Execution::Execution(const Setup& setup) : setup_(setup), plan_(setup.plan) {
  results_.roots.resize(plan_.roots.size());
  results_.batches.resize(plan_.batches.size());
  joins_.resize(plan_.joins.size());
}

Task<void> Execution::run() {
  if (plan_.operation->kind == ql::OperationKind::mutation) return run_mutation();
  return run_query();
}

Task<void> Execution::run_event(Bytes message) {
  if (!results_.roots.empty()) results_.roots[0].reply = std::move(message);
  co_await run_joins(0);
}

// ---- root fields

// False: its arguments are wrong, and no call is made.
bool Execution::open_root(std::uint32_t root, Fetch& fetch) {
  const RootPlan& plan = plan_.roots[root];
  std::string request;
  if (auto done = put_request(plan_, plan, setup_.variables, setup_.max_arguments, request); !done) {
    results_.roots[root].fault = std::move(done).error();
    return false;
  }
  fetch.method = plan_.methods[plan.method];
  fetch.handler = setup_.handlers[plan.method];
  fetch.request = Bytes(std::move(request));
  return true;
}

void Execution::close_root(std::uint32_t root, Fetch fetch) {
  for (const Field field : fetch.headers) {
    const bool again = field.name != "set-cookie" && headers_.has(field.name);
    if (!again && passes(field.name, Direction::reply)) headers_.add(field.name, field.value);
  }
  results_.roots[root].reply = std::move(fetch.reply);
  results_.roots[root].error = std::move(fetch.error);
}

Task<void> Execution::run_query() {
  std::deque<Fetch> fetches(plan_.roots.size());
  std::vector<bool> open(plan_.roots.size());
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < fetches.size(); ++i) {
    open[i] = open_root(i, fetches[i]);
    count += open[i] ? 1 : 0;
  }
  TaskGroup calls;
  for (std::size_t i = 0; i < fetches.size(); ++i) {
    if (!open[i]) continue;
    if (count == 1) {
      co_await setup_.upstream.call(fetches[i]);
    } else {
      calls.spawn(setup_.upstream.call(fetches[i]));
    }
  }
  if (calls.live() > 0) co_await calls.join();
  for (std::uint32_t i = 0; i < fetches.size(); ++i) {
    if (open[i]) close_root(i, std::move(fetches[i]));
  }
  co_await run_joins(0);
}

Task<void> Execution::run_mutation() {
  for (std::uint32_t i = 0; i < plan_.roots.size(); ++i) {
    Fetch fetch;
    if (open_root(i, fetch)) {
      co_await setup_.upstream.call(fetch);
      close_root(i, std::move(fetch));
    }
    const RootResult& result = results_.roots[i];
    if ((result.error || result.fault) && plan_.roots[i].output->non_null) co_return;  // all of `data` is null
    co_await run_joins(i);
  }
}

// ---- joins

Task<void> Execution::run_joins(std::uint32_t root) {
  for (std::uint32_t level = 1; level <= plan_.levels; ++level) co_await run_level(level, root);
}

Task<void> Execution::run_level(std::uint32_t level, std::uint32_t root) {
  collect(level, root);
  std::deque<Chunk> chunks;
  for (std::uint32_t i = 0; i < plan_.batches.size(); ++i) {
    const BatchPlan& plan = plan_.batches[i];
    const Batch& batch = results_.batches[i];
    if (plan.level != level || plan.root != root || batch.empty()) continue;
    const std::size_t size = chunk_size(*plan.loader, batch.size());
    for (std::size_t from = 0; from < batch.size(); from += size) {
      const std::size_t count = std::min(size, batch.size() - from);
      Chunk& chunk = chunks.emplace_back(Chunk{.batch = i, .from = from, .count = count, .fetch = {}});
      chunk.fetch.method = plan_.methods[plan.method];
      chunk.fetch.handler = setup_.handlers[plan.method];
      chunk.fetch.request = Bytes(batch.request(plan, from, count));
    }
  }
  if (chunks.size() == 1) {
    co_await setup_.upstream.call(chunks.front().fetch);
  } else {
    TaskGroup calls;
    for (Chunk& chunk : chunks) calls.spawn(setup_.upstream.call(chunk.fetch));
    if (calls.live() > 0) co_await calls.join();
  }
  for (Chunk& chunk : chunks) {
    Batch& batch = results_.batches[chunk.batch];
    if (!chunk.fetch.error) {
      auto accepted = batch.accept(plan_.batches[chunk.batch], std::move(chunk.fetch.reply), chunk.from);
      if (!accepted) chunk.fetch.error = std::move(accepted).error();
    }
    if (chunk.fetch.error) batch.fail(*chunk.fetch.error, chunk.from, chunk.count);
  }
}

void Execution::collect(std::uint32_t level, std::uint32_t root) {
  if (level == 1) {
    if (plan_.operation->kind == ql::OperationKind::mutation) return collect_root(root);
    for (std::uint32_t i = 0; i < plan_.roots.size(); ++i) collect_root(i);
    return;
  }
  for (std::size_t i = 0; i < plan_.joins.size(); ++i) {
    const JoinPlan& join = plan_.joins[i];
    if (join.level + 1 != level || plan_.batches[join.batch].root != root) continue;
    const Batch& batch = results_.batches[join.batch];
    for (const std::uint32_t key : joins_[i].keys) {
      for (std::uint32_t at = batch.first_item(key); at != Batch::none; at = batch.item(at).next) {
        collect(plan_.objects[join.object], batch.item(at).content);
      }
    }
  }
}

void Execution::collect_root(std::uint32_t root) {
  const RootPlan& plan = plan_.roots[root];
  const RootResult& result = results_.roots[root];
  if (!plan.output->leads_to_join || result.error || result.fault) return;
  collect(plan_.objects[plan.has_shell ? plan.shell : plan.output->object], result.reply.view());
}

void Execution::collect(const ObjectPlan& plan, std::string_view content) {
  if (!plan.leads_to_join) return;
  const std::size_t base = slots_.size();
  slots_.resize(base + plan.slot_count);
  // What is malformed is said when the response is written.
  if (scan(plan, content, std::span(slots_).subspan(base))) {
    for (const Output& output : plan.outputs) {
      if (!output.leads_to_join) continue;
      const Slot slot = slots_[base + output.slot];
      if (slot.count > 0) collect(output, slot, content);
    }
  }
  slots_.resize(base);
}

void Execution::collect(const Output& output, const Slot& slot, std::string_view content) {
  if (output.form == Form::join) return collect_keys(output, slot);
  if (output.form == Form::one_of) {
    const UnionPlan& plan = plan_.unions[output.extra];
    const std::size_t member = slot.member - 1U;
    const bool boxed = plan.type->members[member].boxed;
    return collect(plan_.objects[plan.objects[member]], boxed ? content : slot.content());
  }
  if (output.list) return collect_list(output, slot);
  std::string_view message = slot.content();
  if (slot.count > 1) message = results_.kept.emplace_back(joined(*output.on_wire, content));
  collect(plan_.objects[output.object], message);
}

void Execution::collect_list(const Output& output, const Slot& slot) {
  ItemReader items(*output.on_wire, slot);
  std::string_view item;
  while (items.next(item)) collect(plan_.objects[output.object], item);
}

void Execution::collect_keys(const Output& output, const Slot& slot) {
  if (!output.field->repeated) return add_key(output, slot.content());
  ItemReader keys(*output.field, slot);
  std::string_view key;
  while (keys.next(key)) add_key(output, key);
}

void Execution::add_key(const Output& output, std::string_view value) {
  JoinKey key;
  if (!key.read(*output.field, value)) return;
  const JoinPlan& plan = plan_.joins[output.extra];
  const std::uint32_t at = results_.batches[plan.batch].add(key);
  if (!plan.leads_to_join) return;
  JoinState& state = joins_[output.extra];
  if (state.seen.size() <= at) state.seen.resize(2 * std::size_t{at} + 16);
  if (state.seen[at]) return;
  state.seen[at] = true;
  state.keys.push_back(at);
}

// ---- the response

void Execution::write(std::string& out) {
  const std::size_t start = out.size();
  contract::OutBuffer buffer(out);
  ResponseWriter writer({plan_, setup_.schema, setup_.variables, results_, setup_.max_bytes}, buffer);
  buffer.put("{\"data\":");
  writer.data();
  buffer.put('}');
  buffer.finish();
  std::vector<ql::GraphqlError> errors = writer.errors();
  if (writer.is_too_large()) {
    out.resize(start);
    out += "{\"data\":null}";
    errors = {graphql_error(Error(Code::resource_exhausted, Blame::caller,
                                  "the response is above the limit of " + std::to_string(setup_.max_bytes) + " bytes")
                                .with_reason("response_too_large"),
                            nullptr)};
  }
  if (errors.empty()) return;
  std::string text = "\"errors\":";
  ql::write_json(errors, text);
  text += ',';
  out.insert(start + 1, text);
}

}  // namespace parley::edge::graphql
