// SchemaBuilder: from a contract to a Schema, once. Types are found by walking from the root fields; each is a Draft
// until all are known and names can be chosen. The parts: schema_roots.cc, schema_output.cc, schema_input.cc,
// schema_joins.cc, schema_meta.cc. Used by Schema::build alone.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "contract/joins.h"
#include "contract/options.h"
#include "graphql/schema.h"
#include "graphql/schema_names.h"

namespace parley::graphql {

class SchemaBuilder {
 public:
  SchemaBuilder(contract::ContractPtr contract, const SchemaOptions& options);
  BuiltSchema build();

 private:
  // What a type is made of. An input's and an object's descriptor is a message; a union's and a one_of's a oneof.
  enum class Role : std::uint8_t { object, input, enumeration, union_type, one_of, box };
  struct Draft {
    Role role;
    const void* descriptor;
    NamedType* type;
    Naming naming;
  };
  // What one value of a field is shown as.
  struct Shown {
    const NamedType* type = nullptr;
    bool wrapped = false;   // a google.protobuf wrapper around it
    bool nullable = false;  // the value can be null itself: google.protobuf.Value, X_UNSPECIFIED
    bool message = false;   // a message on the wire
  };
  using FieldNames = std::set<std::string, std::less<>>;

  // schema_builder.cc
  NamedType* draft(Role role, const void* descriptor, TypeKind kind, std::vector<std::string> names, std::string what);
  void fill(Draft& draft);
  void name_types();
  void order_types();
  void collect(const NamedType& type, std::vector<const NamedType*>& out, std::set<const NamedType*>& seen);
  const NamedType* scalar(Scalar which);
  Shown shown(const google::protobuf::FieldDescriptor& field, bool input);
  bool has_behavior(const google::protobuf::FieldDescriptor& field, contract::FieldBehavior behavior);
  const contract::MessageTable& table(const google::protobuf::Descriptor& message) const;
  const contract::FieldTable& table(const google::protobuf::FieldDescriptor& field) const;
  std::string_view field_name(const std::string& best, const std::string& second, FieldNames& taken,
                              const std::string& owner);
  std::string_view keep(std::string_view text) { return schema_->arena_.copy(text); }
  template <class D>
  std::string_view comment(const D& element);
  template <class D>
  void error_at(const D& element, std::string message, std::string hint);
  void error_at_draft(const Draft& draft, const std::string& message, const std::string& hint);
  void set_fields(NamedType& type, std::vector<Field>& fields);
  void set_arguments(Field& field, std::vector<InputValue>& arguments);

  // schema_output.cc
  const NamedType* object_of(const google::protobuf::Descriptor& message);
  const NamedType* enum_of(const google::protobuf::EnumDescriptor& enumeration);
  const NamedType* union_of(const google::protobuf::OneofDescriptor& oneof);
  const NamedType* box_of(const google::protobuf::FieldDescriptor& member);
  void fill_object(const google::protobuf::Descriptor& message, NamedType& type);
  void fill_enum(const google::protobuf::EnumDescriptor& enumeration, NamedType& type);
  void fill_union(const google::protobuf::OneofDescriptor& oneof, NamedType& type);
  void fill_box(const google::protobuf::FieldDescriptor& member, NamedType& type);
  Field output_field(const google::protobuf::FieldDescriptor& field);
  Type output_type(const google::protobuf::FieldDescriptor& field, const Shown& value);
  Field union_field(const google::protobuf::OneofDescriptor& oneof);
  Field placeholder();

  // schema_input.cc
  const NamedType* input_of(const google::protobuf::Descriptor& message, bool request);
  const NamedType* one_of_of(const google::protobuf::OneofDescriptor& oneof);
  void fill_input(const google::protobuf::Descriptor& message, NamedType& type);
  void fill_one_of(const google::protobuf::OneofDescriptor& oneof, NamedType& type);
  void set_inputs(NamedType& type, std::vector<InputValue>& inputs);
  // The fields of a message as a caller may give them: arguments of a query, fields of an input object.
  std::vector<InputValue> inputs_of(const google::protobuf::Descriptor& message);
  InputValue input_value(const google::protobuf::FieldDescriptor& field, bool can_require);
  void break_cycles();

  // schema_roots.cc
  void build_roots();
  bool is_shown(const contract::Method& method);
  NamedType* root(const char* name, const std::vector<const contract::Method*>& methods, const char* description);
  Field root_field(const contract::Method& method, std::string_view name);
  std::vector<InputValue> root_arguments(const contract::Method& method);
  const contract::FieldTable* read_mask(const contract::Method& method) const;

  // schema_joins.cc
  void find_joins();
  void add_joins(const google::protobuf::FieldDescriptor& key, std::vector<Field>& out, FieldNames& names);
  const Loader* loader_of(const contract::Method& method);
  void configured_link(const ConfiguredLink& link);
  const contract::Method* method_named(const std::string& rpc) const;

  // schema_meta.cc
  void build_meta();
  void build_directives();
  Type meta_type(std::string_view text);
  std::vector<InputValue> include_deprecated();
  NamedType* meta_enum(std::string_view name, std::span<const std::string_view> values, std::string_view description);

  struct Join {
    const contract::Method* method;
    std::string name;
  };

  std::shared_ptr<Schema> schema_;
  const contract::Contract& contract_;
  const SchemaOptions& options_;
  contract::OptionReader reader_;
  std::vector<contract::Diagnostic> diagnostics_;
  std::deque<Draft> drafts_;
  std::map<std::pair<Role, const void*>, NamedType*> by_descriptor_;
  std::map<Scalar, const NamedType*> scalars_;
  std::map<std::string, NamedType*, std::less<>> meta_types_;
  std::map<const google::protobuf::FieldDescriptor*, std::vector<Join>> joins_;
  std::map<const contract::Method*, const Loader*> loaders_;
  std::set<const contract::Method*> reverse_;  // shown as a join from the other side, and not as a root field
};

}  // namespace parley::graphql
