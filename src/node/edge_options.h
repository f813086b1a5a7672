// What a configuration means for each edge.
#pragma once

#include "edge/graphql/options.h"
#include "edge/rest/options.h"
#include "edge/rpc/options.h"
#include "edge/topics/options.h"
#include "edge/websocket/options.h"
#include "node/config.h"

namespace parley::node {

struct EdgeOptions {
  edge::RpcOptions rpc;
  edge::RestOptions rest;
  edge::GraphqlOptions graphql;
  edge::WebSocketOptions websocket;
  edge::TopicsOptions topics;
};

EdgeOptions edge_options(const Config& config);

}  // namespace parley::node
