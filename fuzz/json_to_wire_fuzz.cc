// Whatever JSON is accepted gives well-formed wire bytes whose JSON gives the same wire bytes again.
#include <cstdlib>

#include "codec_input.h"
#include "contract/transcode.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace parley::contract;
  const CodecInput input = codec_input(data, size);
  static_cast<void>(json_field_paths(input.table, input.text));
  std::string wire;
  if (!json_to_wire(input.table, input.text, wire, input.options)) return wire.empty() ? 0 : (std::abort(), 1);
  if (!validate_wire(input.table, wire)) std::abort();
  if (input.options.ignore_unknown) return 0;  // leaves empty arrays of unknown enum names, which do not come back

  std::string json;
  if (!wire_to_json(input.table, wire, json)) std::abort();
  std::string again;
  if (!json_to_wire(input.table, json, again) || again != wire) std::abort();
  return 0;
}
