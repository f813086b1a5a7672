// PlanCache: documents that were parsed and validated, with the plans of their operations, the least recently used
// going first. One a shard; bounded in bytes. What is in use outlives its eviction.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "edge/graphql/options.h"
#include "edge/graphql/plan.h"
#include "edge/graphql/variables.h"

namespace parley::edge::graphql {

// A document that was valid for its schema.
struct KnownDocument {
  ql::SchemaPtr schema;
  std::unique_ptr<ql::Document> document;
  // The names of variables in @skip and @include: their values choose the plan.
  std::vector<std::string_view> conditions;

  struct Variant {
    const ql::OperationDefinition* operation;
    std::string conditions;  // '1' or '0' each
    std::shared_ptr<const Plan> plan;
  };
  std::vector<Variant> plans;
  std::size_t bytes = 0;
};

class PlanCache {
 public:
  using Errors = std::vector<ql::GraphqlError>;

  explicit PlanCache(const GraphqlOptions& options) : options_(options) {}

  // The document of that text, parsed and validated if it is not known. Errors: of syntax and of validation; they are
  // not kept.
  std::expected<std::shared_ptr<KnownDocument>, Errors> document(const ql::SchemaPtr& schema, std::string_view text);

  // The plan of one of its operations for these variables. Errors: above a limit.
  std::expected<std::shared_ptr<const Plan>, Errors> plan(const std::shared_ptr<KnownDocument>& known,
                                                          const ql::OperationDefinition& operation,
                                                          const Variables& variables);

  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return by_text_.size(); }

 private:
  using Recent = std::list<std::shared_ptr<KnownDocument>>;
  void keep(std::shared_ptr<KnownDocument> known);
  void shrink();
  void forget_all();

  const GraphqlOptions& options_;
  ql::SchemaPtr schema_;  // whose documents these are
  Recent recent_;         // the latest first
  std::unordered_map<std::string_view, Recent::iterator> by_text_;
  std::size_t bytes_ = 0;
};

}  // namespace parley::edge::graphql
