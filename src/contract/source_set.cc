#include "contract/source_set.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "base/nearest.h"
#include "contract/embedded.h"
#include "contract/parse_hints.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;
namespace fs = std::filesystem;
using Severity = Diagnostic::Severity;

std::string line_of(std::string_view text, int line) {
  if (line < 0) return "";
  std::size_t from = 0;
  for (int i = 0; i < line; ++i) {
    from = text.find('\n', from);
    if (from == std::string_view::npos) return "";
    ++from;
  }
  std::string_view found = text.substr(from, text.find('\n', from) - from);
  if (found.ends_with('\r')) found.remove_suffix(1);
  return std::string(found.substr(0, 400));
}

std::optional<std::string> read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

class ParseErrors final : public pb::io::ErrorCollector {
 public:
  ParseErrors(const SourceFile& file, std::vector<Diagnostic>& out) : file_(file), out_(out) {}
  void AddError(int line, int column, const std::string& message) override {
    out_.push_back(file_.diagnose(Severity::error, line, column, message,
                                  hint_for_parse_error(message, line_of(file_.text, line))));
  }
  // Remarks on style (`ipv_4` ends with a number …) are no concern of a server.
  void AddWarning(int, int, const std::string&) override {}

 private:
  const SourceFile& file_;
  std::vector<Diagnostic>& out_;
};

// "third_party/google/api/http.proto" is a copy of what is built in, under a name nobody imports.
bool is_misplaced_built_in(const std::string& name) {
  return std::ranges::any_of(built_in_names(), [&](const std::string& b) { return name.ends_with("/" + b); });
}

void collect_types(const pb::DescriptorProto& message, const std::string& scope, std::vector<std::string>& out) {
  const std::string full = scope.empty() ? message.name() : scope + "." + message.name();
  out.push_back(full);
  for (const auto& e : message.enum_type()) out.push_back(full + "." + e.name());
  for (const auto& m : message.nested_type()) collect_types(m, full, out);
}

const pb::DescriptorProto* find_message(const auto& messages, const std::string& scope, std::string_view full_name) {
  for (const pb::DescriptorProto& m : messages) {
    const std::string name = scope.empty() ? m.name() : scope + "." + m.name();
    if (name == full_name) return &m;
    if (!full_name.starts_with(name + ".")) continue;
    if (const auto* nested = find_message(m.nested_type(), name, full_name)) return nested;
  }
  return nullptr;
}

// Keeps the places of whole elements, imports and options, and all comments; drops those of names, types and numbers,
// which are four of five. The pool keeps a copy of what is left for as long as the contract lives.
void prune_locations(pb::SourceCodeInfo& info) {
  constexpr int uninterpreted_option = 999;
  const auto is_wanted = [](const pb::SourceCodeInfo::Location& l) {
    if (l.has_leading_comments() || l.has_trailing_comments() || l.path_size() % 2 == 0) return true;
    return l.path_size() >= 2 && l.path(l.path_size() - 2) == uninterpreted_option;
  };
  int kept = 0;
  for (int i = 0; i < info.location_size(); ++i) {
    if (!is_wanted(info.location(i))) continue;
    info.mutable_location()->SwapElements(i, kept);
    ++kept;
  }
  info.mutable_location()->DeleteSubrange(kept, info.location_size() - kept);
}

}  // namespace

Diagnostic SourceFile::diagnose(Severity severity, int line, int column, std::string message, std::string hint) const {
  return {severity,           shown,           line + 1,           line < 0 ? 0 : column + 1,
          std::move(message), std::move(hint), line_of(text, line)};
}

void SourceSet::report(const fs::path& file, std::string message, std::string hint) {
  diagnostics_.push_back({Severity::error, file.string(), 0, 0, std::move(message), std::move(hint), ""});
}

void SourceSet::add_root(const fs::path& root) {
  std::error_code ec;
  if (fs::is_directory(root, ec)) return add_folder(root);
  if (!fs::exists(root, ec))
    return report(root, "there is no such folder or file", "contracts are folders of .proto files, or descriptor sets");
  if (root.extension() == ".proto") {
    return report(root, "is one .proto file, and imports need a folder to start from",
                  "give the folder that imports are relative to");
  }
  add_descriptor_set(root);
}

void SourceSet::add_folder(const fs::path& root) {
  std::error_code ec;
  std::vector<fs::path> paths;
  const auto options = fs::directory_options::follow_directory_symlink | fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(root, options, ec), end; it != end && !ec; it.increment(ec)) {
    const bool hidden = it->path().filename().string().starts_with('.');
    if (it.depth() > 32 || (hidden && it->is_directory(ec))) it.disable_recursion_pending();
    if (!hidden && it->path().extension() == ".proto" && it->is_regular_file(ec)) paths.push_back(it->path());
  }
  if (ec) return report(root, "cannot be read: " + ec.message(), "");
  if (paths.empty()) report(root, "holds no .proto file", "put the contract there, or name another folder");
  std::ranges::sort(paths);
  for (const fs::path& path : paths) {
    auto file = std::make_unique<SourceFile>(arena_);
    file->name = path.lexically_relative(root).generic_string();
    file->shown = path.string();
    read_files_.push_back(path);
    if (is_misplaced_built_in(file->name)) continue;
    auto text = read_text(path);
    if (!text) {
      report(path, "cannot be read", "");
      continue;
    }
    file->text = *std::move(text);
    add(std::move(file));
  }
}

void SourceSet::add_descriptor_set(const fs::path& path) {
  read_files_.push_back(path);
  const auto text = read_text(path);
  pb::FileDescriptorSet set;
  if (!text || !set.ParseFromString(*text) || set.file_size() == 0) {
    return report(path, "is not a descriptor set",
                  "make one with `protoc --include_imports --include_source_info -o FILE`");
  }
  for (const auto& f : set.file()) add_serialized(f.SerializeAsString(), path.string() + ": " + f.name());
}

void SourceSet::add_text(std::string name, std::string text) {
  auto file = std::make_unique<SourceFile>(arena_);
  file->name = std::move(name);
  file->shown = file->name;
  file->text = std::move(text);
  add(std::move(file));
}

void SourceSet::add_serialized(std::string_view file_descriptor_proto, std::string shown) {
  auto file = std::make_unique<SourceFile>(arena_);
  if (!file->proto.ParseFromArray(file_descriptor_proto.data(), static_cast<int>(file_descriptor_proto.size()))) {
    return report(shown, "is not a google.protobuf.FileDescriptorProto", "");
  }
  prune_locations(*file->proto.mutable_source_code_info());
  file->name = file->proto.name();
  file->shown = std::move(shown);
  add(std::move(file));
}

void SourceSet::add(std::unique_ptr<SourceFile> file) {
  // libprotobuf's own descriptors are the ones it can link: a newer file may be in a syntax that it does not know.
  if (file->name.starts_with("google/protobuf/") && linked_in(file->name)) return;
  const std::string name = file->name;
  // Of two roots with one file the first wins, as with protoc's -I.
  if (entries_.contains(name)) return;
  const auto built_in = built_in_names();
  file->own = std::ranges::find(built_in, name) == built_in.end();
  entries_[name].file = std::move(file);
  names_.push_back(name);
}

SourceSet::Entry* SourceSet::find_or_built_in(const std::string& name) {
  const auto known = entries_.find(name);
  if (known != entries_.end()) return &known->second;
  auto file = std::make_unique<SourceFile>(arena_);
  file->name = name;
  file->shown = "(built in) " + name;
  if (auto proto = linked_in(name)) {
    file->proto = *std::move(proto);
  } else if (const std::string_view text = built_in_text(name); !text.empty()) {
    file->text = text;
  } else {
    return nullptr;
  }
  Entry& entry = entries_[name];
  entry.file = std::move(file);
  return &entry;
}

void SourceSet::add_built_in(const std::string& name) {
  find_or_built_in(name)->file->own = true;
  names_.push_back(name);
}

std::vector<SourceFile*> SourceSet::resolve() {
  std::vector<SourceFile*> order;
  std::vector<std::string> path;
  // Always there: an error's details and an Any may hold them although no file imports them.
  for (const std::string& name : built_in_names()) {
    if (name.starts_with("google/protobuf/") || name.starts_with("google/rpc/"))
      visit(*find_or_built_in(name), order, path);
  }
  for (const std::string& name : names_) visit(entries_[name], order, path);
  return order;
}

bool SourceSet::visit(Entry& entry, std::vector<SourceFile*>& order, std::vector<std::string>& path) {
  if (entry.state == State::done) return entry.file->sound;
  SourceFile& file = *entry.file;
  entry.state = State::open;
  bool sound = file.proto.has_name() || parse(file);
  path.push_back(file.name);
  for (int i = 0; sound && i < file.proto.dependency_size(); ++i) {
    sound = visit_import(file, file.proto.dependency(i), order, path);
  }
  path.pop_back();
  entry.state = State::done;
  file.sound = sound;
  if (sound) order.push_back(&file);
  return sound;
}

bool SourceSet::visit_import(const SourceFile& file, const std::string& import, std::vector<SourceFile*>& order,
                             std::vector<std::string>& path) {
  int line = -1;
  int column = 0;
  file.locations.FindImport(&file.proto, import, &line, &column);
  Entry* entry = find_or_built_in(import);
  if (entry == nullptr) {
    auto names = file_names();
    for (std::string& n : built_in_names()) names.push_back(std::move(n));
    std::string hint = did_you_mean(import, names);
    const auto ends_alike = [&](const std::string& n) {
      return n.ends_with("/" + import) || import.ends_with("/" + n);
    };
    const auto alike = std::ranges::find_if(names, ends_alike);
    if (hint.empty() && alike != names.end()) hint = "did you mean `" + *alike + "`?";
    if (hint.empty()) hint = "imports are relative to a root; give the folder that holds it as a further root";
    diagnostics_.push_back(file.diagnose(Severity::error, line, column, "import `" + import + "` was not found", hint));
    return false;
  }
  if (entry->state != State::open) return visit(*entry, order, path);
  std::string cycle;
  for (auto at = std::ranges::find(path, import); at != path.end(); ++at) cycle += *at + " -> ";
  diagnostics_.push_back(file.diagnose(Severity::error, line, column, "imports go round in a circle: " + cycle + import,
                                       "move what both need into a file of its own"));
  return false;
}

bool SourceSet::parse(SourceFile& file) {
  pb::io::ArrayInputStream in(file.text.data(), static_cast<int>(file.text.size()));
  ParseErrors errors(file, diagnostics_);
  pb::io::Tokenizer tokenizer(&in, &errors);
  pb::compiler::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.RecordSourceLocationsTo(&file.locations);
  file.proto.set_name(file.name);
  const bool good = parser.Parse(&tokenizer, &file.proto);
  prune_locations(*file.proto.mutable_source_code_info());
  return good;
}

const SourceFile* SourceSet::find(std::string_view name) const {
  const auto at = entries_.find(std::string(name));
  return at == entries_.end() ? nullptr : at->second.file.get();
}

std::vector<std::string> SourceSet::file_names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> SourceSet::type_names() const {
  std::vector<std::string> names;
  for (const std::string& file : file_names()) {
    const pb::FileDescriptorProto& proto = find(file)->proto;
    for (const auto& m : proto.message_type()) collect_types(m, proto.package(), names);
    for (const auto& e : proto.enum_type())
      names.push_back(proto.package().empty() ? e.name() : proto.package() + "." + e.name());
  }
  return names;
}

std::vector<std::string> SourceSet::field_names(std::string_view message) const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    const pb::FileDescriptorProto& proto = entry.file->proto;
    const pb::DescriptorProto* found = find_message(proto.message_type(), proto.package(), message);
    if (found == nullptr) continue;
    for (const auto& f : found->field()) names.push_back(f.name());
    break;
  }
  return names;
}

std::vector<std::string> SourceSet::extension_names() const {
  std::vector<std::string> names;
  for (const std::string& file : file_names()) {
    const pb::FileDescriptorProto& proto = find(file)->proto;
    for (const auto& e : proto.extension())
      names.push_back(proto.package().empty() ? e.name() : proto.package() + "." + e.name());
  }
  for (const BuiltInExtension& e : built_in_extensions()) names.emplace_back(e.name);
  return names;
}

std::optional<std::string> SourceSet::file_of_extension(std::string_view full_name) const {
  for (const std::string& file : file_names()) {
    const pb::FileDescriptorProto& proto = find(file)->proto;
    for (const auto& e : proto.extension()) {
      if (full_name == (proto.package().empty() ? e.name() : proto.package() + "." + e.name())) return file;
    }
  }
  for (const BuiltInExtension& e : built_in_extensions()) {
    if (e.name == full_name) return std::string(e.file);
  }
  return std::nullopt;
}

}  // namespace parley::contract
