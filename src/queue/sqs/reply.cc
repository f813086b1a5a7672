#include "queue/sqs/reply.h"

#include <charconv>

#include <simdjson.h>

#include "base/base64.h"

namespace parley::queue::sqs {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// A parser keeps its buffers. What it gives is read before anything else is parsed.
simdjson::dom::parser& parser() {
  thread_local simdjson::dom::parser one;
  return one;
}

std::unexpected<Error> not_understood(std::string_view what) {
  return fail(Error(Code::internal, Blame::upstream, "SQS: an answer that is not understood: " + std::string(what))
                  .with_reason("sqs_answer"));
}

Result<object> parse(std::string_view json) {
  // Actions that answer nothing send an empty body, or an empty object.
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) json = "{}";
  object root;
  if (const auto error = parser().parse(json.data(), json.size()).get(root); error != simdjson::SUCCESS)
    return not_understood(simdjson::error_message(error));
  return root;
}

std::string text_of(const object& in, std::string_view name) {
  std::string_view value;
  return in[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::map<std::string, std::string> texts_of(const object& in, std::string_view name) {
  std::map<std::string, std::string> out;
  object texts;
  if (in[name].get(texts) != simdjson::SUCCESS) return out;
  for (const auto field : texts) {
    std::string_view value;
    if (field.value.get(value) == simdjson::SUCCESS) out.emplace(field.key, value);
  }
  return out;
}

std::vector<Attribute> attributes_of(const object& in) {
  std::vector<Attribute> out;
  object attributes;
  if (in["MessageAttributes"].get(attributes) != simdjson::SUCCESS) return out;
  for (const auto field : attributes) {
    object value;
    if (field.value.get(value) != simdjson::SUCCESS) continue;
    Attribute one{.name = std::string(field.key), .type = text_of(value, "DataType"), .value = {}};
    one.value = text_of(value, "StringValue");
    if (one.type.starts_with("Binary")) {
      one.value.clear();
      if (!base64_decode(text_of(value, "BinaryValue"), one.value)) one.value.clear();
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::size_t number_of(std::string_view text) {
  std::size_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

Result<std::vector<Received>> read_messages(std::string_view json) {
  const Result<object> root = parse(json);
  if (!root) return fail(root.error());
  std::vector<Received> out;
  simdjson::dom::array messages;
  if ((*root)["Messages"].get(messages) != simdjson::SUCCESS) return out;
  for (const element each : messages) {
    object message;
    if (each.get(message) != simdjson::SUCCESS) return not_understood("Messages");
    out.push_back({.message_id = text_of(message, "MessageId"),
                   .receipt = text_of(message, "ReceiptHandle"),
                   .body = text_of(message, "Body"),
                   .system = texts_of(message, "Attributes"),
                   .attributes = attributes_of(message)});
    if (out.back().receipt.empty()) return not_understood("a message without ReceiptHandle");
  }
  return out;
}

Result<std::vector<BatchEntry>> read_batch(std::string_view json) {
  const Result<object> root = parse(json);
  if (!root) return fail(root.error());
  std::vector<BatchEntry> out;
  for (const std::string_view list : {"Successful", "Failed"}) {
    simdjson::dom::array entries;
    if ((*root)[list].get(entries) != simdjson::SUCCESS) continue;
    for (const element each : entries) {
      object entry;
      if (each.get(entry) != simdjson::SUCCESS) return not_understood(list);
      BatchEntry one{.index = number_of(text_of(entry, "Id")),
                     .message_id = text_of(entry, "MessageId"),
                     .code = text_of(entry, "Code"),
                     .message = text_of(entry, "Message")};
      if (list == "Failed" && one.code.empty()) one.code = "InternalError";
      if (entry["SenderFault"].get(one.sender_fault) != simdjson::SUCCESS) one.sender_fault = false;
      out.push_back(std::move(one));
    }
  }
  return out;
}

Result<std::string> read_text(std::string_view json, std::string_view name) {
  const Result<object> root = parse(json);
  if (!root) return fail(root.error());
  return text_of(*root, name);
}

Result<std::map<std::string, std::string>> read_texts(std::string_view json, std::string_view name) {
  const Result<object> root = parse(json);
  if (!root) return fail(root.error());
  return texts_of(*root, name);
}

Result<std::vector<std::string>> read_list(std::string_view json, std::string_view name) {
  const Result<object> root = parse(json);
  if (!root) return fail(root.error());
  std::vector<std::string> out;
  simdjson::dom::array list;
  if ((*root)[name].get(list) != simdjson::SUCCESS) return out;
  for (const element each : list) {
    std::string_view text;
    if (each.get(text) == simdjson::SUCCESS) out.emplace_back(text);
  }
  return out;
}

FaultText read_fault(std::string_view json) {
  const Result<object> root = parse(json);
  if (!root) return {};
  FaultText out{.code = text_of(*root, "__type"), .message = text_of(*root, "message")};
  if (out.message.empty()) out.message = text_of(*root, "Message");
  return out;
}

}  // namespace parley::queue::sqs
