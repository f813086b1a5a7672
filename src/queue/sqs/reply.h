// Answers of SQS, out of their JSON ("AWS JSON protocol", version 1.0).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace parley::queue::sqs {

struct Attribute {
  std::string name;
  std::string type;   // "String", "Number", "Binary", perhaps with a dot and more
  std::string value;  // of Binary: the bytes
};

// A message as ReceiveMessage gives it.
struct Received {
  std::string message_id;
  std::string receipt;
  std::string body;
  std::map<std::string, std::string> system = {};  // "SentTimestamp", "ApproximateReceiveCount", "MessageGroupId", …
  std::vector<Attribute> attributes = {};
};

// One entry's part of a batch's answer.
struct BatchEntry {
  std::size_t index = 0;   // the entry's Id
  std::string message_id;  // of SendMessageBatch
  std::string code;        // "" where it worked
  std::string message;
  bool sender_fault = false;
};

// What an error's body says; both may be "".
struct FaultText {
  std::string code;
  std::string message;
};

// Errors: internal, "SQS: an answer that is not understood".
Result<std::vector<Received>> read_messages(std::string_view json);
Result<std::vector<BatchEntry>> read_batch(std::string_view json);
// The member `name` of the answer: a text, an object of texts, a list of texts; empty where it is left out.
Result<std::string> read_text(std::string_view json, std::string_view name);
Result<std::map<std::string, std::string>> read_texts(std::string_view json, std::string_view name);
Result<std::vector<std::string>> read_list(std::string_view json, std::string_view name);
FaultText read_fault(std::string_view json);

}  // namespace parley::queue::sqs
