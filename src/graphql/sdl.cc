// The schema as a GraphQL document, as graphql-js's printSchema writes it: types in their order, descriptions above
// what they describe, specified types and directives left out.
#include <algorithm>

#include "graphql/print.h"
#include "graphql/schema.h"

namespace parley::graphql {
namespace {

bool is_specified(const NamedType& type) {
  return type.kind == TypeKind::scalar &&
         (type.scalar == Scalar::int32 || type.scalar == Scalar::float64 || type.scalar == Scalar::string ||
          type.scalar == Scalar::boolean || type.scalar == Scalar::id);
}

class Printer {
 public:
  void type(const NamedType& type) {
    if (!out_.empty()) out_ += "\n\n";
    description(type.description, "", true);
    switch (type.kind) {
      case TypeKind::scalar: return scalar(type);
      case TypeKind::object: return object(type);
      case TypeKind::union_type: return union_type(type);
      case TypeKind::enumeration: return enumeration(type);
      case TypeKind::input_object: return input_object(type);
    }
  }
  std::string done() && { return std::move(out_); }

 private:
  void add(std::string_view text) { out_ += text; }

  void scalar(const NamedType& type) {
    add("scalar ");
    add(type.name);
    if (type.specified_by.empty()) return;
    add(" @specifiedBy(url: ");
    print_string(type.specified_by, out_);
    add(")");
  }

  void object(const NamedType& type) {
    add("type ");
    add(type.name);
    block(type.fields, [this](const Field& field) {
      add(field.name);
      arguments(field.arguments);
      add(": ");
      add(field.type.text());
      deprecation(field.deprecation);
    });
  }

  void union_type(const NamedType& type) {
    add("union ");
    add(type.name);
    for (std::size_t i = 0; i < type.members.size(); ++i) {
      add(i == 0 ? " = " : " | ");
      add(type.members[i].type->name);
    }
  }

  void enumeration(const NamedType& type) {
    add("enum ");
    add(type.name);
    block(type.values, [this](const EnumValue& value) {
      add(value.name);
      deprecation(value.deprecation);
    });
  }

  void input_object(const NamedType& type) {
    add("input ");
    add(type.name);
    if (type.one_of) add(" @oneOf");
    block(type.inputs, [this](const InputValue& value) { input(value); });
  }

  template <class T, class Print>
  void block(std::span<const T> items, Print print_item) {
    add(" {\n");
    bool first = true;
    for (const T& each : items) {
      if (!first) add("\n");
      description(each.description, "  ", first);
      add("  ");
      print_item(each);
      first = false;
    }
    add("\n}");
  }

  void arguments(std::span<const InputValue> all) {
    if (all.empty()) return;
    add("(");
    if (std::ranges::all_of(all, [](const InputValue& each) { return each.description.empty(); })) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i > 0) add(", ");
        input(all[i]);
      }
      return add(")");
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      add("\n");
      description(all[i].description, "    ", i == 0);
      add("    ");
      input(all[i]);
    }
    add("\n  )");
  }

  void input(const InputValue& value) {
    add(value.name);
    add(": ");
    add(value.type.text());
    if (!value.default_text.empty()) {
      add(" = ");
      add(value.default_text);
    }
    deprecation(value.deprecation);
  }

  void deprecation(const std::optional<std::string_view>& reason) {
    if (!reason) return;
    add(" @deprecated");
    if (*reason == "No longer supported") return;
    add("(reason: ");
    print_string(*reason, out_);
    add(")");
  }

  void description(std::string_view text, std::string_view indent, bool first) {
    if (text.empty()) return;
    std::string block;
    if (can_be_block_string(text)) {
      print_block_string(text, block);
    } else {
      print_string(text, block);
    }
    if (!first && !indent.empty()) add("\n");
    add(indent);
    for (const char c : block) {
      out_ += c;
      if (c == '\n') add(indent);
    }
    add("\n");
  }

  std::string out_;
};

}  // namespace

std::string Schema::sdl() const {
  Printer printer;
  for (const NamedType* type : types_) {
    if (!type->introspection && !is_specified(*type)) printer.type(*type);
  }
  return std::move(printer).done();
}

}  // namespace parley::graphql
