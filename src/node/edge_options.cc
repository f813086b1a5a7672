#include "node/edge_options.h"

namespace parley::node {
namespace {

wire::DeflateMode deflate_mode(const std::string& name) {
  if (name == "off") return wire::DeflateMode::off;
  return name == "context" ? wire::DeflateMode::context : wire::DeflateMode::message;
}

edge::SlowPolicy slow_policy(const std::string& name) {
  if (name == "drop_oldest") return edge::SlowPolicy::drop_oldest;
  return name == "close" ? edge::SlowPolicy::close : edge::SlowPolicy::wait;
}

edge::GraphqlOptions graphql_options(const Config& config) {
  edge::GraphqlOptions options;
  options.enabled = config.graphql.path != "off";
  options.path = config.graphql.path;
  options.introspection = config.graphql.introspection;
  options.page = config.graphql.page;
  options.limits.tokens = static_cast<std::uint32_t>(config.graphql.tokens);
  options.limits.depth = static_cast<std::uint32_t>(config.graphql.depth);
  options.limits.aliases = static_cast<std::uint32_t>(config.graphql.aliases);
  options.limits.complexity = static_cast<std::uint64_t>(config.graphql.complexity);
  options.limits.response_bytes = static_cast<std::size_t>(config.graphql.response_bytes);
  options.limits.upstream_calls = static_cast<std::uint32_t>(config.graphql.upstream_calls);
  options.plan_cache_bytes = static_cast<std::size_t>(config.graphql.plan_cache);
  options.apq_cache_bytes = config.graphql.apq ? static_cast<std::size_t>(config.graphql.apq_cache) : 0;
  options.persisted_only = config.graphql.persisted_only;
  return options;
}

edge::WebSocketOptions websocket_options(const Config& config) {
  edge::WebSocketOptions options;
  options.socket.max_message = static_cast<std::size_t>(config.limits.message_bytes);
  options.socket.buffer = static_cast<std::size_t>(config.websocket.buffer);
  options.socket.ping = config.websocket.ping;
  options.socket.compression = deflate_mode(config.websocket.compression);
  options.slow = slow_policy(config.websocket.slow);
  return options;
}

}  // namespace

EdgeOptions edge_options(const Config& config) {
  const auto cors = std::make_shared<const net::Cors>(net::CorsConfig{.origins = config.cors.origins,
                                                                      .headers = config.cors.headers,
                                                                      .credentials = config.cors.credentials,
                                                                      .max_age = config.cors.max_age});
  const auto max_message = static_cast<std::size_t>(config.limits.message_bytes);
  EdgeOptions options;
  options.rpc.max_message = max_message;
  options.rpc.cors = cors;
  options.rest.max_message = max_message;
  options.rest.cors = cors;
  options.websocket = websocket_options(config);
  options.websocket.cors = cors;
  options.topics.max_message = max_message;
  options.topics.cors = cors;
  options.graphql = graphql_options(config);
  options.graphql.max_message = max_message;
  options.graphql.socket = options.websocket.socket;
  options.graphql.cors = cors;
  return options;
}

}  // namespace parley::node
