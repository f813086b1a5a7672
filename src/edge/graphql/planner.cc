// Compiles an operation (chapter Execution: CollectFields, MergeSelectionSets), top down, object by object.
#include <algorithm>
#include <optional>

#include "contract/name_hash.h"
#include "edge/graphql/plan.h"
#include "edge/graphql/read_mask.h"

namespace parley::edge::graphql {
namespace {

using contract::FieldTable;
using contract::Kind;
using contract::MessageTable;

constexpr std::uint32_t small_number = 64;  // field numbers below it are found by index
constexpr std::uint64_t most_cost = std::uint64_t{1} << 50U;

std::string_view zero_of(Kind kind, ql::Scalar scalar) {
  if (scalar == ql::Scalar::uint32) return "\"0\"";
  switch (kind) {
    case Kind::string:
    case Kind::bytes: return "\"\"";
    case Kind::boolean: return "false";
    case Kind::int64:
    case Kind::uint64:
    case Kind::sint64:
    case Kind::fixed64:
    case Kind::sfixed64: return "\"0\"";
    default: return "0";
  }
}

Form form_of(const ql::NamedType& type, const FieldTable& field) {
  if (type.kind == ql::TypeKind::enumeration) return Form::enumeration;
  if (type.kind == ql::TypeKind::object) return Form::object;
  if (field.message != nullptr) return Form::json;
  if (type.scalar == ql::Scalar::json) return Form::json;
  if (type.scalar == ql::Scalar::uint32) return Form::quoted;
  if (type.scalar == ql::Scalar::float64) return Form::floating;
  return Form::scalar;
}

}  // namespace

class Planner {
 public:
  Planner(Plan& plan, const ql::Schema& schema, const PlanLimits& limits, ConditionOf condition, const void* context)
      : plan_(plan), schema_(schema), limits_(limits), condition_(condition), context_(context) {
    stamps_.resize(plan.document->fragments().size());
  }

  void run() {
    const ql::OperationDefinition& operation = *plan_.operation;
    const ql::NamedType* root = &schema_.query();
    if (operation.kind == ql::OperationKind::mutation) root = schema_.mutation();
    if (operation.kind == ql::OperationKind::subscription) root = schema_.subscription();
    const ql::SelectionSet* const sets[] = {operation.selections};
    plan_.root = object(*root, sets, {});
    read_masks();
    for (RootPlan& each : plan_.roots) cost_of_root(each);
  }

  const std::optional<ql::GraphqlError>& error() const { return error_; }

 private:
  using Sets = std::span<const ql::SelectionSet* const>;
  struct Place {
    std::uint32_t depth = 0;
    std::uint32_t level = 0;  // of joins
    std::uint32_t root = 0;
    const ql::NamedType* type = nullptr;  // whose fields are selected
  };
  struct Group {
    std::string_view name;
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint32_t count = 0;
  };
  struct Node {
    const ql::Selection* selection;
    std::uint32_t next;
  };

  // ---- which fields (CollectFields)

  bool is_true(const ql::Value& value) const {
    if (value.kind == ql::ValueKind::boolean) return value.boolean;
    const ql::VariableDefinition* variable = plan_.operation->variable(value.text);
    return variable != nullptr && condition_(context_, *variable);
  }

  bool is_included(const ql::Selection& selection) const {
    for (const ql::Directive& directive : selection.directives) {
      const bool skip = directive.name.text == "skip";
      if (!skip && directive.name.text != "include") continue;
      const ql::Argument* condition = directive.argument("if");
      if (condition != nullptr && is_true(condition->value) == skip) return false;
    }
    return true;
  }

  void collect(const ql::NamedType& type, const ql::SelectionSet& set) {
    for (const ql::Selection& selection : set.items) {
      if (!is_included(selection)) continue;
      if (selection.kind == ql::SelectionKind::field) {
        add(selection);
      } else if (selection.kind == ql::SelectionKind::inline_fragment) {
        if (selection.condition == nullptr || schema_.is_possible(*selection.condition, type)) {
          collect(type, *selection.selections);
        }
      } else if (stamps_[selection.fragment->index] != stamp_) {
        stamps_[selection.fragment->index] = stamp_;
        if (schema_.is_possible(*selection.fragment->condition, type)) collect(type, *selection.fragment->selections);
      }
    }
  }

  void add(const ql::Selection& field) {
    if (field.alias && field.alias.text != field.name.text) ++aliases_;
    const auto node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({&field, 0});
    Group& group = group_of(field.response_name());
    if (group.count++ == 0) {
      group.first = node;
    } else {
      nodes_[group.last].next = node;
    }
    group.last = node;
  }

  Group& group_of(std::string_view name) {
    if (table_.size() < 2 * (groups_.size() + 1)) rehash();
    std::size_t at = contract::name_hash(name) & (table_.size() - 1);
    for (; table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
      if (groups_[table_[at] - 1].name == name) return groups_[table_[at] - 1];
    }
    groups_.push_back({.name = name});
    table_[at] = static_cast<std::uint32_t>(groups_.size());
    return groups_.back();
  }

  void rehash() {
    table_.assign(std::max<std::size_t>(16, 2 * table_.size()), 0);
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      std::size_t at = contract::name_hash(groups_[i].name) & (table_.size() - 1);
      while (table_[at] != 0) at = (at + 1) & (table_.size() - 1);
      table_[at] = static_cast<std::uint32_t>(i + 1);
    }
  }

  // The outputs of an object, in the document's order, with their keys and nodes; nothing is resolved yet.
  std::span<Output> outputs_of(const ql::NamedType& type, Sets sets) {
    ++stamp_;
    nodes_.assign(1, {});  // 0 is no node
    groups_.clear();
    std::ranges::fill(table_, 0);
    for (const ql::SelectionSet* set : sets) collect(type, *set);
    const std::span<Output> outputs = plan_.arena_.array<Output>(groups_.size());
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const Group& group = groups_[i];
      const std::span merged(
          static_cast<const ql::Selection**>(plan_.arena_.take(group.count * sizeof(void*), alignof(void*))),
          group.count);
      std::uint32_t node = group.first;
      for (const ql::Selection*& each : merged) {
        each = nodes_[node].selection;
        node = nodes_[node].next;
      }
      outputs[i].nodes = merged;
      outputs[i].key = key_of(group.name);
      outputs[i].definition = merged[0]->field;
    }
    plan_.output_count_ += outputs.size();
    return outputs;
  }

  std::string_view key_of(std::string_view name) {
    constexpr std::size_t padding = 16;
    char* const text = static_cast<char*>(plan_.arena_.take(name.size() + 4 + padding, 1));
    char* to = text;
    *to++ = ',';
    *to++ = '"';
    to = std::ranges::copy(name, to).out;
    *to++ = '"';
    *to++ = ':';
    std::fill_n(to, padding, '\0');
    return {text, to};
  }

  std::string_view quoted(std::string_view name) {
    std::string text = "\"" + std::string(name) + "\"";
    return plan_.arena_.copy(std::string_view(text));
  }

  // ---- objects

  void refuse(std::string message, std::string_view reason) {
    if (error_) return;
    error_.emplace();
    error_->message = std::move(message);
    error_->extensions = R"({"code":"RESOURCE_EXHAUSTED","reason":")" + std::string(reason) + "\"}";
  }

  bool within_limits(const Place& place) {
    if (place.depth > limits_.depth) {
      refuse("The operation is nested more than " + std::to_string(limits_.depth) + " fields deep.", "too_deep");
    } else if (aliases_ > limits_.aliases) {
      refuse("The operation has more than " + std::to_string(limits_.aliases) + " aliases.", "too_many_aliases");
    } else if (plan_.output_count_ > limits_.outputs) {
      refuse("The operation selects more than " + std::to_string(limits_.outputs) + " fields.", "too_complex");
    }
    return !error_;
  }

  std::uint32_t object(const ql::NamedType& type, Sets sets, Place place) {
    const auto index = static_cast<std::uint32_t>(plan_.objects.size());
    plan_.objects.emplace_back().type = &type;
    ++place.depth;
    place.type = &type;
    if (!within_limits(place)) return index;
    const std::span<Output> outputs = outputs_of(type, sets);
    if (!within_limits(place)) return index;
    std::vector<WireSlot> wires;
    std::uint16_t slots = 0;
    bool leads = false;
    for (Output& output : outputs) {
      resolve(output, place, wires, slots);
      leads = leads || output.leads_to_join;
    }
    finish(index, outputs, std::move(wires), slots, leads);
    return index;
  }

  void finish(std::uint32_t index, std::span<const Output> outputs, std::vector<WireSlot> wires, std::uint16_t slots,
              bool leads) {
    std::ranges::sort(wires, {}, &WireSlot::number);
    ObjectPlan& plan = plan_.objects[index];
    plan.outputs = outputs;
    plan.slot_count = slots;
    plan.leads_to_join = leads;
    plan.wires = plan_.arena_.copy(std::span<WireSlot>(wires));
    std::uint32_t top = 0;
    for (const WireSlot& wire : wires) {
      if (wire.number < small_number) top = wire.number + 1;
    }
    const std::span<std::uint16_t> by_number = plan_.arena_.array<std::uint16_t>(top);
    for (std::size_t i = 0; i < wires.size(); ++i) {
      if (wires[i].number < top) by_number[wires[i].number] = static_cast<std::uint16_t>(i + 1);
    }
    plan.by_number = by_number;
  }

  // The slot of a field's records. `member`: as a member of a union, in the union's slot.
  static std::uint16_t wire(const FieldTable& field, std::uint16_t slot, std::uint16_t member,
                            std::vector<WireSlot>& wires, std::uint16_t& slots) {
    const auto known = std::ranges::find(wires, field.number, &WireSlot::number);
    if (known == wires.end()) {
      if (slot == WireSlot::no_slot) slot = slots++;
      wires.push_back({.number = field.number, .slot = slot, .member = member, .field = &field});
      return slot;
    }
    if (member == 0 && known->member == 0) return known->slot;
    if (member != 0 && known->member != 0) return known->slot;
    if (member == 0) {
      if (known->also == WireSlot::no_slot) known->also = slots++;
      return known->also;
    }
    known->also = known->slot;  // it was read by itself before the union came
    known->slot = slot;
    known->member = member;
    return slot;
  }

  // ---- fields

  std::vector<const ql::SelectionSet*> below(const Output& output) {
    std::vector<const ql::SelectionSet*> sets;
    for (const ql::Selection* node : output.nodes) {
      if (node->selections != nullptr) sets.push_back(node->selections);
    }
    return sets;
  }

  void take_type(Output& output, const ql::Type& type) {
    output.type = type.named;
    output.non_null = type.non_null();
    output.list = type.nullable().list();
    output.item_non_null = output.list && type.nullable().item().non_null();
  }

  void resolve(Output& output, const Place& place, std::vector<WireSlot>& wires, std::uint16_t& slots) {
    const ql::Field& definition = *output.definition;
    take_type(output, definition.type);
    switch (definition.source) {
      case ql::Source::rpc: return rpc(output, place);
      case ql::Source::join: return join(output, place, wires, slots);
      case ql::Source::one_of: return one_of(output, place, wires, slots);
      case ql::Source::placeholder:
        output.form = Form::text;
        output.absent = Absent::null;
        return;
      case ql::Source::meta: return meta(output, place);
      case ql::Source::field: break;
    }
    output.slot = wire(*definition.field, WireSlot::no_slot, 0, wires, slots);
    value(output, *definition.field, definition.wrapped, place);
  }

  // How the value of a field of a message is written.
  void value(Output& output, const FieldTable& field, bool wrapped, const Place& place) {
    output.wrapped = wrapped;
    output.on_wire = &field;
    output.field = wrapped ? &field.message->fields()[0] : &field;
    output.form = form_of(*output.type, *output.field);
    output.message = output.field->message;
    if (output.form == Form::object) {
      output.object = object(*output.type, below(output), place);
      output.leads_to_join = plan_.objects[output.object].leads_to_join;
    }
    absent(output, field);
  }

  void absent(Output& output, const FieldTable& field) {
    output.absent = Absent::null;
    if (output.list) {
      output.absent = Absent::fallback;
      output.fallback = "[]";
    } else if (field.message != nullptr) {
      // Only in a map's entry: a value that is left out is an empty one.
      if (output.non_null && !field.required) output.absent = Absent::empty_message;
    } else if (!field.has_presence) {
      output.absent = Absent::fallback;
      output.fallback = zero(output, field);
      if (output.fallback.empty()) output.absent = Absent::null;
    }
  }

  // Of a scalar without presence; "": it is null.
  std::string_view zero(const Output& output, const FieldTable& field) {
    if (output.form != Form::enumeration) {
      return output.form == Form::json ? std::string_view("null") : zero_of(field.kind, output.type->scalar);
    }
    const ql::EnumValue* first =
        output.type->value_of(field.enumeration->closed() ? field.enumeration->first_number() : 0);
    return first == nullptr ? std::string_view() : quoted(first->name);
  }

  void one_of(Output& output, const Place& place, std::vector<WireSlot>& wires, std::uint16_t& slots) {
    output.form = Form::one_of;
    output.slot = slots++;
    const std::span<const ql::UnionMember> members = output.type->members;
    const std::span<std::uint32_t> objects = plan_.arena_.array<std::uint32_t>(members.size());
    const std::vector<const ql::SelectionSet*> sets = below(output);
    for (std::size_t i = 0; i < members.size(); ++i) {
      wire(*members[i].field, output.slot, static_cast<std::uint16_t>(i + 1), wires, slots);
      objects[i] = object(*members[i].type, sets, place);
      output.leads_to_join = output.leads_to_join || plan_.objects[objects[i]].leads_to_join;
    }
    // The same union may be selected twice, by two aliases: both read one slot.
    const auto first = std::ranges::find(wires, members[0].field->number, &WireSlot::number);
    output.slot = first->slot;
    output.extra = static_cast<std::uint32_t>(plan_.unions.size());
    plan_.unions.push_back({output.type, objects});
  }

  void join(Output& output, Place place, std::vector<WireSlot>& wires, std::uint16_t& slots) {
    const ql::Link& link = *output.definition->link;
    output.form = Form::join;
    output.leads_to_join = true;
    output.field = link.key;
    output.slot = wire(*link.key, WireSlot::no_slot, 0, wires, slots);
    output.extra = static_cast<std::uint32_t>(plan_.joins.size());
    ++place.level;
    plan_.levels = std::max(plan_.levels, place.level);
    plan_.joins.push_back({.definition = output.definition, .level = place.level});
    const std::uint32_t batch = batch_of(*link.loader, place);
    const std::uint32_t below_it = object(*output.type, below(output), place);
    JoinPlan& plan = plan_.joins[output.extra];
    plan.batch = batch;
    plan.object = below_it;
    plan.leads_to_join = plan_.objects[below_it].leads_to_join;
    output.object = below_it;
  }

  std::uint32_t batch_of(const ql::Loader& loader, const Place& place) {
    const std::uint32_t root = plan_.operation->kind == ql::OperationKind::mutation ? place.root : 0;
    for (std::size_t i = 0; i < plan_.batches.size(); ++i) {
      const BatchPlan& batch = plan_.batches[i];
      if (batch.loader == &loader && batch.level == place.level && batch.root == root)
        return static_cast<std::uint32_t>(i);
    }
    plan_.batches.push_back({.loader = &loader, .level = place.level, .root = root, .method = method(loader.method)});
    return static_cast<std::uint32_t>(plan_.batches.size() - 1);
  }

  std::uint32_t method(const contract::Method* method) {
    const auto known = std::ranges::find(plan_.methods, method);
    if (known != plan_.methods.end()) return static_cast<std::uint32_t>(known - plan_.methods.begin());
    plan_.methods.push_back(method);
    return static_cast<std::uint32_t>(plan_.methods.size() - 1);
  }

  void meta(Output& output, const Place& place) {
    if (output.definition->meta == ql::Meta::typename_) {
      output.form = Form::text;
      output.absent = Absent::fallback;
      output.fallback = quoted(place.type->name);
      return;
    }
    output.form = Form::meta;
    if (output.type->is_composite()) output.object = object(*output.type, below(output), place);
  }

  void rpc(Output& output, Place place) {
    output.form = Form::rpc;
    output.extra = static_cast<std::uint32_t>(plan_.roots.size());
    place.root = output.extra;
    plan_.roots.push_back({.output = &output});
    RootPlan root = plan_.roots.back();
    const ql::Field& definition = *output.definition;
    root.method = method(definition.method);
    const MessageTable& reply = *definition.method->output;
    const bool is_wrapper = reply.well_known() == contract::WellKnown::wrapper;
    const FieldTable* inside = is_wrapper ? &reply.fields()[0] : definition.unwrap;
    if (inside != nullptr) {
      root.has_shell = true;
      root.shell = shell(output, *inside, !is_wrapper && is_wrapped(*inside), place);
      output.leads_to_join = plan_.objects[root.shell].leads_to_join;
    } else if (output.type->is_composite()) {
      output.object = object(*output.type, below(output), place);
      output.leads_to_join = plan_.objects[output.object].leads_to_join;
    } else {
      output.message = &reply;
    }
    plan_.roots[output.extra] = root;
  }

  static bool is_wrapped(const FieldTable& field) {
    return field.message != nullptr && field.message->well_known() == contract::WellKnown::wrapper;
  }

  // An object with one output, under the root field's own key.
  std::uint32_t shell(const Output& root, const FieldTable& field, bool wrapped, const Place& place) {
    const auto index = static_cast<std::uint32_t>(plan_.objects.size());
    plan_.objects.emplace_back();
    const std::span<Output> inner = plan_.arena_.array<Output>(1);
    inner[0] = root;
    inner[0].slot = 0;
    std::vector<WireSlot> wires;
    std::uint16_t slots = 0;
    wire(field, WireSlot::no_slot, 0, wires, slots);
    value(inner[0], field, wrapped, place);
    finish(index, inner, std::move(wires), slots, inner[0].leads_to_join);
    return index;
  }

  // ---- what follows once all objects are there

  void read_masks() {
    const ReadMask mask(plan_);
    for (RootPlan& root : plan_.roots) root.read_mask = mask.of_root(root);
    for (std::size_t i = 0; i < plan_.batches.size(); ++i) {
      plan_.batches[i].read_mask = mask.of_batch(static_cast<std::uint32_t>(i));
    }
  }

  struct Cost {
    std::uint64_t fixed = 0;
    std::uint64_t for_each = 0;  // item of a page
    std::uint64_t whole() const { return std::min(fixed + for_each * assumed_list_size, most_cost); }
  };

  Cost cost_of(const Output& output) const {
    Cost below;
    if (output.form == Form::object || output.form == Form::join || output.form == Form::meta) {
      if (output.type->is_composite()) below = cost_of(plan_.objects[output.object]);
    } else if (output.form == Form::one_of) {
      for (const std::uint32_t member : plan_.unions[output.extra].objects) {
        const Cost cost = cost_of(plan_.objects[member]);
        if (cost.whole() > below.whole()) below = cost;
      }
    }
    if (!output.list || output.form == Form::meta) return {std::min(below.fixed + 1, most_cost), below.for_each};
    return {1, std::max<std::uint64_t>(below.whole(), 1)};
  }

  Cost cost_of(const ObjectPlan& object) const {
    Cost sum;
    for (const Output& output : object.outputs) {
      const Cost cost = cost_of(output);
      sum.fixed = std::min(sum.fixed + cost.fixed, most_cost);
      sum.for_each = std::min(sum.for_each + cost.for_each, most_cost);
    }
    return sum;
  }

  void cost_of_root(RootPlan& root) const {
    Cost cost;
    if (root.has_shell) {
      cost = cost_of(plan_.objects[root.shell]);
    } else if (root.output->type->is_composite()) {
      cost = cost_of(plan_.objects[root.output->object]);
    }
    root.fixed = std::min(cost.fixed + 1, most_cost);
    root.for_each = cost.for_each;
  }

  Plan& plan_;
  const ql::Schema& schema_;
  const PlanLimits& limits_;
  ConditionOf condition_;
  const void* context_;
  std::optional<ql::GraphqlError> error_;
  std::uint32_t aliases_ = 0;

  // Of the object whose fields are being collected.
  std::uint32_t stamp_ = 0;
  std::vector<std::uint32_t> stamps_;  // by fragment: when it was last spread
  std::vector<Group> groups_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> table_;  // 1 + position in groups_, by hash
};

std::expected<std::unique_ptr<Plan>, ql::GraphqlError> Plan::make(const ql::Schema& schema,
                                                                  const ql::Document& document,
                                                                  const ql::OperationDefinition& operation,
                                                                  const PlanLimits& limits, ConditionOf condition,
                                                                  const void* context) {
  auto plan = std::make_unique<Plan>();
  plan->document = &document;
  plan->operation = &operation;
  Planner planner(*plan, schema, limits, condition, context);
  planner.run();
  if (planner.error()) return std::unexpected(*planner.error());
  return plan;
}

const WireSlot* ObjectPlan::large_wire(std::uint32_t number) const {
  const auto at = std::ranges::lower_bound(wires, number, {}, &WireSlot::number);
  return at == wires.end() || at->number != number ? nullptr : &*at;
}

std::size_t Plan::bytes() const {
  constexpr std::size_t key_and_nodes = 64;
  return sizeof(Plan) + output_count_ * (sizeof(Output) + sizeof(WireSlot) + key_and_nodes) +
         objects.size() * (sizeof(ObjectPlan) + small_number) + joins.size() * sizeof(JoinPlan);
}

}  // namespace parley::edge::graphql
