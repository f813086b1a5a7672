// A contract as a person might write it (the first byte is even: text) or as an upstream might send it (odd: a
// FileDescriptorSet). Either it loads, and every document can be made of it, or at least one error says why.
#include <algorithm>
#include <cstdlib>
#include <string>

#include <google/protobuf/descriptor.pb.h>

#include "contract/breaking.h"
#include "contract/load.h"
#include "contract/openapi.h"

namespace {

using namespace parley::contract;

Loaded load_input(bool text, const std::string& input) {
  if (text) return load_texts({{"fuzz.proto", input}});
  google::protobuf::FileDescriptorSet set;
  set.ParseFromString(input);
  std::vector<std::string> files;
  for (const auto& file : set.file()) files.push_back(file.SerializeAsString());
  return load_descriptors(files);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const Loaded loaded = load_input(data[0] % 2 == 0, std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  const auto is_error = [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; };
  const bool failed = std::ranges::any_of(loaded.diagnostics, is_error);
  if (failed != (loaded.contract == nullptr)) std::abort();
  for (const Diagnostic& d : loaded.diagnostics) {
    if (d.message.empty() || d.text_with_source().empty()) std::abort();
  }
  if (failed) return 0;
  if (openapi_json(*loaded.contract).empty()) std::abort();
  const auto breaks = breaking_changes(*loaded.contract, *loaded.contract);
  if (std::ranges::any_of(breaks, is_error)) std::abort();
  return 0;
}
