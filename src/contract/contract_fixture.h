// For tests: contracts written in the test itself, loaded from a folder that is removed afterwards.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "contract/load.h"

namespace parley::contract {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "parley-contract-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Loads one file, `shop.proto`. `body` follows its syntax line, its package and the usual imports, all on line 1.
inline Loaded load_text(std::string_view body, bool with_preamble = true) {
  std::string text;
  if (with_preamble) {
    text =
        "syntax = \"proto3\"; package shop; import \"google/api/annotations.proto\"; import \"parley/options.proto\"; "
        "import \"parley/receipt.proto\"; import \"google/protobuf/empty.proto\"; import "
        "\"google/api/field_behavior.proto\"; "
        "import \"google/protobuf/timestamp.proto\";";
  }
  Loaded loaded = load_texts({{"shop.proto", text + std::string(body)}});
  // Without what a preamble that a test does not use is bound to cause.
  std::vector<Diagnostic> kept;
  for (Diagnostic& d : loaded.diagnostics) {
    if (!d.message.ends_with("is unused.")) kept.push_back(d);
  }
  loaded.diagnostics = kept;
  return loaded;
}

inline std::string all_text(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& d : diagnostics) out += d.text() + "\n";
  return out;
}

}  // namespace parley::contract
