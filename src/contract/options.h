// Options of a contract (google.api.http, parley.queue, …), read by name from whatever version of their definition the
// contract links, so that nothing is generated and descriptor sets bring their own. At loading only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

namespace parley::contract {

// One option's message, or a message in it. Names that its definition does not have read as empty.
class OptionMessage {
 public:
  explicit OptionMessage(const google::protobuf::Message& message) : message_(&message) {}

  bool has(std::string_view field) const;
  std::string text(std::string_view field) const;
  std::int64_t number(std::string_view field) const;
  std::vector<std::string> texts(std::string_view field) const;
  // Of a repeated enum.
  std::vector<std::int64_t> numbers(std::string_view field) const;
  std::optional<OptionMessage> child(std::string_view field) const;
  std::vector<OptionMessage> children(std::string_view field) const;

 private:
  const google::protobuf::FieldDescriptor* find(std::string_view field) const;
  const google::protobuf::Message* message_;
};

class OptionReader {
 public:
  // `pool` outlives the reader.
  explicit OptionReader(const google::protobuf::DescriptorPool& pool);
  ~OptionReader();

  // The option of that name ("google.api.http") in `options`, e.g. `method.options()`; nothing if it is not set.
  std::optional<OptionMessage> read(const google::protobuf::Message& options, std::string_view extension);
  bool has(const google::protobuf::Message& options, std::string_view extension) const;
  // The numbers of a repeated enum such as google.api.field_behavior.
  std::vector<int> numbers(const google::protobuf::Message& options, std::string_view extension) const;
  // 0: the contract does not know the option.
  int field_number(std::string_view extension) const;

 private:
  const google::protobuf::DescriptorPool& pool_;
  google::protobuf::DynamicMessageFactory factory_;
  std::vector<std::unique_ptr<google::protobuf::Message>> kept_;  // what OptionMessages point into
};

// google.api.FieldBehavior, where it matters here.
enum class FieldBehavior {
  optional = 1,
  required = 2,
  output_only = 3,
  input_only = 4,
  immutable = 5,
  unordered = 6,
  identifier = 8
};

}  // namespace parley::contract
