#include "node/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <yaml-cpp/yaml.h>

#include "base/nearest.h"
#include "base/text.h"
#include "mesh/address.h"
#include "node/config_keys.h"
#include "node/messages.h"

namespace parley::node {
namespace {

// Keys of later issues: known, so that the answer is "not yet" and not "unknown".
constexpr std::string_view not_served_yet[] = {"events"};

class Reader {
 public:
  Reader(Config& config, std::string file) : config_(config), file_(std::move(file)) {}

  void read(const YAML::Node& node, const std::string& path, const std::string& star) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      problem(node.Mark(), "'" + (path.empty() ? "the file" : path) + "' is a list of keys and values");
      return;
    }
    for (const auto& entry : node) read_entry(entry.first, entry.second, path, star);
  }

  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void read_entry(const YAML::Node& name_node, const YAML::Node& value, const std::string& path,
                  const std::string& star) {
    const auto name = name_node.as<std::string>();
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const std::string_view later : not_served_yet) {
      if (prefix.empty() && name == later) {
        if (value.IsScalar() && value.as<std::string>() == "embedded") return;
        problem(name_node.Mark(), "'" + name + "' is not served yet: event stores come with a later version");
        return;
      }
    }
    const Key* key = find(prefix + name);
    std::string inner_star = star;
    if (key == nullptr) {
      key = find(prefix + "*");
      inner_star = name;
    }
    if (key == nullptr) {
      unknown(name_node, prefix, name);
      return;
    }
    if (key->type == KeyType::section) {
      if (key->set != nullptr) key->set(config_, value_at(inner_star, name_node));
      read(value, std::string(key->path), inner_star);
      return;
    }
    read_value(*key, value, inner_star);
  }

  static KeyValue value_at(const std::string& star, const YAML::Node& node) {
    KeyValue value;
    value.star = star;
    value.line = node.Mark().line + 1;
    return value;
  }

  static const Key* find(std::string_view path) {
    for (const Key& key : config_keys()) {
      if (key.path == path) return &key;
    }
    return nullptr;
  }

  void unknown(const YAML::Node& name_node, const std::string& prefix, const std::string& name) {
    std::vector<std::string_view> siblings;
    for (const Key& key : config_keys()) {
      if (!key.path.starts_with(prefix)) continue;
      const std::string_view rest = key.path.substr(prefix.size());
      if (rest.find('.') == std::string_view::npos && rest != "*") siblings.push_back(rest);
    }
    std::string text = "unknown key '" + name + "'";
    if (!prefix.empty()) text += " in '" + prefix.substr(0, prefix.size() - 1) + "'";
    if (const auto near = nearest(name, siblings)) {
      text += " (did you mean '" + std::string(*near) + "'?)";
    } else {
      text += " (known here:";
      for (const std::string_view sibling : siblings) text.append(" ").append(sibling);
      text += ")";
    }
    problem(name_node.Mark(), text);
  }

  void read_value(const Key& key, const YAML::Node& node, const std::string& star) {
    KeyValue value = value_at(star, node);
    const bool list = key.type == KeyType::texts && node.IsSequence();
    if (!list && !node.IsScalar()) {
      wrong(key, node, "");
      return;
    }
    if (list) {
      for (const auto& item : node) {
        if (!item.IsScalar()) {
          wrong(key, item, "");
          return;
        }
        value.texts.push_back(expand(item));
      }
    } else {
      value.text = expand(node);
    }
    if (!list && !convert(key, value)) {
      wrong(key, node, value.text);
      return;
    }
    if (star.empty()) config_.lines[std::string(key.path)] = value.line;
    key.set(config_, value);
  }

  static bool convert(const Key& key, KeyValue& value) {
    switch (key.type) {
      case KeyType::text: return true;
      case KeyType::texts: value.texts = {value.text}; return true;
      case KeyType::boolean: value.flag = value.text == "true"; return value.flag || value.text == "false";
      case KeyType::integer: {
        const auto end = value.text.data() + value.text.size();
        const auto [at, error] = std::from_chars(value.text.data(), end, value.number);
        return error == std::errc() && at == end && value.number >= 0 && value.number <= 1'000'000'000;
      }
      case KeyType::bytes: {
        const auto bytes = parse_bytes(value.text);
        value.number = bytes.value_or(0);
        return bytes.has_value() && *bytes > 0;
      }
      case KeyType::duration: {
        const auto duration = parse_duration(value.text);
        value.duration = duration.value_or(Duration::zero());
        return duration.has_value();
      }
      case KeyType::section: return false;
    }
    return false;
  }

  // Expands ${NAME}. A variable that is not set is a problem: an empty address or path would be worse.
  std::string expand(const YAML::Node& node) {
    const auto text = node.as<std::string>();
    std::string out;
    for (std::size_t from = 0;;) {
      const std::size_t at = text.find("${", from);
      out.append(text, from, at - from);
      if (at == std::string::npos) return out;
      const std::size_t end = text.find('}', at);
      const std::string name = text.substr(at + 2, end == std::string::npos ? end : end - at - 2);
      const char* set = end == std::string::npos ? nullptr : std::getenv(name.c_str());
      if (set == nullptr) {
        problem(node.Mark(), "the environment variable '" + name + "' is not set");
        return out;
      }
      out += set;
      from = end + 1;
    }
  }

  void wrong(const Key& key, const YAML::Node& node, const std::string& text) {
    std::string message = "'" + std::string(key.path) + "' takes " + std::string(name(key.type));
    if (!key.fallback.empty()) message += ", such as " + std::string(key.fallback);
    if (!text.empty()) message += "; found '" + text + "'";
    problem(node.Mark(), message);
  }

  void problem(const YAML::Mark& mark, const std::string& text) {
    problems_.push_back(file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " +
                        text);
  }

  Config& config_;
  std::string file_;
  std::vector<std::string> problems_;
};

// Where the file says `key`, or its first line.
int line_of(const Config& c, std::string_view key) {
  const auto at = c.lines.find(key);
  return at == c.lines.end() ? 1 : at->second;
}

template <class Add>
void check_word(std::string_view key, const std::string& word, std::initializer_list<std::string_view> words,
                const Add& add) {
  if (std::ranges::find(words, word) != words.end()) return;
  std::string all;
  for (const std::string_view one : words) all.append(all.empty() ? "" : ", ").append(one);
  add(key, "'" + std::string(key) + "' is one of " + all + "; found '" + word + "'");
}

// What no single key can tell.
void check_whole(const Config& c, const std::string& file, std::vector<std::string>& problems) {
  const auto add_at = [&](int line, const std::string& text) {
    problems.push_back(file + ":" + std::to_string(line) + ": " + text);
  };
  const auto add = [&](std::string_view key, const std::string& text) { add_at(line_of(c, key), text); };
  for (const auto& [name, service] : c.services) {
    if (service.at.empty())
      add_at(service.line, "service '" + name + "' needs 'at', such as 'at: grpc://127.0.0.1:7001'");
  }
  if (c.tls.cert.empty() != c.tls.key.empty())
    add(c.tls.cert.empty() ? "tls.key" : "tls.cert", "'tls.cert' and 'tls.key' go together");
  if (c.tls.require_client_cert && c.tls.client_ca.empty())
    add("tls.require_client_cert", "'tls.require_client_cert' needs 'tls.client_ca'");
  if (c.data.empty()) add("data", "'data' is a folder, such as .parley");
  if (!c.messages.empty()) {
    const auto scheme = backend_scheme(c.messages);
    if (!scheme) add("messages", "'messages': " + scheme.error().message());
  }
  for (const auto* places : {&c.queues, &c.topics}) {
    for (const auto& [name, place] : *places) {
      const auto scheme = backend_scheme(place.messages);
      if (!scheme) add_at(place.line, "'" + name + "': " + scheme.error().message());
    }
  }
  constexpr std::int64_t least_segment = 1 << 20;
  constexpr std::int64_t most_segment = 1 << 30;
  if (c.store.segment_bytes < least_segment || c.store.segment_bytes > most_segment)
    add("store.segment_bytes",
        "'store.segment_bytes' is 1MiB to 1GiB; found " + std::to_string(c.store.segment_bytes) + " bytes");
  if (!c.files.at.starts_with('/')) add("files.at", "'files.at' is a path, such as /shop/");
  if (c.websocket.ping <= Duration::zero()) add("websocket.ping", "'websocket.ping' must be above zero");
  check_word("pull_api", c.pull_api, {"off", "local", "on"}, add);
  check_word("websocket.slow", c.websocket.slow, {"wait", "drop_oldest", "close"}, add);
  check_word("websocket.compression", c.websocket.compression, {"off", "message", "context"}, add);
  for (const auto& [name, tunnel] : c.tunnels) {
    if (!tunnel.path.starts_with('/')) add_at(tunnel.line, "tunnel '" + name + "' needs 'path', such as 'path: /chat'");
    const auto at = mesh::parse_addresses(tunnel.at);
    if (!at) {
      add_at(tunnel.line, "tunnel '" + name + "': " + at.error().message());
    } else if (at->protocol != mesh::Protocol::http) {
      add_at(tunnel.line, "tunnel '" + name + "': a WebSocket service is at http:// or https://");
    }
  }
  if (c.cors.credentials) {
    for (const std::string& origin : c.cors.origins) {
      if (origin == "*") add("cors.credentials", "'cors.credentials' cannot go with origin '*': name the origins");
    }
  }
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out.append(out.empty() ? "" : "\n").append(line);
  return out;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Config assume(const std::filesystem::path& folder) {
  Config config;
  config.folder = folder;
  config.assumed = {"contracts: contracts", "listen: " + config.listen, "admin: " + config.admin};
  return config;
}

}  // namespace

Result<Config> parse_config(const std::string& text, const std::filesystem::path& file) {
  Config config;
  config.file = file;
  config.folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::vector<std::string> problems;
  try {
    Reader reader(config, file.string());
    reader.read(YAML::Load(text), "", "");
    problems = reader.problems();
  } catch (const YAML::Exception& e) {
    return invalid(file.string() + ":" + std::to_string(e.mark.line + 1) + ":" + std::to_string(e.mark.column + 1) +
                   ": " + e.msg);
  }
  if (problems.empty()) check_whole(config, file.string(), problems);
  if (!problems.empty()) return invalid(joined(problems));
  return config;
}

Result<Config> read_config(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    if (std::filesystem::exists(path / "parley.yaml", error)) return read_config(path / "parley.yaml");
    if (std::filesystem::is_directory(path / "contracts", error)) return assume(path);
    return invalid(
        path.string() +
        ": neither parley.yaml nor a folder contracts/ is there. Write your .proto files into contracts/, or name "
        "a configuration: parley up FILE");
  }
  if (!std::filesystem::is_regular_file(path, error)) return invalid(path.string() + ": no such file");
  return parse_config(read_file(path), path);
}

}  // namespace parley::node
