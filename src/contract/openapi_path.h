// From a path template to a path of OpenAPI, whose parameters cover one segment each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "contract/http_rule.h"

namespace parley::contract {

struct PathParameter {
  std::string name;              // "order"
  const PathVariable* variable;  // null for a `*` that binds no field
  bool rest = false;             // a `**`: its value may hold slashes
};

struct OpenApiPath {
  std::string path;  // "/v1/orders/{order}:cancel"
  std::vector<PathParameter> parameters;
};

// Names parameters so that two templates which match the same paths get the same path, as OpenAPI demands.
class PathNames {
 public:
  OpenApiPath convert(const HttpRule& rule);

 private:
  std::map<std::string, std::vector<std::string>> names_;  // by binding_key without the verb
};

// What a variable's value looks like, "orders/{order}", if it is more than one parameter.
std::string variable_form(const OpenApiPath& path, const HttpRule& rule, const PathVariable& variable);

// "orders" is "order", "categories" "category", "boxes" "box", "shelves" "shelf", "news" "news".
std::string singular(const std::string& word);

}  // namespace parley::contract
