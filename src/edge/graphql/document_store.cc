#include "edge/graphql/document_store.h"

#include <array>
#include <fstream>
#include <iterator>

#include <openssl/evp.h>

namespace parley::edge::graphql {
namespace {

constexpr std::size_t bytes_an_entry = 200;

}  // namespace

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

Result<std::shared_ptr<const PersistedDocuments>> PersistedDocuments::load(const std::filesystem::path& folder) {
  auto documents = std::make_shared<PersistedDocuments>();
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto extension = at->path().extension();
    if (extension != ".graphql" && extension != ".gql") continue;
    std::ifstream file(at->path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) return invalid("graphql.persisted: cannot read " + at->path().string());
    documents->by_hash_.emplace(sha256_hex(text), std::move(text));
  }
  if (error) return invalid("graphql.persisted: cannot read the folder " + folder.string() + ": " + error.message());
  return documents;
}

const std::string* PersistedDocuments::find(std::string_view hash) const {
  const auto at = by_hash_.find(hash);
  return at == by_hash_.end() ? nullptr : &at->second;
}

const std::string* DocumentStore::find(std::string_view hash) {
  if (persisted_ != nullptr) {
    if (const std::string* text = persisted_->find(hash)) return text;
  }
  const auto at = by_hash_.find(hash);
  if (at == by_hash_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, at->second);
  return &at->second->text;
}

void DocumentStore::add(std::string_view hash, std::string_view text) {
  const std::size_t size = text.size() + bytes_an_entry;
  if (size > max_bytes_ || by_hash_.contains(hash)) return;
  while (bytes_ + size > max_bytes_) {
    bytes_ -= recent_.back().text.size() + bytes_an_entry;
    by_hash_.erase(recent_.back().hash);
    recent_.pop_back();
  }
  bytes_ += size;
  recent_.push_front({std::string(hash), std::string(text)});
  by_hash_.emplace(recent_.front().hash, recent_.begin());
}

}  // namespace parley::edge::graphql
