// The commands, one file each. Each returns the process' exit code: 0 success; 1 it was tried and failed; 2 wrong usage
// or configuration.
#pragma once

#include <string>
#include <vector>

namespace parley::cli {

struct UpOptions {
  std::string path = ".";  // a folder or a parley.yaml
};
int up(const UpOptions& options);

struct CheckOptions {
  std::string path = ".";
  std::string against;  // an older contract: a folder or a descriptor set
  bool json = false;
};
int check(const CheckOptions& options);

struct CallOptions {
  std::string method;   // "shop.Orders/GetOrder"
  std::string message;  // JSON; "-": one JSON message a line from standard input; "" is {}
  std::string via = "grpc";
  std::string to = "127.0.0.1:8080";
  std::string path = ".";            // where the contract is
  std::vector<std::string> headers;  // "name: value"
  std::string timeout;
  bool json = false;     // errors as JSON too
  bool verbose = false;  // headers and trailers, to standard error
};
int call(const CallOptions& options);

struct RoutesOptions {
  std::string path = ".";
  bool json = false;
};
int routes(const RoutesOptions& options);

struct OpenapiOptions {
  std::string path = ".";
};
int openapi(const OpenapiOptions& options);

struct AsyncapiOptions {
  std::string path = ".";
};
int asyncapi(const AsyncapiOptions& options);

struct TypescriptOptions {
  std::string path = ".";
};
int typescript(const TypescriptOptions& options);

struct GraphqlSchemaOptions {
  std::string path = ".";
  bool json = false;
};
int graphql_schema(const GraphqlSchemaOptions& options);

// `parley schema config` prints the JSON Schema of parley.yaml; `markdown` the table in docs/configuration.md.
int schema_config(bool markdown);

}  // namespace parley::cli
