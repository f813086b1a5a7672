#include "contract/joins.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/nearest.h"
#include "contract/http_binding.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;
using Found = std::expected<const pb::FieldDescriptor*, JoinProblem>;

// What a key can be: a text or a whole number. Keys are compared as they are.
enum class KeyKind { none, text, bytes, number };

KeyKind key_kind(const pb::FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT32:
    case pb::FieldDescriptor::CPPTYPE_INT64:
    case pb::FieldDescriptor::CPPTYPE_UINT32:
    case pb::FieldDescriptor::CPPTYPE_UINT64: return KeyKind::number;
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return field.type() == pb::FieldDescriptor::TYPE_BYTES ? KeyKind::bytes : KeyKind::text;
    default: return KeyKind::none;
  }
}

std::vector<const pb::FieldDescriptor*> fields_where(const pb::Descriptor& message,
                                                     const std::function<bool(const pb::FieldDescriptor&)>& is) {
  std::vector<const pb::FieldDescriptor*> out;
  for (int i = 0; i < message.field_count(); ++i) {
    if (is(*message.field(i))) out.push_back(message.field(i));
  }
  return out;
}

std::string list_of(const std::vector<const pb::FieldDescriptor*>& fields) {
  std::string out;
  for (const auto* field : fields) out += (out.empty() ? "`" : ", `") + field->name() + "`";
  return out;
}

// The field that the option names as `what`.
Found named(const pb::Descriptor& message, const std::string& what, const std::string& name) {
  if (const auto* field = message.FindFieldByName(name)) return field;
  return std::unexpected(JoinProblem{"`" + what + ": \"" + name + "\"` names no field of " + message.full_name(),
                                     did_you_mean(name, field_names(message), "it has no such field")});
}

bool is_key(const pb::FieldDescriptor& field) { return key_kind(field) != KeyKind::none && !field.is_map(); }
bool is_items(const pb::FieldDescriptor& field) {
  if (field.is_map()) return field.message_type()->field(1)->message_type() != nullptr;
  return field.is_repeated() && field.message_type() != nullptr;
}

Found find_keys(const pb::Descriptor& request, const std::string& given) {
  if (!given.empty()) {
    const Found found = named(request, "keys", given);
    if (found && !is_key(**found))
      return std::unexpected(JoinProblem{"`keys: \"" + given + "\"` is no list of texts or whole numbers",
                                         "name a field that is, or one such value"});
    return found;
  }
  auto candidates = fields_where(request, [](const auto& f) { return f.is_repeated() && is_key(f); });
  if (candidates.empty()) candidates = fields_where(request, is_key);
  if (candidates.size() == 1) return candidates.front();
  const std::string& name = request.full_name();
  if (candidates.empty())
    return std::unexpected(JoinProblem{"no field of " + name + " can take keys",
                                       "give the request a `repeated string` or a list of whole numbers"});
  return std::unexpected(
      JoinProblem{"several fields of " + name + " can take keys: " + list_of(candidates),
                  "say which: `option (parley.loader) = {keys: \"" + candidates[0]->name() + "\"};`"});
}

Found find_items(const pb::Descriptor& response, const std::string& given) {
  if (!given.empty()) {
    const Found found = named(response, "items", given);
    if (found && !is_items(**found))
      return std::unexpected(JoinProblem{"`items: \"" + given + "\"` is no list of messages",
                                         "name a list of messages, or a map to messages"});
    return found;
  }
  const auto candidates = fields_where(response, is_items);
  if (candidates.size() == 1) return candidates.front();
  const std::string& name = response.full_name();
  if (candidates.empty())
    return std::unexpected(JoinProblem{name + " holds no list of messages", "return the items as a `repeated` field"});
  return std::unexpected(
      JoinProblem{"several fields of " + name + " can be what was found: " + list_of(candidates),
                  "say which: `option (parley.loader) = {items: \"" + candidates[0]->name() + "\"};`"});
}

// `names` takes `name`, `order_ids` takes `order_id` and `id`.
bool is_singular_of(const std::string& name, const std::string& keys) {
  return keys == name || keys == name + "s" || keys.ends_with("_" + name + "s");
}

Found find_match(const pb::Descriptor& item, const pb::FieldDescriptor& keys, const std::string& given,
                 const OptionReader& reader) {
  const auto fits = [&](const pb::FieldDescriptor& f) { return !f.is_repeated() && key_kind(f) == key_kind(keys); };
  if (!given.empty()) {
    const Found found = named(item, "match", given);
    if (found && !fits(**found))
      return std::unexpected(JoinProblem{"`match: \"" + given + "\"` is not of the type of `" + keys.name() + "`",
                                         "name the field of an item that holds its key"});
    return found;
  }
  const auto all = fields_where(item, fits);
  std::vector<const pb::FieldDescriptor*> best = fields_where(
      item, [&](const pb::FieldDescriptor& f) { return fits(f) && is_singular_of(f.name(), keys.name()); });
  if (best.size() != 1) {
    best = fields_where(item, [&](const pb::FieldDescriptor& f) {
      const auto behaviors = reader.numbers(f.options(), "google.api.field_behavior");
      return fits(f) && std::ranges::count(behaviors, static_cast<int>(FieldBehavior::identifier)) > 0;
    });
  }
  if (best.size() != 1) best = all;
  if (best.size() == 1) return best.front();
  if (all.empty())
    return std::unexpected(
        JoinProblem{"no field of " + item.full_name() + " holds a key like those of `" + keys.name() + "`",
                    "give the item the key it is found by, or return a map by key"});
  return std::unexpected(
      JoinProblem{"several fields of " + item.full_name() + " can be the key it is found by: " + list_of(all),
                  "say which: `option (parley.loader) = {match: \"" + all[0]->name() + "\"};`"});
}

// A join fills in the keys and nothing else.
std::optional<JoinProblem> check_rest(const pb::Descriptor& request, const pb::FieldDescriptor& keys,
                                      const OptionReader& reader) {
  for (int i = 0; i < request.field_count(); ++i) {
    const pb::FieldDescriptor& field = *request.field(i);
    const auto behaviors = reader.numbers(field.options(), "google.api.field_behavior");
    if (&field == &keys || std::ranges::count(behaviors, static_cast<int>(FieldBehavior::required)) == 0) continue;
    return JoinProblem{"`" + field.name() + "` of " + request.full_name() + " is REQUIRED, and a join fills in `" +
                           keys.name() + "` only",
                       "use an rpc that needs the keys alone"};
  }
  return std::nullopt;
}

}  // namespace

const pb::Descriptor* LoaderFields::item(const pb::MethodDescriptor& method) const {
  if (items == nullptr) return method.output_type();
  return items->is_map() ? items->message_type()->field(1)->message_type() : items->message_type();
}

std::expected<LoaderFields, JoinProblem> loader_fields(const pb::MethodDescriptor& method,
                                                       const std::optional<OptionMessage>& option,
                                                       const OptionReader& reader) {
  const auto text = [&](std::string_view field) { return option ? option->text(field) : std::string(); };
  LoaderFields out;
  if (option && option->number("max") < 0)
    return std::unexpected(JoinProblem{"`max` is less than none", "leave it out where there is no limit"});
  out.many = option && option->number("many") != 0;
  out.max = option ? static_cast<std::uint32_t>(option->number("max")) : 0;
  const Found keys = find_keys(*method.input_type(), text("keys"));
  if (!keys) return std::unexpected(keys.error());
  out.keys = *keys;
  if (auto problem = check_rest(*method.input_type(), *out.keys, reader)) return std::unexpected(*problem);
  if (!out.keys->is_repeated() && !out.many && text("items").empty()) return out;
  const Found items = find_items(*method.output_type(), text("items"));
  if (!items) return std::unexpected(items.error());
  out.items = *items;
  if (out.items->is_map()) return out;
  const Found match = find_match(*out.items->message_type(), *out.keys, text("match"), reader);
  if (!match) return std::unexpected(match.error());
  out.match = *match;
  return out;
}

std::optional<JoinProblem> check_join_key(const pb::FieldDescriptor& key, const LoaderFields& loader) {
  if (key.is_map() || key_kind(key) == KeyKind::none || key_kind(key) != key_kind(*loader.keys)) {
    return JoinProblem{"`" + key.name() + "` of " + key.containing_type()->full_name() + " is not of the type of `" +
                           loader.keys->name() + "` of " + loader.keys->containing_type()->full_name(),
                       "a key is a text or a whole number on both sides"};
  }
  if (key.is_repeated() && loader.many)
    return JoinProblem{"`" + key.name() + "` is a list, and each of its keys would have a list of its own",
                       "link from one key, or to an rpc without `many`"};
  return std::nullopt;
}

}  // namespace parley::contract
