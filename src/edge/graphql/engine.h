// Engine: from a request's parameters to an operation that can run. What HTTP, event streams and WebSockets have in
// common. One a shard.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "call/front.h"
#include "edge/graphql/document_store.h"
#include "edge/graphql/options.h"
#include "edge/graphql/plan_cache.h"
#include "edge/graphql/request.h"
#include "edge/graphql/upstream.h"

namespace parley::edge::graphql {

// The schema in force; null while there is none.
using SchemaSource = std::function<ql::SchemaPtr()>;

// Takes the results of a subscription, one at a time.
class ResultSink {
 public:
  // A response: `{"data":…}`. Waits while the client is slow. False: nobody listens any more.
  virtual Task<bool> next(std::string response) = 0;

 protected:
  ~ResultSink() = default;
};

// One operation, validated, planned, with its variables: ready to run, once. Owned by the task of its request.
class Operation {
 public:
  ql::OperationKind kind() const { return plan_->operation->kind; }
  const Plan& plan() const { return *plan_; }

  // A query or mutation: appends the response.
  Task<void> run(std::string& response);
  // A subscription: one response an event, until the stream ends. A stream that cannot be opened or breaks off gives a
  // last one that has only errors.
  Task<void> subscribe(ResultSink& sink);
  // Ends its calls.
  void cancel(const Error& why) { upstream_.cancel(why); }
  const std::optional<Error>& cancelled() const { return upstream_.cancelled(); }
  // After `run`: reply metadata for the caller.
  const Fields& headers() const { return headers_; }

 private:
  friend class Engine;
  Operation(CallContext context, const GraphqlOptions& options);
  Task<void> follow(Call& call, ResultSink& sink);
  Task<std::optional<Error>> deliver(Call& call, ResultSink& sink);
  std::string failed(const Error& error) const;

  const GraphqlOptions& options_;
  ql::SchemaPtr schema_;
  std::shared_ptr<KnownDocument> document_;
  std::shared_ptr<const Plan> plan_;
  Variables variables_;
  std::vector<HandlerPtr> handlers_;
  Upstream upstream_;
  Fields headers_;
};

class Engine {
 public:
  using Errors = std::vector<ql::GraphqlError>;

  // `front` and `options` outlive the engine. `persisted` may be null.
  Engine(const Front& front, const GraphqlOptions& options, SchemaSource schema,
         std::shared_ptr<const PersistedDocuments> persisted);

  // `request` outlives the operation. Errors: the request's (nothing was executed).
  std::expected<std::unique_ptr<Operation>, Errors> prepare(const ParsedRequest& request, CallContext context);

  const GraphqlOptions& options() const { return options_; }
  const Front& front() const { return front_; }

 private:
  std::expected<std::string_view, Errors> text_of(const ParsedRequest& request);
  std::expected<void, Errors> within_limits(const Operation& operation) const;

  const Front& front_;
  const GraphqlOptions& options_;
  SchemaSource schema_;
  PlanCache plans_;
  DocumentStore documents_;
};

}  // namespace parley::edge::graphql
