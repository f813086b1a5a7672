#include "contract/lint_keys.h"

#include <charconv>

#include "base/nearest.h"
#include "contract/http_binding.h"
#include "contract/message_options.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

struct Unit {
  std::string_view name;
  double milliseconds;
};
constexpr Unit units[] = {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}};

// A key is compared as text, so a message is none, not even one whose JSON is a string.
bool is_key(const pb::FieldDescriptor& field) { return !field.is_repeated() && field.message_type() == nullptr; }

std::string hint_for_key(const pb::Descriptor& message, const std::string& path) {
  std::vector<std::string> scalars;
  for (int i = 0; i < message.field_count(); ++i) {
    if (is_key(*message.field(i))) scalars.push_back(message.field(i)->name());
  }
  std::string list;
  for (const std::string& s : scalars) list += (list.empty() ? "" : ", ") + s;
  const std::string otherwise =
      list.empty() ? message.full_name() + " has no scalar field" : "scalar fields are " + list;
  return did_you_mean(path, scalars, otherwise);
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (ec != std::errc() || value < 0 || text.starts_with('-')) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Unit& u : units) {
    if (unit == u.name && value * u.milliseconds < 9e15) return static_cast<std::int64_t>(value * u.milliseconds);
  }
  return std::nullopt;
}

template <class D>
void OptionCheck<D>::scalar_field(const pb::Descriptor& message, const std::string& what, const std::string& path) {
  if (path.empty()) return;
  const pb::FieldDescriptor* field = field_at(message, path);
  if (field == nullptr) {
    error("`" + what + ": \"" + path + "\"` names no field of " + message.full_name(), hint_for_key(message, path));
  } else if (!is_key(*field)) {
    const std::string kind = field->is_map() ? "a map" : field->is_repeated() ? "repeated" : "a message";
    error("`" + what + ": \"" + path + "\"` is " + kind + ", and it must be one scalar", hint_for_key(message, path));
  }
}

template <class D>
void OptionCheck<D>::duration(const std::string& what, const std::string& text) {
  if (text.empty() || parse_duration(text)) return;
  error("`" + what + ": \"" + text + "\"` is no span of time", "a number and ms, s, m, h or d, such as `30s`");
}

template <class D>
void OptionCheck<D>::duration_from(const std::string& what, const std::string& text, std::int64_t least) {
  duration(what, text);
  if (const auto ms = parse_duration(text); ms && *ms < least) {
    const std::string bound = least < 1000 ? std::to_string(least) + "ms" : std::to_string(least / 1000) + "s";
    error("`" + what + ": \"" + text + "\"` is too short", "at least `" + bound + "`");
  }
}

template <class D>
void OptionCheck<D>::not_negative(const std::string& what, std::int64_t number) {
  if (number < 0)
    error("`" + what + ": " + std::to_string(number) + "` is less than none", "leave it out for the default");
}

template <class D>
void OptionCheck<D>::retry(const std::optional<OptionMessage>& retry, bool keyed) {
  if (!retry) return;
  not_negative("retry.attempts", retry->number("attempts"));
  duration_from("retry.first", retry->text("first"), 1);
  duration_from("retry.max", retry->text("max"), 1);
  const auto or_default = [&](std::string_view field, Duration otherwise) {
    return parse_duration(retry->text(field)).value_or(otherwise / std::chrono::milliseconds(1));
  };
  const RetryOptions defaults;
  if (or_default("first", defaults.first) > or_default("max", defaults.max))
    error("`retry.first` is longer than `retry.max`", "first is where the time between attempts begins");
  for (const std::int64_t code : retry->numbers("fatal")) {
    if (code == 0) error("`retry.fatal: OK` is no failure", "name codes that a handler fails with");
  }
  if (retry->number("followers") == 1 && !keyed)
    error("`retry.followers: WAIT` needs a key", "followers are what has the same `key`");
}

template <class D>
void OptionCheck<D>::delivery(const OptionMessage& option, bool keyed) {
  retry(option.child("retry"), keyed);
  duration_from("lease", option.text("lease"), 1000);
  duration_from("timeout", option.text("timeout"), 1);
  not_negative("in_flight", option.number("in_flight"));
}

template class OptionCheck<pb::Descriptor>;
template class OptionCheck<pb::FieldDescriptor>;
template class OptionCheck<pb::MethodDescriptor>;
template class OptionCheck<pb::ServiceDescriptor>;

}  // namespace parley::contract
