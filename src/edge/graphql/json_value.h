// JsonValue: a small read-only JSON document, for what comes once a request: the request's own members and its
// variables. Numbers keep their text, so nothing is rounded before its type is known.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace parley::edge::graphql {

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

class JsonDocument;

// One value of a document; it lives as long as the document and the text that was read.
class JsonValue {
 public:
  JsonValue() = default;  // null

  JsonKind kind() const;
  bool is(JsonKind kind) const { return this->kind() == kind; }
  bool flag() const;              // of a boolean
  std::string_view text() const;  // the characters of a string, the spelling of a number
  // Of an array or object: its values in order; `key` is the name a value has in its object.
  bool empty() const { return count() == 0; }
  std::size_t count() const;
  JsonValue first() const;
  JsonValue next() const;
  bool is_end() const { return document_ == nullptr; }
  std::string_view key() const;
  // Of an object: the member of that name (the last one), or the end.
  JsonValue find(std::string_view key) const;
  // The value as it was written.
  std::string_view raw() const;

 private:
  friend class JsonDocument;
  JsonValue(const JsonDocument* document, std::uint32_t at) : document_(document), at_(at) {}
  const JsonDocument* document_ = nullptr;
  std::uint32_t at_ = 0;
};

class JsonDocument {
 public:
  JsonDocument() = default;
  ~JsonDocument() = default;
  JsonDocument(JsonDocument&&) noexcept = default;
  JsonDocument& operator=(JsonDocument&&) noexcept = default;

  // Strict (RFC 8259). `text` outlives the document. Errors: invalid_argument with the place.
  static Result<JsonDocument> parse(std::string_view text, int max_depth = 64);
  JsonValue root() const { return {this, 0}; }

 private:
  friend class JsonValue;
  friend class JsonParser;
  struct Node {
    JsonKind kind = JsonKind::null;
    bool flag = false;
    std::uint32_t first = 0;  // 0: none (the root is nobody's child)
    std::uint32_t next = 0;
    std::uint32_t count = 0;
    std::string_view key;
    std::string_view text;
    std::string_view raw;
  };
  std::vector<Node> nodes_;
  std::deque<std::string> unescaped_;  // strings with escapes
};

}  // namespace parley::edge::graphql
