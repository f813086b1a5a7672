// JsonTree: a JSON value that remembers the order of its keys, for documents that are built once (OpenAPI). Not for
// calls: those are transcoded without any tree.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace parley::contract {

class JsonTree {
 public:
  using Member = std::pair<std::string, JsonTree>;
  using Object = std::vector<Member>;
  using Array = std::vector<JsonTree>;

  JsonTree() : value_(Object{}) {}  // an empty object
  JsonTree(bool b) : value_(b) {}
  JsonTree(std::int64_t n) : value_(n) {}
  JsonTree(int n) : value_(std::int64_t{n}) {}
  JsonTree(std::string s) : value_(std::move(s)) {}
  JsonTree(std::string_view s) : value_(std::string(s)) {}
  JsonTree(const char* s) : value_(std::string(s)) {}
  JsonTree(Array a) : value_(std::move(a)) {}
  JsonTree(std::initializer_list<Member> members) : value_(Object(members)) {}

  static JsonTree list(std::initializer_list<JsonTree> items) { return JsonTree(Array(items)); }

  // Of an object: the value of `key`, made (an empty object) if it is not there.
  JsonTree& operator[](std::string_view key);
  const JsonTree* find(std::string_view key) const;
  void set(std::string_view key, JsonTree value) { (*this)[key] = std::move(value); }
  // The same, unless the text is empty.
  void set_text(std::string_view key, const std::string& text) {
    if (!text.empty()) set(key, text);
  }
  // Of an array.
  void push(JsonTree value) { std::get<Array>(value_).push_back(std::move(value)); }

  bool empty() const;  // an object or array without entries
  const Object& members() const { return std::get<Object>(value_); }
  const Array& items() const { return std::get<Array>(value_); }

  // Indented by two spaces, without a line end after the last line.
  std::string text() const;

 private:
  void write(std::string& out, int depth) const;
  std::variant<bool, std::int64_t, std::string, Array, Object> value_;
};

}  // namespace parley::contract
