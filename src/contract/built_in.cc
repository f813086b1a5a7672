// The files a contract may import without shipping them.
#include <algorithm>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/api.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/source_context.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include "contract/embedded.h"
#include "contract/source_set.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

// Named one by one, so that a static libprotobuf links them all.
std::vector<const pb::FileDescriptor*> linked_in_files() {
  return {pb::Any::descriptor()->file(),
          pb::Api::descriptor()->file(),
          pb::FileDescriptorProto::descriptor()->file(),
          pb::Duration::descriptor()->file(),
          pb::Empty::descriptor()->file(),
          pb::FieldMask::descriptor()->file(),
          pb::SourceContext::descriptor()->file(),
          pb::Struct::descriptor()->file(),
          pb::Timestamp::descriptor()->file(),
          pb::Type::descriptor()->file(),
          pb::StringValue::descriptor()->file()};
}

}  // namespace

std::string_view built_in_text(std::string_view name) {
  const auto at = std::ranges::find(embedded_contracts, name, &EmbeddedFile::name);
  return at == embedded_contracts.end() ? std::string_view() : at->text;
}

std::optional<pb::FileDescriptorProto> linked_in(std::string_view name) {
  for (const pb::FileDescriptor* file : linked_in_files()) {
    if (file->name() != name) continue;
    pb::FileDescriptorProto proto;
    file->CopyTo(&proto);
    file->CopyJsonNameTo(&proto);
    return proto;
  }
  return std::nullopt;
}

std::vector<std::string> built_in_names() {
  std::vector<std::string> names;
  for (const EmbeddedFile& f : embedded_contracts) names.emplace_back(f.name);
  for (const pb::FileDescriptor* file : linked_in_files()) names.push_back(file->name());
  return names;
}

}  // namespace parley::contract
