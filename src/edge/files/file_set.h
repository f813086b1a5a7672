// FileSet: a folder of a web page's files in memory, with their compressed forms: read once, by the control shard, and
// shared by all shards. Never changed; a change of the folder makes another set.
//
// What is in memory cannot be led out of its folder by a path, needs no thread for a slow disk, and is the same from
// one request to the next until the whole set is swapped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "wire/compression.h"

namespace parley::edge::files {

struct File {
  // One form of a file. A form has an entity tag of its own (RFC 9110 section 8.8.3.3).
  struct Form {
    wire::Encoding encoding = wire::Encoding::identity;
    Bytes body;
    std::string etag;  // with its quotes
  };
  std::string_view content_type;
  std::string_view cache_control;
  std::vector<Form> forms;  // the first is identity; compressed ones only where they are smaller
};

struct FileSetOptions {
  std::filesystem::path folder;
  // A folder below it whose files' names change with their contents, as bundlers name them: cached for ever.
  std::string immutable;
  std::int64_t max_bytes = std::int64_t{64} << 20;  // of all files together
};

class FileSet {
 public:
  // Files and folders whose names begin with a dot are left out, `.well-known` excepted.
  // Errors: not_found (no such folder), resource_exhausted (`max_bytes`), unavailable (a file cannot be read).
  static Result<std::shared_ptr<const FileSet>> load(const FileSetOptions& options);

  // By the path below the folder, without a leading slash: "assets/main-4f2a91c3.js". Null if there is none.
  const File* find(std::string_view path) const;
  bool has_folder(std::string_view path) const { return find(std::string(path) + "/index.html") != nullptr; }
  std::size_t size() const { return files_.size(); }

 private:
  std::map<std::string, File, std::less<>> files_;
};

using FileSetPtr = std::shared_ptr<const FileSet>;

}  // namespace parley::edge::files
