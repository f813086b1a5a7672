// The configuration's documents, from the table of keys.
#include "base/text.h"
#include "node/config_keys.h"

namespace parley::node {
namespace {

struct Tree {
  const Key* key = nullptr;
  std::string name;
  std::vector<Tree> children;

  Tree& child(std::string_view child_name) {
    for (Tree& existing : children) {
      if (existing.name == child_name) return existing;
    }
    Tree& made = children.emplace_back();
    made.name = child_name;
    return made;
  }
};

Tree key_tree() {
  Tree root;
  for (const Key& key : config_keys()) {
    Tree* at = &root;
    for (const std::string_view part : split(key.path, '.')) at = &at->child(part);
    at->key = &key;
  }
  return root;
}

std::string_view schema_type(KeyType type) {
  switch (type) {
    case KeyType::text: return R"("type":"string")";
    case KeyType::integer: return R"("type":"integer","minimum":0)";
    case KeyType::bytes: return R"("type":["string","integer"],"pattern":"^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)?$")";
    case KeyType::duration: return R"("type":["string","integer"],"pattern":"^(0|[0-9]+(ns|us|ms|s|m|h|d))$")";
    case KeyType::boolean: return R"("type":"boolean")";
    case KeyType::texts: return R"("type":["string","array"],"items":{"type":"string"})";
    case KeyType::section: return R"("type":"object","additionalProperties":false)";
  }
  return "";
}

void write_schema(const Tree& tree, std::string& out) {
  out += schema_type(tree.key == nullptr ? KeyType::section : tree.key->type);
  if (tree.key != nullptr) {
    out += ",\"description\":" + json_quoted(tree.key->doc);
    if (!tree.key->fallback.empty()) out += ",\"default\":" + json_quoted(tree.key->fallback);
  }
  std::string properties;
  for (const Tree& child : tree.children) {
    const std::string& name = child.name;
    if (name == "*") {
      // Any name: the last word on additional properties.
      out.erase(out.find(",\"additionalProperties\":false"),
                std::string_view(",\"additionalProperties\":false").size());
      out += ",\"additionalProperties\":{";
      write_schema(child, out);
      out += "}";
      continue;
    }
    properties += (properties.empty() ? "" : ",") + json_quoted(name) + ":{";
    write_schema(child, properties);
    properties += "}";
  }
  if (!properties.empty()) out += ",\"properties\":{" + properties + "}";
}

}  // namespace

std::string config_schema() {
  std::string out = R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"parley.yaml",)";
  write_schema(key_tree(), out);
  return out + "}\n";
}

std::string config_markdown() {
  std::string out = "| key | takes | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const Key& key : config_keys()) {
    if (key.type == KeyType::section) {
      out += "| **`" + std::string(key.path) + "`** | | | " + std::string(key.doc) + " |\n";
      continue;
    }
    const std::string fallback = key.fallback.empty() ? "" : "`" + std::string(key.fallback) + "`";
    out += "| `" + std::string(key.path) + "` | " + std::string(name(key.type)) + " | " + fallback + " | " +
           std::string(key.doc) + " |\n";
  }
  return out;
}

}  // namespace parley::node
