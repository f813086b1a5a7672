// JsonWriter: JSON objects as requests of SQS have them, appended to a string; commas by itself. Values that are not
// UTF-8 never get this far (envelope.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::queue::sqs {

class JsonWriter {
 public:
  JsonWriter& begin() { return open('{'); }
  JsonWriter& begin(std::string_view name) { return key(name).open('{'); }
  JsonWriter& end() { return close('}'); }
  JsonWriter& begin_list(std::string_view name) { return key(name).open('['); }
  JsonWriter& end_list() { return close(']'); }

  // Members.
  JsonWriter& text(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& number(std::string_view name, std::int64_t value) { return key(name).raw(std::to_string(value)); }
  // A list's element; what follows a key.
  JsonWriter& text(std::string_view value);
  // JSON that is written already.
  JsonWriter& raw(std::string_view json);
  JsonWriter& key(std::string_view name);

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
};

}  // namespace parley::queue::sqs
