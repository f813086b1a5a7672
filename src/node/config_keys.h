// The keys of parley.yaml: one row each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/config.h"

namespace parley::node {

enum class KeyType : std::uint8_t { text, integer, bytes, duration, boolean, texts, section };

// A value as read, in the form its key's type asks for.
struct KeyValue {
  std::string star;  // what stood in the place of `*` in the key's path: a service's name
  int line = 0;
  std::string text;
  std::int64_t number = 0;
  Duration duration{};
  bool flag = false;
  std::vector<std::string> texts;
};

struct Key {
  std::string_view path;  // "limits.message_bytes", "services.*.at"
  KeyType type;
  std::string_view fallback;  // the default, as one would write it
  std::string_view doc;
  void (*set)(Config&, const KeyValue&);  // null for a section
};

std::span<const Key> config_keys();
std::string_view name(KeyType type);

}  // namespace parley::node
