// Joins: (parley.link) on fields, (parley.graphql).extend on rpcs, and links that the configuration names.
#include "base/nearest.h"
#include "graphql/schema_builder.h"
#include "graphql/schema_builder_text.h"

namespace parley::graphql {
namespace {

namespace pb = google::protobuf;

void for_each_message(const pb::Descriptor& message, const auto& use) {
  use(message);
  for (int i = 0; i < message.nested_type_count(); ++i) for_each_message(*message.nested_type(i), use);
}

}  // namespace

const contract::Method* SchemaBuilder::method_named(const std::string& rpc) const { return contract_.find("/" + rpc); }

void SchemaBuilder::find_joins() {
  for (const pb::FileDescriptor* file : contract_.files()) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      for_each_message(*file->message_type(i), [&](const pb::Descriptor& message) {
        for (int f = 0; f < message.field_count(); ++f) {
          const auto link = reader_.read(message.field(f)->options(), "parley.link");
          const contract::Method* method = link ? method_named(link->text("rpc")) : nullptr;
          if (method != nullptr) joins_[message.field(f)].push_back({method, link->text("field")});
        }
      });
    }
  }
  for (const contract::Service& service : contract_.services()) {
    for (const contract::Method& method : service.methods) {
      const auto option = reader_.read(method.descriptor->options(), "parley.graphql");
      if (!option || option->text("extend").empty()) continue;
      const pb::Descriptor* message = contract_.pool().FindMessageTypeByName(option->text("extend"));
      const pb::FieldDescriptor* key = message == nullptr ? nullptr : message->FindFieldByName(option->text("key"));
      if (key == nullptr) continue;  // lint has said so
      joins_[key].push_back({&method, option->text("name")});
      reverse_.insert(&method);
    }
  }
  for (const ConfiguredLink& link : options_.links) configured_link(link);
}

void SchemaBuilder::configured_link(const ConfiguredLink& link) {
  const auto fail = [&](std::string message, std::string hint) {
    contract::Diagnostic out;
    out.message = "GraphQL: the link `" + link.as + "` of " + link.message + ": " + std::move(message);
    out.hint = std::move(hint);
    diagnostics_.push_back(std::move(out));
  };
  const pb::Descriptor* message = contract_.pool().FindMessageTypeByName(link.message);
  if (message == nullptr) return fail("there is no such message", "write it with its package, such as `shop.Order`");
  const pb::FieldDescriptor* field = message->FindFieldByName(link.field);
  if (field == nullptr) {
    std::vector<std::string> names;
    for (int i = 0; i < message->field_count(); ++i) names.push_back(message->field(i)->name());
    return fail("it has no field `" + link.field + "`", did_you_mean(link.field, names));
  }
  const contract::Method* method = method_named(link.rpc);
  if (method == nullptr || !method->is_unary())
    return fail("there is no unary rpc `" + link.rpc + "`", "write it as `package.Service/Method`");
  if (!is_name(link.as)) return fail("that is no name", "letters, digits and underscores");
  const auto loader = contract::loader_fields(*method->descriptor,
                                              reader_.read(method->descriptor->options(), "parley.loader"), reader_);
  if (!loader) return fail(loader.error().message, loader.error().hint);
  if (const auto problem = contract::check_join_key(*field, *loader)) return fail(problem->message, problem->hint);
  joins_[field].push_back({method, link.as});
}

void SchemaBuilder::add_joins(const pb::FieldDescriptor& key, std::vector<Field>& out, FieldNames& names) {
  const auto found = joins_.find(&key);
  if (found == joins_.end()) return;
  for (const Join& join : found->second) {
    const pb::MethodDescriptor& method = *join.method->descriptor;
    const auto fields = contract::loader_fields(method, reader_.read(method.options(), "parley.loader"), reader_);
    if (!fields) {
      error_at(method, fields.error().message, fields.error().hint);
      continue;
    }
    if (!names.insert(join.name).second) {
      error_at(key, "the join `" + join.name + "` is a field of " + key.containing_type()->full_name() + " already",
               "choose a name that is free");
      continue;
    }
    Field field;
    field.name = keep(join.name);
    field.description = comment(method);
    field.source = Source::join;
    field.link = schema_->arena_.make<Link>(Link{loader_of(*join.method), &table(key)});
    const Type item{object_of(*fields->item(method)), {}};
    field.type = key.is_repeated() ? item.in_list().in_non_null() : fields->many ? item.in_non_null().in_list() : item;
    out.push_back(field);
  }
}

// Its fields are right: lint and add_joins have looked.
const Loader* SchemaBuilder::loader_of(const contract::Method& method) {
  const Loader*& known = loaders_[&method];
  if (known != nullptr) return known;
  const auto fields =
      contract::loader_fields(*method.descriptor, reader_.read(method.descriptor->options(), "parley.loader"), reader_);
  Loader out;
  out.method = &method;
  out.keys = &table(*fields->keys);
  if (fields->items != nullptr) out.items = &table(*fields->items);
  if (fields->match != nullptr) out.match = &table(*fields->match);
  out.many = fields->many;
  out.max = fields->max;
  out.read_mask = read_mask(method);
  return known = schema_->arena_.make<Loader>(out);
}

}  // namespace parley::graphql
