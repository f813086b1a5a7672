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
  options.websocket.socket.max_message = max_message;
  options.websocket.socket.buffer = static_cast<std::size_t>(config.websocket.buffer);
  options.websocket.socket.ping = config.websocket.ping;
  options.websocket.socket.compression = deflate_mode(config.websocket.compression);
  options.websocket.slow = slow_policy(config.websocket.slow);
  options.websocket.cors = cors;
  return options;
}

}  // namespace parley::node
