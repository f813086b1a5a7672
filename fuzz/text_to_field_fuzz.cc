// The first line is a path, the rest the text of a variable. Whatever is accepted is a well-formed fragment that JSON
// can show.
#include <cstdlib>

#include "codec_input.h"
#include "contract/transcode.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace parley::contract;
  const CodecInput input = codec_input(data, size);
  const std::size_t line = input.text.find('\n');
  const std::string_view path = input.text.substr(0, line);
  const std::string_view text = line == std::string_view::npos ? std::string_view() : input.text.substr(line + 1);

  std::string wire;
  if (text_to_field(input.table, path, text, wire)) {
    if (!validate_wire(input.table, wire)) std::abort();
  } else if (!wire.empty()) {
    std::abort();
  }
  std::string field;
  std::string json;
  if (json_to_field(input.table, path, text, field, input.options) &&
      !field_to_json(input.table, path, field, json, input.options)) {
    std::abort();
  }
  return 0;
}
