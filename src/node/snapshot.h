// Snapshot: what a node serves at one moment: made by the control shard, read by every worker, never changed.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "contract/contract.h"
#include "edge/files/file_set.h"
#include "edge/graphql/document_store.h"
#include "edge/graphql/stream_registry.h"
#include "edge/websocket/stream_directory.h"
#include "graphql/schema.h"
#include "mesh/address.h"
#include "node/config.h"
#include "queue/broker.h"

namespace parley::node {

struct ServedBy {
  std::string name;  // in parley.yaml
  mesh::ClusterConfig cluster;
};

struct Snapshot {
  Config config;
  contract::ContractPtr contract;
  graphql::SchemaPtr schema;                                           // null: `graphql.path: off`
  std::shared_ptr<const edge::graphql::PersistedDocuments> persisted;  // null: `graphql.persisted` is not set
  std::shared_ptr<edge::graphql::StreamRegistry> streams;              // the node's
  std::shared_ptr<edge::websocket::StreamDirectory> shared_streams;    // the node's
  // By the contract's service: "shop.Orders".
  std::map<std::string, ServedBy, std::less<>> served_by;
  edge::files::FileSetPtr files;             // null: none
  std::shared_ptr<queue::Backend> messages;  // the node's; null: the contract has no queues, topics or events
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace parley::node
