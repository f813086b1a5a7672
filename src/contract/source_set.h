// SourceSet: the files a contract is made of, parsed but not yet linked: where each came from, its text for messages,
// and an order in which every file stands after its imports. Used by one thread, at loading.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <google/protobuf/arena.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.pb.h>

#include "contract/load.h"

namespace parley::contract {

struct SourceFile {
  explicit SourceFile(google::protobuf::Arena& arena)
      : proto(*google::protobuf::Arena::CreateMessage<google::protobuf::FileDescriptorProto>(&arena)) {}

  std::string name;   // as imports spell it: "shop/orders.proto"
  std::string shown;  // as messages spell it: "contracts/shop/orders.proto"
  std::string text;   // empty for descriptors
  google::protobuf::FileDescriptorProto& proto;
  google::protobuf::compiler::SourceLocationTable locations;  // keyed by the address of parts of `proto`
  bool own = false;    // the user's, not built in: its services are served and linted
  bool sound = false;  // parsed, and so were all its imports

  // Counting from 0, as libprotobuf does; line -1: unknown.
  Diagnostic diagnose(Diagnostic::Severity severity, int line, int column, std::string message,
                      std::string hint = "") const;
};

class SourceSet {
 public:
  explicit SourceSet(std::vector<Diagnostic>& diagnostics) : diagnostics_(diagnostics) {}

  // A folder or a descriptor set.
  void add_root(const std::filesystem::path& root);
  void add_text(std::string name, std::string text);
  void add_serialized(std::string_view file_descriptor_proto, std::string shown);
  // A built-in file as if it were the user's own. It must be there.
  void add_built_in(const std::string& name);
  // Parses all that is needed. Every file follows the files it imports; files that failed, or import such, are left
  // out.
  std::vector<SourceFile*> resolve();

  const SourceFile* find(std::string_view name) const;
  const std::vector<std::filesystem::path>& read_files() const { return read_files_; }
  // Names of all messages and enums, of extensions and of files: for hints.
  std::vector<std::string> type_names() const;
  std::vector<std::string> extension_names() const;
  std::vector<std::string> file_names() const;
  // Of the message with that full name; empty if there is none.
  std::vector<std::string> field_names(std::string_view message) const;
  // The file that defines "parley.queue" or another extension, also a built-in one that nothing imports.
  std::optional<std::string> file_of_extension(std::string_view full_name) const;

 private:
  enum class State { fresh, open, done };
  struct Entry {
    std::unique_ptr<SourceFile> file;
    State state = State::fresh;
  };
  void add_folder(const std::filesystem::path& root);
  void add_descriptor_set(const std::filesystem::path& path);
  void add(std::unique_ptr<SourceFile> file);
  void report(const std::filesystem::path& file, std::string message, std::string hint);
  Entry* find_or_built_in(const std::string& name);
  bool visit(Entry& entry, std::vector<SourceFile*>& order, std::vector<std::string>& path);
  bool visit_import(const SourceFile& file, const std::string& import, std::vector<SourceFile*>& order,
                    std::vector<std::string>& path);
  bool parse(SourceFile& file);

  std::vector<Diagnostic>& diagnostics_;
  google::protobuf::Arena arena_;  // of all descriptors: a third of the loading was freeing them one by one
  std::unordered_map<std::string, Entry> entries_;
  std::vector<std::string> names_;  // of own files, in the order they were found
  std::vector<std::filesystem::path> read_files_;
};

// Files that need not be shipped. `linked_in`: descriptors inside libprotobuf (google/protobuf/*).
std::vector<std::string> built_in_names();
std::optional<google::protobuf::FileDescriptorProto> linked_in(std::string_view name);

}  // namespace parley::contract
