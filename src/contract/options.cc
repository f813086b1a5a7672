#include "contract/options.h"

#include <google/protobuf/unknown_field_set.h>

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

const pb::FieldDescriptor* extension_of(const pb::DescriptorPool& pool, const pb::Message& options,
                                        std::string_view name) {
  const pb::FieldDescriptor* field = pool.FindExtensionByName(std::string(name));
  if (field == nullptr || field->containing_type()->full_name() != options.GetDescriptor()->full_name()) return nullptr;
  return field;
}

// The program has no generated code for these options, so they lie among the unknown fields.
const pb::UnknownFieldSet& unknown_fields(const pb::Message& options) {
  return options.GetReflection()->GetUnknownFields(options);
}

void read_packed(const std::string& bytes, std::vector<int>& out) {
  std::uint64_t value = 0;
  int shift = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    shift += 7;
    if ((byte & 0x80) != 0) continue;
    out.push_back(static_cast<int>(value));
    value = 0;
    shift = 0;
  }
}

}  // namespace

const pb::FieldDescriptor* OptionMessage::find(std::string_view field) const {
  return message_->GetDescriptor()->FindFieldByName(std::string(field));
}

bool OptionMessage::has(std::string_view field) const {
  const pb::FieldDescriptor* f = find(field);
  if (f == nullptr) return false;
  const pb::Reflection& reflection = *message_->GetReflection();
  return f->is_repeated() ? reflection.FieldSize(*message_, f) > 0 : reflection.HasField(*message_, f);
}

std::string OptionMessage::text(std::string_view field) const {
  const pb::FieldDescriptor* f = find(field);
  if (f == nullptr || f->is_repeated() || f->cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING) return "";
  return message_->GetReflection()->GetString(*message_, f);
}

std::int64_t OptionMessage::number(std::string_view field) const {
  const pb::FieldDescriptor* f = find(field);
  if (f == nullptr || f->is_repeated()) return 0;
  const pb::Reflection& reflection = *message_->GetReflection();
  switch (f->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT32: return reflection.GetInt32(*message_, f);
    case pb::FieldDescriptor::CPPTYPE_INT64: return reflection.GetInt64(*message_, f);
    case pb::FieldDescriptor::CPPTYPE_UINT32: return reflection.GetUInt32(*message_, f);
    case pb::FieldDescriptor::CPPTYPE_BOOL: return reflection.GetBool(*message_, f) ? 1 : 0;
    case pb::FieldDescriptor::CPPTYPE_ENUM: return reflection.GetEnumValue(*message_, f);
    default: return 0;
  }
}

std::vector<std::string> OptionMessage::texts(std::string_view field) const {
  std::vector<std::string> out;
  const pb::FieldDescriptor* f = find(field);
  if (f == nullptr || !f->is_repeated() || f->cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING) return out;
  const pb::Reflection& reflection = *message_->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*message_, f); ++i)
    out.push_back(reflection.GetRepeatedString(*message_, f, i));
  return out;
}

std::vector<std::int64_t> OptionMessage::numbers(std::string_view field) const {
  std::vector<std::int64_t> out;
  const pb::FieldDescriptor* f = find(field);
  if (f == nullptr || !f->is_repeated() || f->cpp_type() != pb::FieldDescriptor::CPPTYPE_ENUM) return out;
  const pb::Reflection& reflection = *message_->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*message_, f); ++i)
    out.push_back(reflection.GetRepeatedEnumValue(*message_, f, i));
  return out;
}

std::optional<OptionMessage> OptionMessage::child(std::string_view field) const {
  const pb::FieldDescriptor* f = find(field);
  if (f == nullptr || f->is_repeated() || f->message_type() == nullptr || !has(field)) return std::nullopt;
  return OptionMessage(message_->GetReflection()->GetMessage(*message_, f));
}

std::vector<OptionMessage> OptionMessage::children(std::string_view field) const {
  std::vector<OptionMessage> out;
  const pb::FieldDescriptor* f = find(field);
  if (f == nullptr || !f->is_repeated() || f->message_type() == nullptr) return out;
  const pb::Reflection& reflection = *message_->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*message_, f); ++i) {
    out.emplace_back(reflection.GetRepeatedMessage(*message_, f, i));
  }
  return out;
}

OptionReader::OptionReader(const pb::DescriptorPool& pool) : pool_(pool), factory_(&pool) {}
OptionReader::~OptionReader() { kept_.clear(); }

std::optional<OptionMessage> OptionReader::read(const pb::Message& options, std::string_view extension) {
  if (unknown_fields(options).empty()) return std::nullopt;
  const pb::FieldDescriptor* field = extension_of(pool_, options, extension);
  if (field == nullptr || field->message_type() == nullptr) return std::nullopt;
  std::string bytes;  // several records of one message merge, which is what parsing them in a row does
  bool found = false;
  const pb::UnknownFieldSet& unknown = unknown_fields(options);
  for (int i = 0; i < unknown.field_count(); ++i) {
    const pb::UnknownField& f = unknown.field(i);
    if (f.number() != field->number() || f.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    bytes += f.length_delimited();
    found = true;
  }
  if (!found) return std::nullopt;
  kept_.emplace_back(factory_.GetPrototype(field->message_type())->New());
  kept_.back()->ParsePartialFromString(bytes);
  return OptionMessage(*kept_.back());
}

bool OptionReader::has(const pb::Message& options, std::string_view extension) const {
  const pb::UnknownFieldSet& unknown = unknown_fields(options);
  if (unknown.empty()) return false;
  const pb::FieldDescriptor* field = extension_of(pool_, options, extension);
  if (field == nullptr) return false;
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).number() == field->number()) return true;
  }
  return false;
}

std::vector<int> OptionReader::numbers(const pb::Message& options, std::string_view extension) const {
  std::vector<int> out;
  const pb::UnknownFieldSet& unknown = unknown_fields(options);
  if (unknown.empty()) return out;
  const pb::FieldDescriptor* field = extension_of(pool_, options, extension);
  if (field == nullptr) return out;
  for (int i = 0; i < unknown.field_count(); ++i) {
    const pb::UnknownField& f = unknown.field(i);
    if (f.number() != field->number()) continue;
    if (f.type() == pb::UnknownField::TYPE_VARINT) out.push_back(static_cast<int>(f.varint()));
    if (f.type() == pb::UnknownField::TYPE_LENGTH_DELIMITED) read_packed(f.length_delimited(), out);
  }
  return out;
}

int OptionReader::field_number(std::string_view extension) const {
  const pb::FieldDescriptor* field = pool_.FindExtensionByName(std::string(extension));
  return field == nullptr ? 0 : field->number();
}

}  // namespace parley::contract
