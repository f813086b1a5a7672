#include "edge/graphql/engine.h"

#include <algorithm>

#include "edge/graphql/errors.h"
#include "edge/graphql/execution.h"
#include "edge/graphql/request_message.h"
#include "loop/task_group.h"

namespace parley::edge::graphql {
namespace {

Engine::Errors one(ql::GraphqlError error) { return {std::move(error)}; }

Engine::Errors refused(std::string message, std::string_view reason) {
  return one(request_error(std::move(message), reason));
}

Engine::Errors above(std::string message, std::string reason) {
  return one(graphql_error(
      Error(Code::resource_exhausted, Blame::caller, std::move(message)).with_reason(std::move(reason)), nullptr));
}

// What Apollo's clients look for: the message, and the code.
ql::GraphqlError not_known() {
  ql::GraphqlError error;
  error.message = "PersistedQueryNotFound";
  error.extensions = R"({"code":"PERSISTED_QUERY_NOT_FOUND"})";
  return error;
}

ql::GraphqlError not_supported() {
  ql::GraphqlError error;
  error.message = "PersistedQueryNotSupported";
  error.extensions = R"({"code":"PERSISTED_QUERY_NOT_SUPPORTED"})";
  return error;
}

}  // namespace

// ---- Engine

Engine::Engine(const Front& front, const GraphqlOptions& options, SchemaSource schema,
               std::shared_ptr<const PersistedDocuments> persisted)
    : front_(front),
      options_(options),
      schema_(std::move(schema)),
      plans_(options),
      documents_(std::move(persisted), options.persisted_only ? 0 : options.apq_cache_bytes) {}

// The document's text: sent, or known by the hash that was sent.
std::expected<std::string_view, Engine::Errors> Engine::text_of(const ParsedRequest& request) {
  const auto hash = request.persisted_hash();
  if (!hash) return std::unexpected(refused(hash.error().message(), hash.error().reason()));
  if (request.query.empty() && hash->empty()) {
    return std::unexpected(refused("Must provide a \"query\".", "no_query"));
  }
  if (hash->empty()) {
    if (!options_.persisted_only) return request.query;
    const std::string own = sha256_hex(request.query);
    if (documents_.find(own) != nullptr) return request.query;
    return std::unexpected(refused("Only persisted operations are allowed here.", "not_persisted"));
  }
  if (const std::string* known = documents_.find(*hash)) {
    if (!request.query.empty() && request.query != *known) {
      return std::unexpected(refused("The document does not have the hash that was sent with it.", "hash_mismatch"));
    }
    return *known;
  }
  if (!documents_.takes_documents()) {
    return std::unexpected(one(documents_.persisted() == nullptr ? not_supported() : not_known()));
  }
  if (request.query.empty()) return std::unexpected(one(not_known()));
  if (sha256_hex(request.query) != *hash) {
    return std::unexpected(refused("The document does not have the hash that was sent with it.", "hash_mismatch"));
  }
  documents_.add(*hash, request.query);
  return request.query;
}

std::expected<void, Engine::Errors> Engine::within_limits(const Operation& operation) const {
  const Plan& plan = operation.plan();
  if (!options_.introspection) {
    for (const Output& output : plan.objects[plan.root].outputs) {
      if (output.form == Form::meta) {
        return std::unexpected(refused("Introspection is not allowed here, but the operation asks for \"" +
                                           std::string(output.definition->name) + "\".",
                                       "introspection_closed"));
      }
    }
  }
  if (plan.roots.size() > options_.limits.upstream_calls) {
    return std::unexpected(
        above("The operation needs more than " + std::to_string(options_.limits.upstream_calls) + " upstream calls.",
              "too_many_upstream_calls"));
  }
  std::uint64_t cost = 0;
  for (const RootPlan& root : plan.roots) {
    const std::uint64_t size = page_size(root, operation.variables_);
    const std::uint64_t items =
        size == 0 ? assumed_list_size : std::min<std::uint64_t>(size, options_.limits.complexity);
    std::uint64_t each = 0;
    if (__builtin_mul_overflow(root.for_each, items, &each) || __builtin_add_overflow(cost, each + root.fixed, &cost)) {
      cost = ~std::uint64_t{0};
      break;
    }
  }
  if (cost <= options_.limits.complexity) return {};
  return std::unexpected(above("The operation has a complexity of " + std::to_string(cost) + ", above the limit of " +
                                   std::to_string(options_.limits.complexity) + ".",
                               "too_complex"));
}

std::expected<std::unique_ptr<Operation>, Engine::Errors> Engine::prepare(const ParsedRequest& request,
                                                                          CallContext context) {
  const ql::SchemaPtr schema = schema_();
  const contract::ContractPtr contract = front_.contract();
  if (schema == nullptr || &schema->contract() != contract.get()) {
    return std::unexpected(one(graphql_error(
        Error(Code::unavailable, Blame::us, "The contract has just changed.").with_reason("reloading"), nullptr)));
  }
  auto text = text_of(request);
  if (!text) return std::unexpected(std::move(text).error());
  auto known = plans_.document(schema, *text);
  if (!known) return std::unexpected(std::move(known).error());
  const ql::Document& document = *(*known)->document;
  const auto definition = document.operation(request.operation_name);
  if (!definition) return std::unexpected(one(definition.error()));

  context.contract = contract;
  std::unique_ptr<Operation> operation(new Operation(std::move(context), options_));
  operation->schema_ = schema;
  operation->document_ = *known;
  auto variables = Variables::coerce(document, **definition, request.variables);
  if (!variables) return std::unexpected(std::move(variables).error());
  operation->variables_ = std::move(*variables);
  auto plan = plans_.plan(*known, **definition, operation->variables_);
  if (!plan) return std::unexpected(std::move(plan).error());
  operation->plan_ = std::move(*plan);
  if (auto fine = within_limits(*operation); !fine) return std::unexpected(std::move(fine).error());
  // Taken now: a reload in the middle of the operation must not change who answers.
  for (const contract::Method* method : operation->plan_->methods) {
    operation->handlers_.push_back(front_.handler(*method));
  }
  return operation;
}

// ---- Operation

Operation::Operation(CallContext context, const GraphqlOptions& options)
    : options_(options), upstream_(std::move(context), options.limits.upstream_calls) {}

Task<void> Operation::run(std::string& response) {
  Execution execution({.plan = *plan_,
                       .schema = *schema_,
                       .variables = variables_,
                       .handlers = handlers_,
                       .upstream = upstream_,
                       .max_arguments = options_.most_arguments(),
                       .max_bytes = options_.limits.response_bytes});
  co_await execution.run();
  execution.write(response);
  headers_ = execution.headers();
}

std::string Operation::failed(const Error& error) const {
  ql::GraphqlError shown = graphql_error(error, &schema_->contract());
  const Output* output = plan_->roots.empty() ? nullptr : plan_->roots[0].output;
  if (output != nullptr) {
    for (const ql::Selection* node : output->nodes) shown.locations.push_back(plan_->document->location(node->at));
    shown.path.emplace_back(std::string(output->response_name()));
  }
  return error_body({std::move(shown)});
}

Task<void> Operation::subscribe(ResultSink& sink) {
  if (plan_->roots.empty()) {  // { __typename }
    std::string response;
    co_await run(response);
    (void)co_await sink.next(std::move(response));
    co_return;
  }
  const RootPlan& root = plan_->roots[0];
  std::string request;
  if (auto done = put_request(*plan_, root, variables_, options_.most_arguments(), request); !done) {
    done.error().path.emplace_back(std::string(root.output->response_name()));
    (void)co_await sink.next(error_body({std::move(done).error()}));
    co_return;
  }
  Call call(upstream_.context().contract, *plan_->methods[root.method], "graphql");
  if (auto ready = upstream_.prepare(call); !ready) {
    (void)co_await sink.next(failed(ready.error()));
    co_return;
  }
  const Upstream::Live live(upstream_, call);
  call.requests.push(Bytes(std::move(request)));
  call.requests.end();
  co_await follow(call, sink);
}

Task<void> Operation::follow(Call& call, ResultSink& sink) {
  TaskGroup tasks;
  tasks.spawn(answer(*handlers_[plan_->roots[0].method], call));
  const std::optional<Error> error = co_await deliver(call, sink);
  if (error && !upstream_.cancelled()) (void)co_await sink.next(failed(*error));
  if (tasks.live() > 0) {
    call.cancel(Error(Code::cancelled, Blame::caller, "the subscription has ended").with_reason("call_ended"));
    co_await tasks.join();
  }
}

// Every message of the stream becomes a response. Returns what the stream ended with.
Task<std::optional<Error>> Operation::deliver(Call& call, ResultSink& sink) {
  for (;;) {
    auto message = co_await call.replies.read();
    if (!message) co_return std::move(message).error();
    if (!*message) break;
    upstream_.reset_count();
    Execution execution({.plan = *plan_,
                         .schema = *schema_,
                         .variables = variables_,
                         .handlers = handlers_,
                         .upstream = upstream_,
                         .max_arguments = options_.most_arguments(),
                         .max_bytes = options_.limits.response_bytes});
    co_await execution.run_event(std::move(**message));
    std::string response;
    execution.write(response);
    if (upstream_.cancelled() || !co_await sink.next(std::move(response))) co_return std::nullopt;
  }
  co_await call.wait_finished();
  if (call.status() != nullptr) co_return *call.status();
  co_return std::nullopt;
}

}  // namespace parley::edge::graphql
