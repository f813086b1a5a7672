#include "contract/event_service.h"

#include <map>
#include <set>
#include <stdexcept>

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "contract/comments.h"
#include "contract/source_set.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

constexpr const char* file_name = "parley/events.proto";
constexpr const char* timestamp_file = "google/protobuf/timestamp.proto";

constexpr const char* head = R"(syntax = "proto3";
package parley.events;
import "google/protobuf/timestamp.proto";
)";

constexpr const char* request = R"(
// Where to begin, and what to leave out. Nothing at all: with the next event.
message EventsRequest {
  // Behind this position: the last event that was seen. It goes before the others.
  string after = 1;

  // At the first event that was published at this time or later.
  google.protobuf.Timestamp time = 2;

  // At the oldest event that is kept.
  bool earliest = 3;

  // Only events of this key.
  string key = 4;
}
)";

constexpr const char* fields = R"(
  // Where it is in its topic: to go on behind it, give it as `after`.
  string position = 1;

  // Unique together with `source`.
  string id = 2;

  // Who published it.
  string source = 3;

  // When it was published.
  google.protobuf.Timestamp time = 4;

  // Events of equal keys keep their order.
  string key = 5;

  // What has happened.
)";

// "OrderPlaced" of "shop.OrderPlaced", "OrderPlaced" of "shop.Order.Placed".
std::string short_name(const pb::Descriptor& type) {
  std::string name = type.full_name();
  if (const std::string& package = type.file()->package(); !package.empty()) name = name.substr(package.size() + 1);
  std::erase(name, '.');
  return name;
}

// The whole name in one word: "ShopV1OrderPlaced".
std::string long_name(const pb::Descriptor& type) {
  std::string out;
  bool up = true;
  for (const char c : type.full_name()) {
    if (c == '.' || c == '_') {
      up = true;
      continue;
    }
    out += up ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    up = false;
  }
  return out;
}

std::string commented(const std::string& comment, const std::string& indent) {
  std::string out;
  std::size_t from = 0;
  while (from < comment.size()) {
    const std::size_t end = std::min(comment.find('\n', from), comment.size());
    out += indent + "// " + comment.substr(from, end - from) + "\n";
    from = end + 1;
  }
  return out;
}

}  // namespace

std::string event_service_text(const std::vector<EventType>& events, const pb::DescriptorPool& pool) {
  std::map<std::string, int> uses;
  std::set<std::string> files;
  for (const EventType& event : events) {
    const pb::Descriptor& type = *pool.FindMessageTypeByName(event.type);
    ++uses[short_name(type)];
    files.insert(type.file()->name());
  }
  files.erase(timestamp_file);
  std::string imports, messages, rpcs;
  for (const std::string& file : files) imports += "import \"" + file + "\";\n";
  for (const EventType& event : events) {
    const pb::Descriptor& type = *pool.FindMessageTypeByName(event.type);
    const std::string name = uses[short_name(type)] == 1 ? short_name(type) : long_name(type);
    messages += "\n// An event of the topic `" + event.topic + "`.\nmessage " + name + "Event {" + fields + "  ." +
                event.type + " event = 6;\n}\n";
    const std::string what = "Events `" + event.type + "` of the topic `" + event.topic + "`, as they come.";
    const std::string comment = comment_of(type);
    rpcs += commented(comment.empty() ? what : what + "\n\n" + comment, "  ") + "  rpc " + name +
            "(EventsRequest) returns (stream " + name + "Event) { option idempotency_level = NO_SIDE_EFFECTS; }\n";
  }
  return head + imports + request + messages + "\n// The events of the topics.\nservice Events {\n" + rpcs + "}\n";
}

const pb::ServiceDescriptor* build_event_service(const std::vector<EventType>& events, pb::DescriptorPool& pool) {
  if (events.empty()) return nullptr;
  if (pool.FindFileByName(timestamp_file) == nullptr) pool.BuildFile(*linked_in(timestamp_file));
  const std::string text = event_service_text(events, pool);
  pb::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  pb::io::Tokenizer tokenizer(&input, nullptr);
  pb::FileDescriptorProto proto;
  pb::compiler::Parser parser;
  if (!parser.Parse(&tokenizer, &proto)) throw std::logic_error("the events' service does not parse:\n" + text);
  proto.set_name(file_name);
  const pb::FileDescriptor* file = pool.BuildFile(proto);
  if (file == nullptr) throw std::logic_error("the events' service does not link:\n" + text);
  return file->service(0);
}

}  // namespace parley::contract
