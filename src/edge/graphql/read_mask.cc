#include "edge/graphql/read_mask.h"

#include <algorithm>

#include "contract/wire_records.h"

namespace parley::edge::graphql {
namespace {

using contract::FieldTable;

void put_record(const FieldTable& field, std::string_view content, std::string& wire) {
  char head[8 + contract::max_varint_size];
  char* to = contract::put_varint(head, field.tag());
  to = contract::put_varint(to, content.size());
  wire.append(head, to);
  wire += content;
}

std::string mask_record(const FieldTable& field, std::vector<std::string> paths) {
  std::ranges::sort(paths);
  const auto same = std::ranges::unique(paths);
  paths.erase(same.begin(), same.end());
  std::string mask;
  for (const std::string& path : paths) contract::append_record(mask, 1, path);
  std::string wire;
  if (!paths.empty()) put_record(field, mask, wire);
  return wire;
}

}  // namespace

const FieldTable* only_items(const contract::MessageTable& response) {
  const FieldTable* items = nullptr;
  for (const FieldTable& field : response.fields()) {
    if (field.message == nullptr) continue;
    const bool is_list = field.repeated && !field.map && field.message->well_known() == contract::WellKnown::none;
    if (!is_list || items != nullptr) return nullptr;
    items = &field;
  }
  return items;
}

void ReadMask::add(const Output& output, const std::string& prefix, Paths& paths) const {
  if (output.form == Form::one_of) {
    for (const ql::UnionMember& member : output.type->members) {
      paths.push_back(prefix + std::string(member.field->proto_name));
    }
    return;
  }
  const FieldTable* field = output.definition->field;
  if (output.form == Form::join) field = output.definition->link->key;
  if (field == nullptr) return;  // __typename, placeholders
  const std::string path = prefix + std::string(field->proto_name);
  const std::size_t before = paths.size();
  if (output.form == Form::object && !output.list) add(plan_.objects[output.object], path + ".", paths);
  if (paths.size() == before) paths.push_back(path);
}

void ReadMask::add(const ObjectPlan& object, const std::string& prefix, Paths& paths) const {
  for (const Output& output : object.outputs) add(output, prefix, paths);
}

const ObjectPlan* ReadMask::items_of(const ObjectPlan& object) const {
  if (object.type == nullptr || object.type->message == nullptr) return nullptr;
  const FieldTable* items = only_items(*object.type->message);
  if (items == nullptr) return nullptr;
  const auto output = std::ranges::find_if(object.outputs, [items](const Output& o) { return o.field == items; });
  return output == object.outputs.end() ? nullptr : &plan_.objects[output->object];
}

std::string ReadMask::of_root(const RootPlan& root) const {
  const FieldTable* mask = root.output->definition->read_mask;
  if (mask == nullptr) return {};
  Paths paths;
  if (root.has_shell) {
    const Output& inner = plan_.objects[root.shell].outputs[0];
    if (inner.form != Form::object) return {};
    add(plan_.objects[inner.object], "", paths);
  } else if (root.output->type->is_composite()) {
    const ObjectPlan& response = plan_.objects[root.output->object];
    const bool is_page = response.type->message != nullptr && only_items(*response.type->message) != nullptr;
    const ObjectPlan* items = items_of(response);
    if (is_page && items == nullptr) return {};  // no item is looked at
    // Several aliases of the items may select different things: all of them.
    for (const Output& output : response.outputs) {
      if (is_page && output.form == Form::object && output.list) add(plan_.objects[output.object], "", paths);
    }
    if (!is_page) add(response, "", paths);
  }
  return mask_record(*mask, std::move(paths));
}

std::string ReadMask::of_batch(std::uint32_t batch) const {
  const ql::Loader& loader = *plan_.batches[batch].loader;
  if (loader.read_mask == nullptr) return {};
  Paths paths;
  if (loader.match != nullptr) paths.emplace_back(loader.match->proto_name);
  const std::size_t own = paths.size();
  for (const JoinPlan& join : plan_.joins) {
    if (join.batch == batch) add(plan_.objects[join.object], "", paths);
  }
  return paths.size() == own ? std::string() : mask_record(*loader.read_mask, std::move(paths));
}

}  // namespace parley::edge::graphql
