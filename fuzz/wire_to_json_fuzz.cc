// Whatever wire bytes are accepted give JSON that is accepted, and from then on nothing changes any more.
#include <cstdlib>

#include "codec_input.h"
#include "contract/transcode.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace parley::contract;
  const CodecInput input = codec_input(data, size);
  const bool valid = validate_wire(input.table, input.text).has_value();
  std::string json;
  if (!wire_to_json(input.table, input.text, json, input.options)) return json.empty() ? 0 : (std::abort(), 1);
  if (!valid && input.text.size() < 50)
    std::abort();  // what is malformed is so whoever looks; long ones may differ in depth

  std::string wire;
  if (!json_to_wire(input.table, json, wire)) std::abort();
  std::string second;
  if (!wire_to_json(input.table, wire, second)) std::abort();
  std::string again;
  if (!json_to_wire(input.table, second, again) || again != wire) std::abort();
  return 0;
}
