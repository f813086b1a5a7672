// PullClient: calls of parley.Queues and parley.Topics on a running node, by gRPC, for the commands that look inside.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "loop/shard.h"
#include "mesh/cluster.h"
#include "queue/api/convert.h"
#include "route/grpc/grpc_route.h"

namespace parley::cli {

// What these commands have in common.
struct NodeOptions {
  std::string node;        // "127.0.0.1:8080", "http://…", "https://…"; "": what the configuration at `path` listens on
  std::string path = ".";  // where parley.yaml is
  bool json = false;
};

class PullClient {
 public:
  // Prints what is wrong to standard error; null then: wrong usage.
  static std::unique_ptr<PullClient> open(const NodeOptions& options);

  // One call with one reply.
  template <class Reply, class Request>
  Result<Reply> call(std::string_view path, const Request& request, Duration timeout = std::chrono::seconds(30)) {
    auto wire = exchange(path, queue::api::to_wire(request), timeout);
    if (!wire) return fail(std::move(wire).error());
    return queue::api::from_wire<Reply>(*wire);
  }
  // Replies as they come, until `each` says false or the call ends.
  Result<void> follow(std::string_view path, std::string request, const std::function<bool(std::string_view)>& each);

  // Prints an error as people or programs read it; returns the exit code.
  int failed(const Error& error) const;
  // The same of what a list lacks; 0 where nothing failed.
  int failed(const std::vector<queue::api::Status>& statuses) const {
    int exit_code = 0;
    for (const queue::api::Status& status : statuses) exit_code = failed(queue::api::error_of(status));
    return exit_code;
  }
  // Prints a reply as ProtoJSON of its type ("parley.QueueStats") on a line.
  void print_json(std::string_view type, std::string_view wire) const;
  template <class T>
  void print_json(std::string_view type, const T& message) const {
    print_json(type, std::string_view(queue::api::to_wire(message)));
  }
  // google.protobuf.Value as JSON.
  static std::string value_json(const queue::api::Raw& value);
  const NodeOptions& options() const { return options_; }

 private:
  PullClient(const NodeOptions& options, std::string at, mesh::ClusterConfig addresses);
  Result<std::string> exchange(std::string_view path, std::string request, Duration timeout);

  NodeOptions options_;
  std::string at_;
  Shard shard_;
  net::ClientPool pool_;
  route::GrpcRoute route_;
};

// "earliest", "latest", an RFC 3339 time, or a position.
queue::api::From parse_from(const std::string& text);

}  // namespace parley::cli
