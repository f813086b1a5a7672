// Config: what parley.yaml says. Every key is one row of the table in config_keys.cc, from which reading, the JSON
// Schema and docs/configuration.md come; every key has a default.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"

namespace parley::node {

struct ServiceConfig {
  std::string name;
  std::vector<std::string> serves;  // "shop.Orders"; empty: asked by gRPC reflection
  std::string at;                   // "grpc://127.0.0.1:7001,127.0.0.1:7011"
  std::string run;                  // a shell command; ""
  std::string ca, cert, key;        // TLS towards the service
  int line = 0;                     // of its `at`, for messages
};

struct TunnelConfig {
  std::string path;  // "/chat"
  std::string at;    // "http://127.0.0.1:7005"
  std::string ca;    // TLS towards it
  int line = 0;      // of its `at`, for messages

  bool operator==(const TunnelConfig& o) const { return path == o.path && at == o.at && ca == o.ca; }
};

// One queue or topic that is kept elsewhere than the others.
struct PlaceConfig {
  std::string messages;  // as `messages` of the node
  int line = 1;

  bool operator==(const PlaceConfig& o) const { return messages == o.messages; }
};

struct Config {
  std::filesystem::path file;                     // "" where there was none
  std::filesystem::path folder;                   // relative paths start here
  std::map<std::string, int, std::less<>> lines;  // of the keys that are in the file: "pull_api", "tls.cert"

  std::vector<std::string> contracts{"contracts"};
  std::string listen = "127.0.0.1:8080";
  std::string admin = "127.0.0.1:9090";
  int shards = 0;  // 0: one a core
  std::map<std::string, ServiceConfig> services;
  std::map<std::string, TunnelConfig> tunnels;
  std::string messages;          // "embedded", "kafka://…"; "": embedded, if the contract has queues, topics or events
  std::string data = ".parley";  // a folder
  std::map<std::string, PlaceConfig> queues;  // by name
  std::map<std::string, PlaceConfig> topics;
  struct {
    std::int64_t segment_bytes = 64 << 20;
  } store;
  std::string pull_api = "local";  // "off", "local" or "on"

  struct {
    std::string cert, key, client_ca;
    bool require_client_cert = false;
  } tls;
  struct {
    std::vector<std::string> origins;
    std::vector<std::string> headers;
    bool credentials = false;
    Duration max_age = std::chrono::hours(2);
  } cors;
  struct {
    std::string folder;  // "": none
    std::string at = "/";
    std::string immutable;
    std::string fallback;  // "": none
    std::int64_t max_bytes = 64 << 20;
  } files;
  struct {
    std::int64_t message_bytes = 4 << 20;
    std::int64_t header_bytes = 64 << 10;
    std::int64_t concurrent_streams = 256;
    std::int64_t connections = 10'000;
    std::int64_t pending_calls = 10'000;  // a shard
    Duration header_timeout = std::chrono::seconds(10);
    Duration idle_timeout = std::chrono::seconds(120);
    Duration body_timeout = std::chrono::seconds(60);
  } limits;
  struct {
    Duration connect = std::chrono::seconds(5);
    Duration call{};  // zero: a call without a deadline of its caller has none
    Duration drain = std::chrono::seconds(30);
  } timeouts;
  struct WebSocket {
    Duration ping = std::chrono::seconds(20);
    std::int64_t buffer = 64 << 10;
    std::string slow = "wait";            // "wait", "drop_oldest" or "close"
    std::string compression = "message";  // "off", "message" or "context"
    bool operator==(const WebSocket&) const = default;
  } websocket;
  struct Graphql {
    std::string path = "/graphql";  // "off": no GraphQL
    bool introspection = true;
    bool page = true;
    std::int64_t depth = 20;
    std::int64_t aliases = 100;
    std::int64_t tokens = 15'000;
    std::int64_t complexity = 100'000;
    std::int64_t response_bytes = 16 << 20;
    std::int64_t upstream_calls = 200;
    std::int64_t plan_cache = 16 << 20;  // bytes a shard
    bool apq = true;
    std::int64_t apq_cache = 4 << 20;  // bytes a shard
    std::string persisted;             // a folder
    bool persisted_only = false;
    bool operator==(const Graphql&) const = default;
  } graphql;
  struct {
    std::string level = "info";
    std::string access = "off";  // "off", "-" (standard output) or a file
  } log;

  // What was assumed because there was no file; printed by `parley up`.
  std::vector<std::string> assumed;
};

// Reads `path`: a parley.yaml, or a folder that has one (or that has just `contracts/`: everything is then assumed).
// Errors: invalid_argument; every problem found, a line each, as "parley.yaml:7:3: unknown key 'servces' (did you mean
// 'services'?)".
Result<Config> read_config(const std::filesystem::path& path);
// The same for a text; `file` is the name in messages.
Result<Config> parse_config(const std::string& text, const std::filesystem::path& file);

// The file's JSON Schema (draft 2020-12), for editors.
std::string config_schema();
// docs/configuration.md's table of keys.
std::string config_markdown();

}  // namespace parley::node
