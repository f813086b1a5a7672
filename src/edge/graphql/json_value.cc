#include "edge/graphql/json_value.h"

#include "contract/json_reader.h"

namespace parley::edge::graphql {

class JsonParser {
 public:
  JsonParser(std::string_view text, JsonDocument& document) : in_(text), document_(document) {}

  Result<void> run(int max_depth) {
    document_.nodes_.emplace_back();
    if (!value(0, max_depth) || !in_.expect_end()) return fail(in_.error());
    return {};
  }

 private:
  using Node = JsonDocument::Node;

  bool text(std::string_view& to) {
    std::string scratch;
    if (!in_.read_text(to, scratch)) return false;
    if (to.data() == scratch.data())
      to = std::string_view(document_.unescaped_.emplace_back(std::move(scratch))).substr(0, to.size());
    return true;
  }

  // `at` is an index: the nodes move while they grow.
  bool value(std::uint32_t at, int depth) {
    if (depth <= 0) return in_.fail("nested too deeply");
    const char kind = in_.peek();
    const char* const start = in_.at();
    bool good = false;
    switch (kind) {
      case '{': good = children(at, depth, JsonKind::object); break;
      case '[': good = children(at, depth, JsonKind::array); break;
      case '"': good = string(at); break;
      case 't':
      case 'f': good = boolean(at, kind == 't'); break;
      case 'n': good = in_.take_word("null") || in_.fail_expected("a value"); break;
      default: good = number(at); break;
    }
    if (good) document_.nodes_[at].raw = {start, in_.at()};
    return good;
  }

  bool string(std::uint32_t at) {
    std::string_view characters;
    if (!text(characters)) return false;
    document_.nodes_[at].kind = JsonKind::string;
    document_.nodes_[at].text = characters;
    return true;
  }

  bool boolean(std::uint32_t at, bool flag) {
    document_.nodes_[at].kind = JsonKind::boolean;
    document_.nodes_[at].flag = flag;
    return in_.take_word(flag ? "true" : "false") || in_.fail_expected("a value");
  }

  bool number(std::uint32_t at) {
    std::string_view digits;
    if (!in_.read_number(digits)) return false;
    document_.nodes_[at].kind = JsonKind::number;
    document_.nodes_[at].text = digits;
    return true;
  }

  bool children(std::uint32_t at, int depth, JsonKind kind) {
    const bool object = kind == JsonKind::object;
    const char close = object ? '}' : ']';
    document_.nodes_[at].kind = kind;
    in_.take(object ? '{' : '[');
    if (in_.take(close)) return true;
    std::uint32_t last = 0;
    do {
      std::string_view key;
      if (object && (!text(key) || !in_.expect(':', "':'"))) return false;
      const auto child = static_cast<std::uint32_t>(document_.nodes_.size());
      document_.nodes_.emplace_back().key = key;
      (last == 0 ? document_.nodes_[at].first : document_.nodes_[last].next) = child;
      ++document_.nodes_[at].count;
      last = child;
      if (!value(child, depth - 1)) return false;
    } while (in_.take(','));
    return in_.expect(close, object ? "',' or '}'" : "',' or ']'");
  }

  contract::JsonReader in_;
  JsonDocument& document_;
};

Result<JsonDocument> JsonDocument::parse(std::string_view text, int max_depth) {
  JsonDocument document;
  if (auto parsed = JsonParser(text, document).run(max_depth); !parsed) return fail(std::move(parsed).error());
  return document;
}

JsonKind JsonValue::kind() const { return document_ == nullptr ? JsonKind::null : document_->nodes_[at_].kind; }
bool JsonValue::flag() const { return document_ != nullptr && document_->nodes_[at_].flag; }
std::string_view JsonValue::text() const { return document_ == nullptr ? "" : document_->nodes_[at_].text; }
std::string_view JsonValue::key() const { return document_ == nullptr ? "" : document_->nodes_[at_].key; }
std::string_view JsonValue::raw() const { return document_ == nullptr ? "null" : document_->nodes_[at_].raw; }
std::size_t JsonValue::count() const { return document_ == nullptr ? 0 : document_->nodes_[at_].count; }

JsonValue JsonValue::first() const {
  const std::uint32_t child = document_ == nullptr ? 0 : document_->nodes_[at_].first;
  return child == 0 ? JsonValue() : JsonValue(document_, child);
}

JsonValue JsonValue::next() const {
  const std::uint32_t sibling = document_ == nullptr ? 0 : document_->nodes_[at_].next;
  return sibling == 0 ? JsonValue() : JsonValue(document_, sibling);
}

JsonValue JsonValue::find(std::string_view key) const {
  JsonValue found;
  if (!is(JsonKind::object)) return found;
  for (JsonValue member = first(); !member.is_end(); member = member.next()) {
    if (member.key() == key) found = member;
  }
  return found;
}

}  // namespace parley::edge::graphql
