// For tests: tables compiled from a .proto text, and writing wire bytes by hand.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include "contract/message_table.h"
#include "contract/wire_format.h"

namespace parley::contract {

class CodecFixture {
 public:
  CodecFixture(std::initializer_list<std::string_view> proto_texts) {
    namespace pb = google::protobuf;
    for (const pb::Descriptor* known :
         {pb::Any::descriptor(), pb::Timestamp::descriptor(), pb::Duration::descriptor(), pb::Struct::descriptor(),
          pb::FieldMask::descriptor(), pb::Empty::descriptor(), pb::StringValue::descriptor()}) {
      pb::FileDescriptorProto file;
      known->file()->CopyTo(&file);
      add(file);
    }
    int count = 0;
    for (const std::string_view text : proto_texts) {
      pb::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
      pb::io::Tokenizer tokenizer(&input, nullptr);
      pb::FileDescriptorProto file;
      file.set_name("test" + std::to_string(count++) + ".proto");
      if (!pb::compiler::Parser().Parse(&tokenizer, &file)) throw std::invalid_argument("the test's proto is wrong");
      add(file);
    }
    tables_ = std::make_unique<TableSet>(pool_);
    for (const auto* file : files_) tables_->add_file(*file);
  }

  const MessageTable& operator[](std::string_view type) const {
    const MessageTable* table = tables_->find(type);
    if (table == nullptr) throw std::invalid_argument("no type " + std::string(type));
    return *table;
  }
  const TableSet& tables() const { return *tables_; }
  const google::protobuf::DescriptorPool& pool() const { return pool_; }

 private:
  void add(const google::protobuf::FileDescriptorProto& file) {
    const auto* built = pool_.BuildFile(file);
    if (built == nullptr) throw std::invalid_argument("the test's proto does not link: " + file.name());
    files_.push_back(built);
  }

  google::protobuf::DescriptorPool pool_;
  std::vector<const google::protobuf::FileDescriptor*> files_;
  std::unique_ptr<TableSet> tables_;
};

// Wire bytes, record by record: Wire().varint(1, 150).text(2, "hi").
class Wire {
 public:
  Wire& varint(std::uint32_t number, std::uint64_t value) { return tag(number, 0).raw(value); }
  Wire& fixed32(std::uint32_t number, std::uint32_t value) { return tag(number, 5).bytes(&value, sizeof(value)); }
  Wire& fixed64(std::uint32_t number, std::uint64_t value) { return tag(number, 1).bytes(&value, sizeof(value)); }
  Wire& text(std::uint32_t number, std::string_view content) {
    tag(number, 2).raw(content.size());
    return bytes(content.data(), content.size());
  }
  Wire& part(std::uint32_t number, const Wire& content) { return text(number, content.bytes_); }
  Wire& open_group(std::uint32_t number) { return tag(number, 3); }
  Wire& close_group(std::uint32_t number) { return tag(number, 4); }
  Wire& raw(std::uint64_t value) {
    char buffer[max_varint_size];
    bytes_.append(buffer, put_varint(buffer, value));
    return *this;
  }
  operator std::string() const { return bytes_; }  // NOLINT(google-explicit-constructor)

 private:
  Wire& tag(std::uint32_t number, std::uint32_t type) { return raw(number << 3U | type); }
  Wire& bytes(const void* from, std::size_t size) {
    bytes_.append(static_cast<const char*>(from), size);
    return *this;
  }
  std::string bytes_;
};

}  // namespace parley::contract
