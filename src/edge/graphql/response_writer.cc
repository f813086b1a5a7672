#include "edge/graphql/response_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "contract/number_text.h"
#include "contract/wire_format.h"
#include "edge/graphql/errors.h"
#include "edge/graphql/introspection.h"
#include "edge/graphql/join_key.h"

namespace parley::edge::graphql {
namespace {

constexpr std::size_t most_errors = 1000;  // of one response; what fails beyond is null without a word
constexpr int json_depth = 100;

Error bad_reply(std::string message) {
  return Error(Code::internal, Blame::upstream, std::move(message)).with_reason("malformed_reply");
}

}  // namespace

ResponseWriter::ResponseWriter(const WriteContext& context, contract::OutBuffer& out)
    : context_(context), plan_(context.plan), out_(out), scalars_(out, json_, contract::WireToJson::Way::straight) {
  json_.max_bytes = context.max_bytes;
  slots_.reserve(64);
}

void ResponseWriter::data() {
  const std::size_t start = out_.size();
  if (object(plan_.objects[plan_.root], {}, nullptr)) return;
  out_.cut(start);
  out_.put("null");
}

// ---- objects and their fields

bool ResponseWriter::object(const ObjectPlan& plan, std::string_view content, const Path* path) {
  const std::size_t base = slots_.size();
  slots_.resize(base + plan.slot_count);
  bool good = plan.slot_count == 0 || scan(plan, content, std::span(slots_).subspan(base));
  if (!good && path != nullptr) malformed(*path);
  const std::size_t start = out_.size();
  for (const Output& each : plan.outputs) {
    if (!good) break;
    const Slot slot = plan.slot_count == 0 ? Slot{} : slots_[base + each.slot];
    good = output(each, slot, content, path);
  }
  slots_.resize(base);
  if (!good) return false;
  if (out_.size() == start) out_.put('{');
  *out_.at(start) = '{';  // where the first key has its comma
  out_.put('}');
  return true;
}

bool ResponseWriter::output(const Output& output, const Slot& slot, std::string_view content, const Path* parent) {
  const Path path{parent, &output, 0};
  out_.put_padded(output.key);
  const std::size_t start = out_.size();
  const Wrote wrote = value(output, slot, content, path);
  if (wrote == Wrote::value && out_.size() <= context_.max_bytes) [[likely]]
    return true;
  if (out_.size() > context_.max_bytes) too_large_ = true;
  if (too_large_) return false;
  if (wrote == Wrote::null && output.non_null) return null_where_none_may_be(output, path);
  if (output.non_null) return false;
  out_.cut(start);
  out_.put("null");
  return true;
}

ResponseWriter::Wrote ResponseWriter::value(const Output& output, const Slot& slot, std::string_view content,
                                            const Path& path) {
  switch (output.form) {
    case Form::rpc: return root(output, path);
    case Form::join: return join(output, slot, path);
    case Form::text: return absent(output, path);
    case Form::meta: introspect({plan_, context_.schema, context_.variables}, output, out_); return Wrote::value;
    default: break;
  }
  if (slot.count == 0) return absent(output, path);
  if (output.form == Form::one_of) return one_of(output, slot, content, path);
  if (output.list) return list(output, slot, path);
  if (slot.count > 1 && output.on_wire->message != nullptr) [[unlikely]] {
    return item(output, context_.results.kept.emplace_back(joined(*output.on_wire, content)), path);
  }
  return item(output, slot.content(), path);
}

ResponseWriter::Wrote ResponseWriter::absent(const Output& output, const Path& path) {
  if (output.absent == Absent::null) return Wrote::null;
  if (output.absent == Absent::empty_message) return item(output, {}, path);
  out_.put(output.fallback);
  return Wrote::value;
}

// ---- lists

template <class Write>
bool ResponseWriter::list_item(const Output& output, std::uint32_t index, const Path& path, const Write& write) {
  const Path here{&path, nullptr, index};
  out_.put(',');
  const std::size_t start = out_.size();
  const Wrote wrote = write(here);
  if (wrote == Wrote::value) [[likely]] {
    too_large_ = too_large_ || out_.size() > context_.max_bytes;
    return !too_large_;
  }
  if (too_large_) return false;
  if (wrote == Wrote::null && output.item_non_null) return null_where_none_may_be(output, here);
  if (output.item_non_null) return false;
  out_.cut(start);
  out_.put("null");
  return true;
}

ResponseWriter::Wrote ResponseWriter::list(const Output& output, const Slot& slot, const Path& path) {
  const std::size_t start = out_.size();
  ItemReader items(*output.on_wire, slot);
  std::string_view content;
  for (std::uint32_t index = 0; items.next(content); ++index) {
    if (!list_item(output, index, path, [&](const Path& here) { return item(output, content, here); })) {
      return Wrote::failed;
    }
  }
  if (items.malformed()) return malformed(path);
  if (out_.size() == start) out_.put('[');
  *out_.at(start) = '[';
  out_.put(']');
  return Wrote::value;
}

// ---- single values

ResponseWriter::Wrote ResponseWriter::item(const Output& output, std::string_view content, const Path& path) {
  if (output.wrapped) return wrapped(output, content, path);
  switch (output.form) {
    case Form::object: return object(plan_.objects[output.object], content, &path) ? Wrote::value : Wrote::failed;
    case Form::json: return json(output.message, content, path);
    default: return scalar(output, content, path);
  }
}

// A wrapper message: its field 1, or what that reads as where it is left out.
ResponseWriter::Wrote ResponseWriter::wrapped(const Output& output, std::string_view content, const Path& path) {
  const Slot all{.from = content.data(), .end = content.data() + content.size(), .count = 1};
  ItemReader values(*output.field, all);
  std::string_view last;
  std::string_view next;
  bool found = false;
  while (values.next(next)) {
    last = next;
    found = true;
  }
  if (values.malformed()) return malformed(path);
  if (found) return scalar(output, last, path);
  const contract::FieldTable& field = *output.field;
  if (output.form == Form::quoted) {
    out_.put("\"0\"");
  } else {
    out_.put(field.default_json);
  }
  return Wrote::value;
}

ResponseWriter::Wrote ResponseWriter::scalar(const Output& output, std::string_view content, const Path& path) {
  if (output.form == Form::enumeration) return enumeration(output, content, path);
  if (output.form == Form::floating) return floating(output, content, path);
  if (output.form == Form::quoted) out_.put('"');
  if (!scalars_.lone_scalar(*output.field, content)) [[unlikely]] {
    return fail(path, bad_reply(output.field->kind == contract::Kind::string ? "a string is not valid UTF-8"
                                                                             : "the service's reply is malformed"));
  }
  if (output.form == Form::quoted) out_.put('"');
  return Wrote::value;
}

// Result coercion of Float: not a number and the infinities cannot be shown.
ResponseWriter::Wrote ResponseWriter::floating(const Output& output, std::string_view content, const Path& path) {
  const std::size_t start = out_.size();
  if (!scalars_.lone_scalar(*output.field, content)) return malformed(path);
  if (*out_.at(start) != '"') return Wrote::value;
  const std::string_view quoted(out_.at(start), out_.size() - start);
  return fail(path, "Float cannot represent non numeric value: " + std::string(quoted.substr(1, quoted.size() - 2)));
}

ResponseWriter::Wrote ResponseWriter::enumeration(const Output& output, std::string_view content, const Path& path) {
  std::uint64_t bits = 0;
  if (contract::read_varint(content.data(), content.data() + content.size(), bits) == nullptr) return malformed(path);
  const auto number = static_cast<std::int32_t>(bits);
  if (output.type->null_number == number) return Wrote::null;
  const ql::EnumValue* const known = output.type->value_of(number);
  if (known == nullptr) {
    return fail(path,
                "Enum \"" + std::string(output.type->name) + "\" cannot represent value: " + std::to_string(number));
  }
  char* to = out_.need(known->name.size() + 2);
  *to++ = '"';
  to = std::ranges::copy(known->name, to).out;
  *to++ = '"';
  out_.advance(to);
  return Wrote::value;
}

ResponseWriter::Wrote ResponseWriter::json(const contract::MessageTable* table, std::string_view content,
                                           const Path& path) {
  if (table == nullptr) return Wrote::null;  // google.protobuf.NullValue
  const std::size_t start = out_.size();
  using Way = contract::WireToJson::Way;
  if (contract::WireToJson(out_, json_, Way::straight).message(*table, {&content, 1}, json_depth)) return Wrote::value;
  out_.cut(start);
  contract::WireToJson merging(out_, json_, Way::merging);
  if (merging.message(*table, {&content, 1}, json_depth)) return Wrote::value;
  return fail(path, bad_reply(merging.error().message()));
}

ResponseWriter::Wrote ResponseWriter::one_of(const Output& output, const Slot& slot, std::string_view content,
                                             const Path& path) {
  const std::size_t member = slot.member - 1U;
  const UnionPlan& plan = plan_.unions[output.extra];
  const ql::UnionMember& kind = plan.type->members[member];
  std::string_view from = kind.boxed ? content : slot.content();
  if (!kind.boxed && slot.count > 1) from = context_.results.kept.emplace_back(joined(*kind.field, content));
  return object(plan_.objects[plan.objects[member]], from, &path) ? Wrote::value : Wrote::failed;
}

// ---- root fields

ResponseWriter::Wrote ResponseWriter::root(const Output& output, const Path& path) {
  const RootResult& result = context_.results.roots[output.extra];
  if (result.error) return fail(path, *result.error);
  if (result.fault) {
    ql::GraphqlError& error = errors_.emplace_back(*result.fault);
    error.path = response_path(path);
    return Wrote::failed;
  }
  const RootPlan& root = plan_.roots[output.extra];
  const std::string_view reply = result.reply.view();
  if (!root.has_shell) {
    if (!output.type->is_composite()) return json(output.message, reply, path);
    return object(plan_.objects[output.object], reply, &path) ? Wrote::value : Wrote::failed;
  }
  const ObjectPlan& shell = plan_.objects[root.shell];
  Slot slot;
  if (!scan(shell, reply, {&slot, 1})) return malformed(path);
  const Output& inner = shell.outputs[0];
  if (slot.count > 1 && !inner.list && inner.on_wire->message != nullptr) {
    return item(inner, context_.results.kept.emplace_back(joined(*inner.on_wire, reply)), path);
  }
  if (slot.count == 0) return absent(inner, path);
  return inner.list ? list(inner, slot, path) : item(inner, slot.content(), path);
}

// ---- joins

ResponseWriter::Wrote ResponseWriter::join(const Output& output, const Slot& slot, const Path& path) {
  const bool many = output.definition->link->loader->many;
  if (slot.count == 0) {
    if (!output.list) return Wrote::null;
    out_.put("[]");
    return Wrote::value;
  }
  if (output.field->repeated) return joined_keys(output, slot, path);
  JoinKey key;
  const Batch& batch = context_.results.batches[plan_.joins[output.extra].batch];
  const std::uint32_t at = key.read(*output.field, slot.content()) ? batch.find(key.view()) : Batch::none;
  if (at != Batch::none && batch.error(at) != nullptr) return fail(path, *batch.error(at));
  if (many) return joined_items(output, at, path);
  return at == Batch::none ? Wrote::null : joined_item(output, at, path);
}

ResponseWriter::Wrote ResponseWriter::joined_item(const Output& output, std::uint32_t key, const Path& path) {
  const Batch& batch = context_.results.batches[plan_.joins[output.extra].batch];
  const std::uint32_t item = batch.first_item(key);
  if (item == Batch::none) return Wrote::null;
  return object(plan_.objects[output.object], batch.item(item).content, &path) ? Wrote::value : Wrote::failed;
}

// All items of one key.
ResponseWriter::Wrote ResponseWriter::joined_items(const Output& output, std::uint32_t key, const Path& path) {
  const Batch& batch = context_.results.batches[plan_.joins[output.extra].batch];
  const std::size_t start = out_.size();
  std::uint32_t index = 0;
  for (std::uint32_t at = key == Batch::none ? Batch::none : batch.first_item(key); at != Batch::none;
       at = batch.item(at).next, ++index) {
    const std::string_view content = batch.item(at).content;
    if (!list_item(output, index, path, [&](const Path& here) {
          return object(plan_.objects[output.object], content, &here) ? Wrote::value : Wrote::failed;
        })) {
      return Wrote::failed;
    }
  }
  if (out_.size() == start) out_.put('[');
  *out_.at(start) = '[';
  out_.put(']');
  return Wrote::value;
}

// An item, or null, for each of several keys.
ResponseWriter::Wrote ResponseWriter::joined_keys(const Output& output, const Slot& slot, const Path& path) {
  const std::size_t start = out_.size();
  ItemReader keys(*output.field, slot);
  std::string_view key;
  for (std::uint32_t index = 0; keys.next(key); ++index) {
    if (!list_item(output, index, path, [&](const Path& here) { return joined_key(output, key, here); })) {
      return Wrote::failed;
    }
  }
  if (keys.malformed()) return malformed(path);
  if (out_.size() == start) out_.put('[');
  *out_.at(start) = '[';
  out_.put(']');
  return Wrote::value;
}

ResponseWriter::Wrote ResponseWriter::joined_key(const Output& output, std::string_view value, const Path& path) {
  const Batch& batch = context_.results.batches[plan_.joins[output.extra].batch];
  JoinKey key;
  const std::uint32_t at = key.read(*output.field, value) ? batch.find(key.view()) : Batch::none;
  if (at == Batch::none) return Wrote::null;
  if (batch.error(at) != nullptr) return fail(path, *batch.error(at));
  return joined_item(output, at, path);
}

// ---- errors

ql::ResponsePath ResponseWriter::response_path(const Path& path) const {
  ql::ResponsePath out;
  for (const Path* at = &path; at != nullptr; at = at->parent) {
    if (at->output != nullptr) {
      out.emplace_back(std::string(at->output->response_name()));
    } else {
      out.emplace_back(at->index);
    }
  }
  std::ranges::reverse(out);
  return out;
}

ResponseWriter::Wrote ResponseWriter::fail(const Path& path, std::string message, std::string extensions) {
  if (errors_.size() >= most_errors) return Wrote::failed;
  const Path* field = &path;
  while (field->output == nullptr) field = field->parent;
  ql::GraphqlError& error = errors_.emplace_back();
  error.message = std::move(message);
  for (const ql::Selection* node : field->output->nodes) error.locations.push_back(plan_.document->location(node->at));
  error.path = response_path(path);
  error.extensions = std::move(extensions);
  return Wrote::failed;
}

ResponseWriter::Wrote ResponseWriter::fail(const Path& path, const Error& error) {
  ql::GraphqlError shown = graphql_error(error, &context_.schema.contract());
  return fail(path, std::move(shown.message), std::move(shown.extensions));
}

ResponseWriter::Wrote ResponseWriter::malformed(const Path& path) {
  return fail(path, bad_reply("the service's reply is malformed"));
}

// Always false: the error is said, and goes on to what is around it.
bool ResponseWriter::null_where_none_may_be(const Output& output, const Path& path) {
  const ql::Field& field = *output.definition;
  fail(path, "Cannot return null for non-nullable field " +
                 (field.owner == nullptr ? std::string() : std::string(field.owner->name) + ".") +
                 std::string(field.name) + ".");
  return false;
}

}  // namespace parley::edge::graphql
