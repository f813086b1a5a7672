// InputView: a GraphQL input value, whether a literal of the document or JSON of a variable, read the same way.
#pragma once

#include <cstdint>
#include <string_view>

#include "edge/graphql/json_value.h"
#include "graphql/document.h"

namespace parley::edge::graphql {

class Variables;

class InputView {
 public:
  enum class Kind : std::uint8_t { absent, null, boolean, number, text, enum_name, list, object };

  InputView() = default;  // absent
  // A variable in it is replaced by its value, of `variables`; both outlive the view.
  InputView(const parley::graphql::Value& literal, const Variables& variables);
  explicit InputView(JsonValue json) : json_(json), is_json_(true) {}

  Kind kind() const;
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_nothing() const { return is(Kind::absent) || is(Kind::null); }
  bool is_json() const { return is_json_; }
  bool flag() const { return is_json_ ? json_.flag() : literal_->boolean; }
  std::string_view text() const { return is_json_ ? json_.text() : literal_->text; }
  const JsonValue& json() const { return json_; }

  // Calls `visit(InputView)` with each item of a list.
  template <class Visit>
  void each_item(const Visit& visit) const {
    if (is_json_) {
      for (JsonValue item = json_.first(); !item.is_end(); item = item.next()) visit(InputView(item));
    } else {
      for (const parley::graphql::Value& item : literal_->items) visit(InputView(item, *variables_));
    }
  }
  // Calls `visit(name, InputView)` with each entry of an object.
  template <class Visit>
  void each_entry(const Visit& visit) const {
    if (is_json_) {
      for (JsonValue entry = json_.first(); !entry.is_end(); entry = entry.next()) visit(entry.key(), InputView(entry));
    } else {
      for (const parley::graphql::ObjectField& entry : literal_->entries) {
        visit(entry.name.text, InputView(entry.value, *variables_));
      }
    }
  }
  // The entry of that name; absent if there is none.
  InputView find(std::string_view name) const;

 private:
  const parley::graphql::Value* literal_ = nullptr;
  const Variables* variables_ = nullptr;
  JsonValue json_;
  bool is_json_ = false;
};

}  // namespace parley::edge::graphql
