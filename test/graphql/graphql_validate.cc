// Reads documents from standard input, a JSON string a line, and writes for each a line of JSON: its errors as a
// response would have them, [] where it is valid. With --sdl or --introspection it writes the schema in place of that.
//
//   graphql_validate [--sdl | --introspection | --time] CONTRACT_FOLDER…
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <simdjson.h>

#include "contract/load.h"
#include "graphql/introspection.h"
#include "graphql/validation.h"

namespace {

using namespace parley::graphql;

std::vector<GraphqlError> errors_of(const Schema& schema, std::string_view source) {
  auto document = Document::parse(source);
  if (!document) return {document.error()};
  return validate(schema, **document);
}

// A line of microseconds a document, parsed and validated; the median of many rounds.
void time(const Schema& schema, const std::string& source) {
  constexpr int rounds = 1001;
  std::vector<double> took;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    static_cast<void>(errors_of(schema, source));
    took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(took.begin(), took.begin() + rounds / 2, took.end());
  std::printf("%.1f\n", took[rounds / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> roots;
  std::string mode;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg.starts_with("--")) {
      mode = arg;
    } else {
      roots.emplace_back(arg);
    }
  }
  const auto loaded = parley::contract::load(roots);
  const BuiltSchema built = loaded.contract == nullptr ? BuiltSchema() : Schema::build(loaded.contract);
  for (const auto& d : loaded.diagnostics) std::fprintf(stderr, "%s\n", d.text().c_str());
  for (const auto& d : built.diagnostics) std::fprintf(stderr, "%s\n", d.text().c_str());
  if (built.schema == nullptr) return 1;
  if (mode == "--sdl") return std::printf("%s", built.schema->sdl().c_str()) < 0;
  if (mode == "--introspection") return std::printf("%s", introspection_json(*built.schema).c_str()) < 0;
  simdjson::dom::parser parser;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string_view text;
    if (parser.parse(line).get_string().get(text) != simdjson::SUCCESS) {
      std::printf("not a JSON string\n");
      continue;
    }
    const std::string source(text);
    if (mode == "--time") {
      time(*built.schema, source);
      continue;
    }
    std::string out;
    write_json(errors_of(*built.schema, source), out);
    std::printf("%s\n", out.c_str());
  }
  return 0;
}
