// Which fields a JSON object sets: a PATCH without an update mask means these (AIP-134).
#include "contract/json_reader.h"
#include "contract/transcode.h"

namespace parley::contract {

namespace {

class PathFinder {
 public:
  explicit PathFinder(std::string_view json) : in_(json) {}

  Result<std::vector<std::string>> find(const MessageTable& table) {
    constexpr int depth = 100;
    if (!object(table, "", depth) || !in_.expect_end()) return fail(in_.error());
    return std::move(paths_);
  }

 private:
  bool object(const MessageTable& table, const std::string& prefix, int depth) {
    if (depth == 0) return in_.fail("nested too deeply");
    if (!in_.take('{')) return in_.fail_expected("an object");
    if (in_.take('}')) return true;
    do {
      std::string_view key;
      if (!in_.read_text(key, scratch_) || !in_.expect(':', "':'")) return false;
      const FieldTable* field = table.by_name(key);
      const bool good = field == nullptr ? in_.skip_value(depth) : member(*field, prefix, depth);
      if (!good) return false;
    } while (in_.take(','));
    return in_.expect('}', "',' or '}'");
  }

  bool member(const FieldTable& field, const std::string& prefix, int depth) {
    const std::string path = prefix + std::string(field.proto_name);
    const bool has_fields = field.message != nullptr && !field.repeated && in_.peek() == '{' &&
                            field.message->well_known() == WellKnown::none;
    const std::size_t before = paths_.size();
    if (!(has_fields ? object(*field.message, path + ".", depth - 1) : in_.skip_value(depth))) return false;
    if (paths_.size() == before) paths_.push_back(path);  // {} sets the message itself
    return true;
  }

  JsonReader in_;
  std::string scratch_;
  std::vector<std::string> paths_;
};

}  // namespace

Result<std::vector<std::string>> json_field_paths(const MessageTable& table, std::string_view json) {
  return PathFinder(json).find(table);
}

}  // namespace parley::contract
