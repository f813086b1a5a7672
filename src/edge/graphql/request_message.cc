#include "edge/graphql/request_message.h"

#include <algorithm>
#include <array>
#include <optional>

#include "contract/number_text.h"
#include "contract/text_escape.h"
#include "contract/transcode.h"
#include "edge/graphql/errors.h"

namespace parley::edge::graphql {
namespace {

using Kind = InputView::Kind;

// ---- whether a value with variables in it is one of its type (graphql-js's valueFromAST); the rest was validated

bool is_valid(const ql::Type& type, const InputView& value);

bool is_valid_object(const ql::NamedType& type, const InputView& value) {
  bool valid = value.is(Kind::object);
  std::size_t given = 0;
  for (const ql::InputValue& input : type.inputs) {
    const InputView entry = value.find(input.name);
    if (entry.is(Kind::absent)) {
      valid = valid && !input.required();
      continue;
    }
    ++given;
    valid = valid && is_valid(input.type, entry) && !(type.one_of && entry.is(Kind::null));
  }
  std::size_t written = 0;
  if (type.one_of && valid) value.each_entry([&](std::string_view, const InputView&) { ++written; });
  return valid && (!type.one_of || (given == 1 && written == 1));
}

bool is_valid(const ql::Type& type, const InputView& value) {
  if (value.is_json()) return true;  // coerced with its variable
  if (value.is_nothing()) return !type.non_null();
  const ql::Type nullable = type.nullable();
  if (nullable.list()) {
    if (!value.is(Kind::list)) return is_valid(nullable.item(), value);
    bool valid = true;
    value.each_item([&](const InputView& item) { valid = valid && is_valid(nullable.item(), item); });
    return valid;
  }
  return type.named->kind != ql::TypeKind::input_object || is_valid_object(*type.named, value);
}

// ---- ProtoJSON

class JsonWriter {
 public:
  // What begins beyond `max_bytes` is left out: `is_too_large` then, and the text is no use.
  JsonWriter(std::string& out, std::size_t max_bytes) : out_(out), max_bytes_(max_bytes) {}
  bool is_too_large() const { return out_.size() > max_bytes_; }

  void open() { out_ += '{'; }
  void close() { out_ += '}'; }

  // `"name":value`, or nothing where the value says nothing.
  void member(const ql::InputValue& input, const InputView& given) {
    if (given.is(Kind::absent) || input.shape == ql::InputShape::placeholder) return;
    if (input.shape == ql::InputShape::one_of || input.shape == ql::InputShape::request) {
      if (!given.is(Kind::null)) members(*input.type.named, given);
      return;
    }
    const contract::FieldTable& field = *input.field;
    if (given.is(Kind::null) && !field.takes_null) return;
    key(field.json_name);
    value(input, input.type, given);
  }

  void members(const ql::NamedType& type, const InputView& given) {
    for (const ql::InputValue& input : type.inputs) member(input, given.find(input.name));
  }

 private:
  void separate() {
    if (out_.back() != '{' && out_.back() != '[') out_ += ',';
  }
  void key(std::string_view name) {
    separate();
    contract::append_json_string(out_, name);
    out_ += ':';
  }

  void value(const ql::InputValue& input, const ql::Type& type, const InputView& given) {
    if (is_too_large()) return;
    if (given.is_nothing()) {
      out_ += "null";
    } else if (type.nullable().list()) {
      input.shape == ql::InputShape::map ? map(input, given) : list(input, type.nullable().item(), given);
    } else if (type.named->kind == ql::TypeKind::enumeration) {
      const ql::EnumValue* known = type.named->value(given.text());
      out_ += known == nullptr ? "null" : std::to_string(known->number);
    } else if (type.named->kind == ql::TypeKind::input_object) {
      open();
      members(*type.named, given);
      close();
    } else {
      scalar(*type.named, given);
    }
  }

  void list(const ql::InputValue& input, const ql::Type& item_type, const InputView& given) {
    out_ += '[';
    const auto item = [&](const InputView& each) {
      separate();
      value(input, item_type, each);
    };
    given.is(Kind::list) ? given.each_item(item) : item(given);
    out_ += ']';
  }

  // A list of entries becomes an object by key.
  void map(const ql::InputValue& input, const InputView& given) {
    open();
    const auto entry = [&](const InputView& each) {
      const std::span<const ql::InputValue> fields = input.type.named->inputs;
      if (fields.size() < 2) return;
      separate();
      std::string text;
      JsonWriter(text, max_bytes_).value(fields[0], fields[0].type, each.find(fields[0].name));
      if (text.starts_with('"')) {
        out_ += text;
      } else {
        contract::append_json_string(out_, text);
      }
      out_ += ':';
      const InputView content = each.find(fields[1].name);
      value(fields[1], fields[1].type, content);
    };
    given.is(Kind::list) ? given.each_item(entry) : entry(given);
    close();
  }

  void scalar(const ql::NamedType& type, const InputView& given) {
    switch (type.scalar) {
      case ql::Scalar::json: return json(given);
      case ql::Scalar::id:
        if (given.is(Kind::number)) return contract::append_json_string(out_, given.text());
        break;
      default: break;
    }
    plain(given);
  }

  void plain(const InputView& given) {
    switch (given.kind()) {
      case Kind::boolean: out_ += given.flag() ? "true" : "false"; return;
      case Kind::number: out_ += given.text(); return;
      case Kind::text:
      case Kind::enum_name: contract::append_json_string(out_, given.text()); return;
      default: return json(given);
    }
  }

  // Any JSON; the names of a literal's enum values become strings.
  void json(const InputView& given) {
    if (is_too_large()) return;
    if (given.is_json()) {
      out_ += given.json().raw();
      return;
    }
    switch (given.kind()) {
      case Kind::absent:
      case Kind::null: out_ += "null"; return;
      case Kind::list:
        out_ += '[';
        given.each_item([&](const InputView& item) {
          separate();
          json(item);
        });
        out_ += ']';
        return;
      case Kind::object:
        open();
        given.each_entry([&](std::string_view name, const InputView& entry) {
          key(name);
          json(entry);
        });
        close();
        return;
      default: plain(given);
    }
  }

  std::string& out_;
  std::size_t max_bytes_;
};

ql::GraphqlError argument_error(const Plan& plan, std::uint32_t at, const ql::InputValue& input, std::string why) {
  ql::GraphqlError error =
      request_error("Argument \"" + std::string(input.name) + "\" " + std::move(why), "bad_argument");
  error.locations.push_back(plan.document->location(at));
  return error;
}

// Null: fine.
std::optional<ql::GraphqlError> fault(const Plan& plan, const RootPlan& root, const ql::InputValue& input,
                                      const Variables& variables) {
  const ql::Selection& node = *root.output->nodes[0];
  const ql::Argument* given = node.argument(input.name);
  const std::string of_type = "of required type \"" + input.type.text() + "\" ";
  if (given == nullptr) {
    if (!input.required()) return std::nullopt;
    return argument_error(plan, node.at, input, of_type + "was not provided.");
  }
  const InputView value(given->value, variables);
  if (value.is(Kind::absent)) {
    if (!input.required()) return std::nullopt;
    return argument_error(plan, given->value.at, input,
                          of_type + "was provided the variable \"$" + std::string(given->value.text) +
                              "\" which was not provided a runtime value.");
  }
  if (value.is(Kind::null) && input.type.non_null()) {
    return argument_error(plan, given->value.at, input,
                          "of non-null type \"" + input.type.text() + "\" must not be null.");
  }
  if (is_valid(input.type, value)) return std::nullopt;
  std::string shown;
  ql::print(given->value, shown);
  return argument_error(plan, given->value.at, input, "has invalid value " + shown + ".");
}

ql::GraphqlError too_large(const Plan& plan, const RootPlan& root, std::size_t max_bytes) {
  ql::GraphqlError error = graphql_error(Error(Code::resource_exhausted, Blame::caller,
                                               "The arguments of \"" + std::string(root.output->definition->name) +
                                                   "\" are larger than " + std::to_string(max_bytes) + " bytes.")
                                             .with_reason("message_too_large"),
                                         nullptr);
  error.locations.push_back(plan.document->location(root.output->nodes[0]->at));
  return error;
}

constexpr std::array<std::string_view, 6> page_arguments = {"pageSize", "first",      "last",
                                                            "limit",    "maxResults", "max_page_size"};

}  // namespace

std::expected<void, ql::GraphqlError> put_request(const Plan& plan, const RootPlan& root, const Variables& variables,
                                                  std::size_t max_bytes, std::string& wire) {
  const ql::Field& field = *root.output->definition;
  const ql::Selection& node = *root.output->nodes[0];
  std::string json;
  JsonWriter writer(json, max_bytes);
  bool has_mask = false;
  writer.open();
  for (const ql::InputValue& input : field.arguments) {
    if (auto wrong = fault(plan, root, input, variables)) return std::unexpected(*std::move(wrong));
    const ql::Argument* given = node.argument(input.name);
    if (given == nullptr) continue;
    const InputView value(given->value, variables);
    has_mask = has_mask || (input.field != nullptr && input.field == field.read_mask && !value.is_nothing());
    writer.member(input, value);
    if (writer.is_too_large()) return std::unexpected(too_large(plan, root, max_bytes));
  }
  writer.close();
  if (json.size() > 2) {
    if (auto done = contract::json_to_wire(*field.method->input, json, wire); !done) {
      // The place in the JSON that was made of the arguments says nothing to the caller.
      std::string message = done.error().message();
      message.resize(std::min(message.size(), message.rfind(" (line ")));
      ql::GraphqlError error = request_error(std::move(message), "bad_argument");
      error.locations.push_back(plan.document->location(node.at));
      return std::unexpected(std::move(error));
    }
  }
  if (!has_mask) wire += root.read_mask;
  return {};
}

std::uint64_t page_size(const RootPlan& root, const Variables& variables) {
  for (const ql::Argument& argument : root.output->nodes[0]->arguments) {
    if (std::ranges::find(page_arguments, argument.name.text) == page_arguments.end()) continue;
    const InputView value(argument.value, variables);
    contract::Integer size;
    if (value.is(Kind::number) && contract::get_integer(value.text(), size) == contract::NumberFault::none &&
        !size.negative && size.magnitude > 0) {
      return size.magnitude;
    }
  }
  return 0;
}

}  // namespace parley::edge::graphql
