#include "edge/graphql/plan_cache.h"

#include <algorithm>

#include "graphql/validation.h"

namespace parley::edge::graphql {
namespace {

// What a document's tree takes, about.
constexpr std::size_t bytes_a_token = 120;
constexpr std::size_t bytes_a_document = 2048;
// Fragments can make a short document select very much: a plan is not made larger than this, whatever it may cost.
constexpr std::uint64_t most_outputs = 20'000;

void find_conditions(ql::List<ql::Directive> directives, std::vector<std::string_view>& names) {
  for (const ql::Directive& directive : directives) {
    if (directive.name.text != "skip" && directive.name.text != "include") continue;
    const ql::Argument* condition = directive.argument("if");
    if (condition == nullptr || condition->value.kind != ql::ValueKind::variable) continue;
    if (std::ranges::find(names, condition->value.text) == names.end()) names.push_back(condition->value.text);
  }
}

void find_conditions(const ql::SelectionSet& set, std::vector<std::string_view>& names) {
  for (const ql::Selection& selection : set.items) {
    find_conditions(selection.directives, names);
    if (selection.selections != nullptr) find_conditions(*selection.selections, names);
  }
}

bool is_true(const Variables& variables, std::string_view name) {
  const InputView value = variables.of(name);
  return value.is(InputView::Kind::boolean) && value.flag();
}

}  // namespace

std::expected<std::shared_ptr<KnownDocument>, PlanCache::Errors> PlanCache::document(const ql::SchemaPtr& schema,
                                                                                     std::string_view text) {
  if (schema != schema_) forget_all();
  schema_ = schema;
  if (const auto known = by_text_.find(text); known != by_text_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second);
    return *known->second;
  }
  auto parsed = ql::Document::parse(text, {.max_tokens = options_.limits.tokens});
  if (!parsed) return std::unexpected(Errors{std::move(parsed).error()});
  auto known = std::make_shared<KnownDocument>();
  known->schema = schema;
  known->document = std::move(*parsed);
  if (Errors errors = ql::validate(*schema, *known->document); !errors.empty())
    return std::unexpected(std::move(errors));
  for (const ql::OperationDefinition* each : known->document->operations()) {
    find_conditions(*each->selections, known->conditions);
  }
  for (const ql::FragmentDefinition* each : known->document->fragments()) {
    find_conditions(*each->selections, known->conditions);
  }
  known->bytes = bytes_a_document + text.size() + bytes_a_token * known->document->token_count();
  keep(known);
  return known;
}

std::expected<std::shared_ptr<const Plan>, PlanCache::Errors> PlanCache::plan(
    const std::shared_ptr<KnownDocument>& known, const ql::OperationDefinition& operation, const Variables& variables) {
  std::string conditions;
  for (const std::string_view name : known->conditions) conditions += is_true(variables, name) ? '1' : '0';
  for (const KnownDocument::Variant& variant : known->plans) {
    if (variant.operation == &operation && variant.conditions == conditions) return variant.plan;
  }
  const PlanLimits limits{.depth = options_.limits.depth,
                          .aliases = options_.limits.aliases,
                          .outputs = std::min(options_.limits.complexity, most_outputs)};
  const ConditionOf condition = [](const void* of, const ql::VariableDefinition& variable) {
    return is_true(*static_cast<const Variables*>(of), variable.name.text);
  };
  auto made = Plan::make(*known->schema, *known->document, operation, limits, condition, &variables);
  if (!made) return std::unexpected(Errors{std::move(made).error()});
  std::shared_ptr<const Plan> plan = std::move(*made);
  const auto kept = by_text_.find(known->document->source());
  const std::size_t bytes = plan->bytes();
  known->bytes += bytes;
  known->plans.push_back({&operation, std::move(conditions), plan});
  if (kept != by_text_.end() && *kept->second == known) bytes_ += bytes;
  shrink();
  return plan;
}

void PlanCache::keep(std::shared_ptr<KnownDocument> known) {
  if (known->bytes > options_.plan_cache_bytes) return;
  bytes_ += known->bytes;
  recent_.push_front(std::move(known));
  by_text_.emplace(recent_.front()->document->source(), recent_.begin());
  shrink();
}

void PlanCache::shrink() {
  while (bytes_ > options_.plan_cache_bytes && !recent_.empty()) {
    bytes_ -= recent_.back()->bytes;
    by_text_.erase(recent_.back()->document->source());
    recent_.pop_back();
  }
}

void PlanCache::forget_all() {
  by_text_.clear();
  recent_.clear();
  bytes_ = 0;
}

}  // namespace parley::edge::graphql
