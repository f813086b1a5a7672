#include "edge/files/file_set.h"

#include <fstream>
#include <functional>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "edge/files/media_types.h"

namespace parley::edge::files {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t worth_compressing = 512;  // bytes: below, the header fields cost what is saved
constexpr std::string_view forever = "public, max-age=31536000, immutable";
constexpr std::string_view ask_again = "no-cache";  // may be kept, and is asked for by its entity tag each time

bool is_hidden(const fs::path& name) {
  const std::string text = name.string();
  return text.starts_with('.') && text != ".well-known";
}

Result<std::string> read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(Error(Code::unavailable, Blame::us, path.string() + ": cannot be read"));
  return std::move(text).str();
}

File make_file(const std::string& path, std::string content, const std::string& immutable) {
  const MediaType type = media_type_of(path);
  File file{.content_type = type.type,
            .cache_control = !immutable.empty() && path.starts_with(immutable) ? forever : ask_again,
            .forms = {}};
  const std::string tag = fmt::format("{:x}-{:x}", content.size(), std::hash<std::string>()(content));
  if (type.compressible && content.size() >= worth_compressing) {
    for (const wire::Encoding encoding : {wire::Encoding::br, wire::Encoding::gzip}) {
      std::string packed;
      wire::compress(encoding, content, packed);
      if (packed.size() < content.size())
        file.forms.push_back({encoding, Bytes(std::move(packed)), fmt::format("\"{}-{}\"", tag, wire::name(encoding))});
    }
  }
  file.forms.insert(file.forms.begin(), {wire::Encoding::identity, Bytes(std::move(content)), '"' + tag + '"'});
  return file;
}

// A folder's name as the beginning of a path: "assets/", "./assets" and "assets" are "assets/".
std::string as_prefix(const std::string& folder) {
  if (folder.empty()) return "";
  std::string normal = fs::path(folder).lexically_normal().generic_string();
  if (!normal.ends_with('/')) normal += '/';
  return normal == "./" ? "" : normal;
}

}  // namespace

Result<FileSetPtr> FileSet::load(const FileSetOptions& options) {
  std::error_code error;
  if (!fs::is_directory(options.folder, error))
    return fail(Error(Code::not_found, Blame::us, options.folder.string() + ": no such folder"));
  auto set = std::make_shared<FileSet>();
  const std::string immutable = as_prefix(options.immutable);
  std::int64_t bytes = 0;
  fs::recursive_directory_iterator at(options.folder, fs::directory_options::follow_directory_symlink, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    if (is_hidden(at->path().filename())) {
      if (at->is_directory(error)) at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file(error)) continue;
    auto content = read(at->path());
    if (!content) return fail(std::move(content).error());
    bytes += static_cast<std::int64_t>(content->size());
    if (bytes > options.max_bytes) {
      return fail(Error(Code::resource_exhausted, Blame::us,
                        fmt::format("{} holds more than {} bytes: files are served from memory, and files.max_bytes "
                                    "says how much",
                                    options.folder.string(), options.max_bytes)));
    }
    const std::string path = at->path().lexically_relative(options.folder).generic_string();
    set->files_.emplace(path, make_file(path, *std::move(content), immutable));
  }
  if (error) return fail(Error(Code::unavailable, Blame::us, options.folder.string() + ": " + error.message()));
  return set;
}

const File* FileSet::find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

}  // namespace parley::edge::files
