// What the transcoder's fuzz targets share: the first byte of an input chooses a type and the options, the rest is the
// text.
#pragma once

#include <cstddef>
#include <string_view>

#include "contract/transcode.h"
#include "contract/transcode_fixture.h"

namespace parley::contract {

struct CodecInput {
  const MessageTable& table;
  JsonOptions options;
  std::string_view text;
};

// Seeds stay readable: '0' to '7' are the types with no option set.
inline CodecInput codec_input(const unsigned char* data, std::size_t size) {
  constexpr std::string_view types[] = {
      "t.All",  "old.Old",  "google.protobuf.Value",     "google.protobuf.Any", "google.protobuf.Struct",
      "t.Item", "old.Need", "google.protobuf.Timestamp",
  };
  const unsigned choice = size == 0 ? 0 : data[0] - unsigned{'0'};
  const unsigned flags = choice >> 3U;
  return {.table = codec_types()[types[choice % 8]],
          .options = {.emit_defaults = (flags & 1U) != 0,
                      .use_proto_names = (flags & 2U) != 0,
                      .enums_as_numbers = (flags & 4U) != 0,
                      .ignore_unknown = (flags & 8U) != 0,
                      .max_bytes = std::size_t{1} << 20U},
          .text = size == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1)};
}

}  // namespace parley::contract
