#include "contract/lint.h"

namespace parley::contract {

namespace pb = google::protobuf;

// Numbers are those of descriptor.proto's fields.
std::vector<int> location_path(const pb::Descriptor& message) {
  if (message.containing_type() == nullptr) return {4, message.index()};
  std::vector<int> path = location_path(*message.containing_type());
  path.insert(path.end(), {3, message.index()});
  return path;
}

std::vector<int> location_path(const pb::FieldDescriptor& field) {
  const pb::Descriptor* scope = field.is_extension() ? field.extension_scope() : field.containing_type();
  if (scope == nullptr) return {7, field.index()};
  std::vector<int> path = location_path(*scope);
  path.insert(path.end(), {field.is_extension() ? 6 : 2, field.index()});
  return path;
}

std::vector<int> location_path(const pb::ServiceDescriptor& service) { return {6, service.index()}; }
std::vector<int> location_path(const pb::MethodDescriptor& method) {
  return {6, method.service()->index(), 2, method.index()};
}

std::vector<int> location_path(const pb::EnumDescriptor& enumeration) {
  if (enumeration.containing_type() == nullptr) return {5, enumeration.index()};
  std::vector<int> path = location_path(*enumeration.containing_type());
  path.insert(path.end(), {4, enumeration.index()});
  return path;
}

void Reporter::add_at(Diagnostic::Severity severity, const pb::FileDescriptor& file, const std::vector<int>& path,
                      std::string_view option, std::string message, std::string hint) {
  pb::SourceLocation where;
  // Numbers of the options field in Method-, Field-, Message- and ServiceDescriptorProto, told apart by the path's own
  // shape.
  const int number = option.empty() ? 0 : options_.field_number(option);
  bool found = false;
  for (const int options_field : {4, 8, 7, 3}) {
    if (number == 0 || found) break;
    std::vector<int> at = path;
    at.insert(at.end(), {options_field, number});
    found = file.GetSourceLocation(at, &where);
    if (!found) {  // a repeated option, or one set field by field: the first of it
      at.push_back(0);
      found = file.GetSourceLocation(at, &where);
    }
  }
  if (!found) found = file.GetSourceLocation(path, &where);
  const SourceFile* source = sources_.find(file.name());
  const int line = found ? where.start_line : -1;
  const int column = found ? where.start_column : 0;
  if (source != nullptr) {
    out_.push_back(source->diagnose(severity, line, column, std::move(message), std::move(hint)));
  } else {
    out_.push_back({severity, file.name(), line + 1, found ? column + 1 : 0, std::move(message), std::move(hint), ""});
  }
}

}  // namespace parley::contract
