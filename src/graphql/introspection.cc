#include "graphql/introspection.h"

#include "base/text.h"

namespace parley::graphql {
namespace {

constexpr std::string_view kinds[] = {"SCALAR", "OBJECT", "UNION", "ENUM", "INPUT_OBJECT"};

class Writer {
 public:
  explicit Writer(const Schema& schema) : schema_(schema) {}

  std::string write() && {
    out_ += "{\"__schema\":{\"description\":null,\"queryType\":";
    root(&schema_.query());
    out_ += ",\"mutationType\":";
    root(schema_.mutation());
    out_ += ",\"subscriptionType\":";
    root(schema_.subscription());
    out_ += ",\"types\":";
    list(schema_.types(), [this](const NamedType* each) { type(*each); });
    out_ += ",\"directives\":";
    list(schema_.directives(), [this](const DirectiveDefinition& each) { directive(each); });
    out_ += "}}";
    return std::move(out_);
  }

 private:
  template <class T, class Write>
  void list(std::span<T> items, Write write_item) {
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      write_item(items[i]);
    }
    out_ += ']';
  }

  void text(std::string_view key, std::string_view value) {
    out_ += key;
    out_ += value.empty() ? "null" : json_quoted(value);
  }

  void root(const NamedType* type) {
    if (type == nullptr) {
      out_ += "null";
      return;
    }
    text("{\"name\":", type->name);
    out_ += ",\"kind\":\"OBJECT\"}";
  }

  void named(const NamedType& type) {
    out_ += "\"kind\":\"";
    out_ += kinds[static_cast<std::size_t>(type.kind)];
    text("\",\"name\":", type.name);
  }

  void reference(Type type) {
    out_ += '{';
    if (type.wrapping.empty()) {
      named(*type.named);
      out_ += ",\"ofType\":null}";
      return;
    }
    out_ += type.non_null() ? R"("kind":"NON_NULL","name":null,"ofType":)" : R"("kind":"LIST","name":null,"ofType":)";
    reference(type.item());
    out_ += '}';
  }

  void deprecation(const std::optional<std::string_view>& reason) {
    out_ += reason ? ",\"isDeprecated\":true" : ",\"isDeprecated\":false";
    text(",\"deprecationReason\":", reason.value_or(""));
  }

  void input(const InputValue& value) {
    text("{\"name\":", value.name);
    text(",\"description\":", value.description);
    out_ += ",\"type\":";
    reference(value.type);
    text(",\"defaultValue\":", value.default_text);
    deprecation(value.deprecation);
    out_ += '}';
  }

  void field(const Field& field) {
    text("{\"name\":", field.name);
    text(",\"description\":", field.description);
    out_ += ",\"args\":";
    list(field.arguments, [this](const InputValue& each) { input(each); });
    out_ += ",\"type\":";
    reference(field.type);
    deprecation(field.deprecation);
    out_ += '}';
  }

  void value(const EnumValue& value) {
    text("{\"name\":", value.name);
    text(",\"description\":", value.description);
    deprecation(value.deprecation);
    out_ += '}';
  }

  void type(const NamedType& type) {
    out_ += '{';
    named(type);
    text(",\"description\":", type.description);
    text(",\"specifiedByURL\":", type.specified_by);
    const bool input_object = type.kind == TypeKind::input_object;
    out_ += ",\"isOneOf\":";
    out_ += !input_object ? "null" : type.one_of ? "true" : "false";
    out_ += ",\"fields\":";
    part(type.kind == TypeKind::object, type.fields, [this](const Field& each) { field(each); });
    out_ += ",\"inputFields\":";
    part(input_object, type.inputs, [this](const InputValue& each) { input(each); });
    out_ += type.kind == TypeKind::object ? ",\"interfaces\":[]" : ",\"interfaces\":null";
    out_ += ",\"enumValues\":";
    part(type.kind == TypeKind::enumeration, type.values, [this](const EnumValue& each) { value(each); });
    out_ += ",\"possibleTypes\":";
    part(type.kind == TypeKind::union_type, type.members,
         [this](const UnionMember& each) { reference({each.type, {}}); });
    out_ += '}';
  }

  template <class T, class Write>
  void part(bool there, std::span<T> items, Write write_item) {
    if (there) {
      list(items, write_item);
    } else {
      out_ += "null";
    }
  }

  void directive(const DirectiveDefinition& directive) {
    text("{\"name\":", directive.name);
    text(",\"description\":", directive.description);
    out_ += directive.repeatable ? ",\"isRepeatable\":true" : ",\"isRepeatable\":false";
    out_ += ",\"locations\":";
    list(directive.locations, [this](DirectiveLocation each) {
      out_ += '"';
      out_ += name(each);
      out_ += '"';
    });
    out_ += ",\"args\":";
    list(directive.arguments, [this](const InputValue& each) { input(each); });
    out_ += '}';
  }

  const Schema& schema_;
  std::string out_;
};

}  // namespace

std::string introspection_json(const Schema& schema) { return Writer(schema).write(); }

}  // namespace parley::graphql
