// DocumentStore: documents that a request may name by hash instead of sending them: those of a folder, read at
// start-up, and those that clients have sent before ("automatic persisted queries"), the least recently used going
// first. One a shard.
#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace parley::edge::graphql {

// 64 hexadecimal digits.
std::string sha256_hex(std::string_view text);

// The `.graphql` and `.gql` files of a folder, by the hash of their text. Immutable; shared by the shards.
class PersistedDocuments {
 public:
  // Errors: invalid_argument: the folder or a file cannot be read.
  static Result<std::shared_ptr<const PersistedDocuments>> load(const std::filesystem::path& folder);
  // Null: there is none.
  const std::string* find(std::string_view hash) const;
  std::size_t size() const { return by_hash_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> by_hash_;
};

class DocumentStore {
 public:
  // `persisted` may be null. `max_bytes` bounds what clients bring; 0: they may bring nothing.
  DocumentStore(std::shared_ptr<const PersistedDocuments> persisted, std::size_t max_bytes)
      : persisted_(std::move(persisted)), max_bytes_(max_bytes) {}

  bool takes_documents() const { return max_bytes_ > 0; }
  const PersistedDocuments* persisted() const { return persisted_.get(); }
  // Null: unknown. Valid until the next `add`.
  const std::string* find(std::string_view hash);
  // Keeps `text`, whose hash it is.
  void add(std::string_view hash, std::string_view text);
  std::size_t bytes() const { return bytes_; }

 private:
  struct Sent {
    std::string hash;
    std::string text;
  };
  std::shared_ptr<const PersistedDocuments> persisted_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::list<Sent> recent_;
  std::unordered_map<std::string_view, std::list<Sent>::iterator> by_hash_;
};

}  // namespace parley::edge::graphql
