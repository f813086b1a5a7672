// The testee of the Protobuf conformance suite: answers the runner's requests over a pipe with Parley's transcoder.
//
//   protobuf_testee INCLUDE_DIR…   folders of .proto files: the suite's and the well-known types'
//
// Protocol (conformance_test_runner.cc): a little-endian 32-bit size, then that much of a
// conformance.ConformanceRequest; the answer likewise. Requests that are not about JSON are skipped: Parley passes
// Protobuf on unparsed, and has no text format.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.h>

#include "contract/message_table.h"
#include "contract/transcode.h"
#include "contract/wire_format.h"

namespace {

using parley::Result;
using parley::contract::JsonOptions;
using parley::contract::MessageTable;
using parley::contract::TableSet;

// conformance.proto
enum class Format : std::uint8_t { unspecified = 0, protobuf = 1, json = 2 };
constexpr std::uint64_t ignore_unknown_category = 3;

struct Request {
  Format from = Format::unspecified;
  std::string_view payload;
  Format to = Format::unspecified;
  std::string_view message_type;
  bool ignore_unknown = false;
};

// The numbers of ConformanceResponse's fields.
enum class Answer : std::uint8_t { parse_error = 1, protobuf = 3, json = 4, skipped = 5, serialize_error = 6 };

struct Response {
  Answer answer;
  std::string content;
};

bool read_request(std::string_view wire, Request& request) {
  const char* at = wire.data();
  const char* const end = at + wire.size();
  while (at != end) {
    std::uint32_t tag = 0;
    std::uint64_t number = 0;
    std::size_t size = 0;
    at = parley::contract::read_tag(at, end, tag);
    if (at == nullptr) return false;
    const bool is_number = (tag & 7U) == 0;
    if (!is_number && (tag & 7U) != 2) return false;
    at = is_number ? parley::contract::read_varint(at, end, number) : parley::contract::read_length(at, end, size);
    if (at == nullptr) return false;
    at += size;
    const std::string_view text(at - size, size);
    switch (tag >> 3U) {
      case 1: request.from = Format::protobuf, request.payload = text; break;
      case 2: request.from = Format::json, request.payload = text; break;
      case 3: request.to = number <= 2 ? static_cast<Format>(number) : Format::unspecified; break;
      case 4: request.message_type = text; break;
      case 5: request.ignore_unknown = number == ignore_unknown_category; break;
      default: break;
    }
  }
  return true;
}

Response to_json(const MessageTable& table, std::string_view wire) {
  if (const Result<void> valid = validate_wire(table, wire); !valid) return {Answer::parse_error, valid.error().text()};
  std::string json;
  const Result<void> done = wire_to_json(table, wire, json);
  return done ? Response{Answer::json, json} : Response{Answer::serialize_error, done.error().text()};
}

Response answer(const TableSet& tables, const Request& request) {
  const MessageTable* table = tables.find(request.message_type);
  if (table == nullptr) return {Answer::skipped, "no such type here: libprotobuf 3.21 knows no editions"};
  if (request.from == Format::unspecified || request.to == Format::unspecified) return {Answer::skipped, "not JSON"};
  if (request.from == Format::protobuf) {
    if (request.to == Format::protobuf) return {Answer::skipped, "Parley does not re-encode Protobuf"};
    return to_json(*table, request.payload);
  }
  std::string wire;
  const Result<void> parsed = json_to_wire(*table, request.payload, wire, {.ignore_unknown = request.ignore_unknown});
  if (!parsed) return {Answer::parse_error, parsed.error().text()};
  return request.to == Format::protobuf ? Response{Answer::protobuf, wire} : to_json(*table, wire);
}

bool read_block(std::string& block) {
  std::uint32_t size = 0;
  if (std::fread(&size, sizeof(size), 1, stdin) != 1) return false;
  block.resize(size);
  return std::fread(block.data(), 1, size, stdin) == size;
}

bool write_response(const Response& response) {
  char head[1 + parley::contract::max_varint_size];
  head[0] = static_cast<char>(static_cast<unsigned>(response.answer) << 3U | 2U);
  const char* const head_end = parley::contract::put_varint(head + 1, response.content.size());
  const auto head_size = static_cast<std::size_t>(head_end - head);
  const auto size = static_cast<std::uint32_t>(head_size + response.content.size());
  return std::fwrite(&size, sizeof(size), 1, stdout) == 1 && std::fwrite(head, 1, head_size, stdout) == head_size &&
         std::fwrite(response.content.data(), 1, response.content.size(), stdout) == response.content.size() &&
         std::fflush(stdout) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  google::protobuf::compiler::DiskSourceTree tree;
  for (int i = 1; i < argc; ++i) tree.MapPath("", argv[i]);
  google::protobuf::compiler::Importer importer(&tree, nullptr);
  TableSet tables(*importer.pool());
  for (const char* name :
       {"google/protobuf/test_messages_proto3.proto", "google/protobuf/test_messages_proto2.proto"}) {
    const google::protobuf::FileDescriptor* file = importer.Import(name);
    if (file == nullptr) {
      std::fprintf(stderr, "protobuf_testee: cannot read %s\n", name);
      return 1;
    }
    tables.add_file(*file);
  }
  std::string block;
  while (read_block(block)) {
    Request request;
    const bool good = read_request(block, request);
    const Response response = good ? answer(tables, request) : Response{Answer::skipped, "malformed request"};
    if (!write_response(response)) return 1;
  }
  return 0;
}
