// The transcoder against libprotobuf, where libprotobuf is right: wire bytes that it can parse and print. Our JSON,
// read by libprotobuf, has to give its message; and its JSON, read by us, too. Messages are compared by how libprotobuf
// prints them.
//
// libprotobuf is not asked about bad JSON (it takes trailing commas, duplicate keys and February 29), nor where it
// prints what the mapping forbids (see `out_of_scope`), nor about proto2: its JSON has neither groups nor extensions.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include "codec_input.h"
#include "contract/transcode.h"

namespace {

namespace pb = google::protobuf;
using namespace parley::contract;

std::string print(const pb::Message& message) {
  std::string json;
  return pb::util::MessageToJsonString(message, &json).ok() ? json : std::string();
}

// What the mapping forbids and libprotobuf prints, or the other way round.
bool out_of_scope(std::string_view error, std::string_view theirs) {
  // It prints what it can of an Any that holds rubbish.
  if (error.contains("malformed") && theirs.contains("@type")) return true;
  for (const std::string_view known : {
           "bad tag",               // of more than 32 bits; libprotobuf cuts it
           "FieldMask",             // paths that do not come back
           "holds nothing",         // a Value without a kind; libprotobuf prints null
           "NaN or an infinity",    // in a Value
           "Duration is out of",    // it prints one whose two parts have different signs
           "required field",        // libprotobuf checks them only at the top
           "not valid UTF-8",       // proto2 strings, and names in Any
           "nested too deeply",     // it counts differently
           "no type for the Any's"  // it takes a type URL without a slash
       }) {
    if (error.find(known) != std::string_view::npos) return true;
  }
  return false;
}

void expect(bool good, const char* what, const std::string& ours, const std::string& theirs) {
  if (good) return;
  std::fprintf(stderr, "%s\nours:   %s\ntheirs: %s\n", what, ours.c_str(), theirs.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static pb::DynamicMessageFactory factory;
  pb::SetLogHandler(nullptr);
  const CodecInput input = codec_input(data, size);
  if (input.table.full_name().starts_with("old.")) return 0;
  const pb::Message* type = factory.GetPrototype(codec_types().pool().FindMessageTypeByName(input.table.full_name()));
  const std::unique_ptr<pb::Message> message(type->New());
  if (!message->ParseFromArray(input.text.data(), static_cast<int>(input.text.size()))) return 0;
  message->DiscardUnknownFields();  // its printer stumbles over them in lists
  const std::string theirs = print(*message);
  if (theirs.empty()) return 0;
  const std::unique_ptr<pb::Message> back(type->New());
  if (!pb::util::JsonStringToMessage(theirs, back.get()).ok() || print(*back) != theirs)
    return 0;  // it disowns its own JSON

  std::string ours;
  const parley::Result<void> printed = wire_to_json(input.table, input.text, ours);
  if (!printed) {
    const std::string& error = printed.error().message();
    expect(out_of_scope(error, theirs), "we refuse what libprotobuf prints", error, theirs);
    return 0;
  }
  if (ours.contains("[]")) return 0;  // it drops empty lists within lists of a Value

  std::string wire;
  const parley::Result<void> parsed = json_to_wire(input.table, theirs, wire);
  // It prints every entry of a map, also those that later ones overwrite.
  if (!parsed && parsed.error().message().contains("this key is there twice")) return 0;
  // It leaves out the value of an Any in an Any where that has nothing but fields it does not know.
  if (!parsed && parsed.error().message().contains("needs \"value\"")) return 0;
  // Between quotation marks it copies a FieldMask's path as it is.
  if (!parsed && parsed.error().message().contains("a field mask is") && theirs.contains("\\\"")) return 0;
  expect(parsed.has_value(), "we refuse libprotobuf's JSON", parsed ? "" : parsed.error().message(), theirs);

  const std::unique_ptr<pb::Message> reread(type->New());
  expect(reread->ParseFromString(wire) && print(*reread) == theirs, "our wire is another message", print(*reread),
         theirs);
  back->Clear();
  expect(pb::util::JsonStringToMessage(ours, back.get()).ok(), "libprotobuf refuses our JSON", ours, theirs);
  expect(print(*back) == theirs, "our JSON is another message", ours, theirs);
  return 0;
}
