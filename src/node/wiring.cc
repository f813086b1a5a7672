// The product on one page: what a worker is made of, nearest the wire first.
#include <future>
#include <random>

#include "base/log.h"
#include "contract/event_service.h"
#include "filter/limits.h"
#include "filter/telemetry.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "mesh/cluster.h"
#include "net/client_pool.h"
#include "node/dispatch.h"
#include "node/edge_options.h"
#include "node/pull_api.h"
#include "node/shard_front.h"
#include "node/worker.h"
#include "queue/declarations_of.h"
#include "route/grpc/grpc_route.h"
#include "route/http/http_route.h"
#include "route/local/built_in_services.h"
#include "route/queue/queue_route.h"

namespace parley::node {
namespace {

net::ServerLimits server_limits(const Config& config) {
  net::ServerLimits limits;
  limits.header_bytes = static_cast<std::size_t>(config.limits.header_bytes);
  limits.concurrent_streams = static_cast<std::uint32_t>(config.limits.concurrent_streams);
  limits.connections = static_cast<std::size_t>(config.limits.connections);
  limits.header_timeout = config.limits.header_timeout;
  limits.idle_timeout = config.limits.idle_timeout;
  limits.body_timeout = config.limits.body_timeout;
  return limits;
}

net::PoolLimits pool_limits(const Config& config) {
  net::PoolLimits limits;
  limits.connect_timeout = config.timeouts.connect;
  return limits;
}

edge::GraphqlOptions graphql_options(const Snapshot& snapshot) {
  edge::GraphqlOptions options = edge_options(snapshot.config).graphql;
  options.streams = snapshot.streams;
  return options;
}

EdgeOptions user_edge_options(const Snapshot& snapshot, std::function<bool(net::ServerExchange&)> no_route) {
  EdgeOptions options = edge_options(snapshot.config);
  options.rest.no_route = std::move(no_route);
  options.websocket.streams = snapshot.shared_streams;
  return options;
}

// /openapi.json and /docs are about the user's contract.
EdgeOptions own_edge_options(const Config& config) {
  EdgeOptions options = edge_options(config);
  options.rest.documents = false;
  return options;
}

HandlerPtr route_to(const ServedBy& by, net::ClientPool& pool) {
  auto cluster = std::make_shared<mesh::Cluster>(by.name, by.cluster, pool);
  if (by.cluster.protocol == mesh::Protocol::http) return std::make_shared<route::HttpRoute>(std::move(cluster));
  return std::make_shared<route::GrpcRoute>(std::move(cluster));
}

// The configuration was checked when it was read.
route::Tunnels tunnels_of(const Config& config, net::ClientPool& pool) {
  std::vector<route::Tunnels::Target> targets;
  for (const auto& [name, tunnel] : config.tunnels) {
    mesh::ClusterConfig places = mesh::parse_addresses(tunnel.at).value();
    for (net::Origin& origin : places.origins)
      origin.tls_config.ca_file = tunnel.ca.empty() ? "" : (config.folder / tunnel.ca).string();
    targets.push_back({.path = tunnel.path,
                       .cluster = std::make_shared<mesh::Cluster>(name, std::move(places), pool),
                       .metrics = {.tunnel = name}});
  }
  return route::Tunnels(std::move(targets));
}

// Routes by the name of their service in parley.yaml.
using Routes = std::map<std::string, HandlerPtr>;

}  // namespace

struct Worker::Inside {
  Inside(const Setup& setup)
      : shard(setup.index),
        count(setup.count),
        front([this](const RefusedRequest& request) { filter::count_refused(request, metrics, access); }),
        access(setup.access),
        pool(shard, pool_limits(setup.snapshot->config)),
        readiness(front),
        own_services(front, readiness),
        user_edges(front,
                   user_edge_options(*setup.snapshot,
                                     [this](net::ServerExchange& exchange) { return files.answer_page(exchange); })),
        own_edges(own_services, own_edge_options(setup.snapshot->config)),
        graphql(
            front, graphql_options(*setup.snapshot), [this] { return schema; }, setup.snapshot->persisted),
        tunnels(tunnels_of(setup.snapshot->config, pool)),
        dispatch(user_edges, own_edges, own_services, graphql, tunnels, files) {
    apply(setup.snapshot);
    own_services.wrap([this](const contract::Method&, HandlerPtr inner) { return filtered(std::move(inner)); });
  }

  void apply(const SnapshotPtr& snapshot) {
    if (draining) return;
    if (snapshot->messages != nullptr && broker == nullptr) open_messages(*snapshot->messages, snapshot->config);
    pending->max = static_cast<std::size_t>(snapshot->config.limits.pending_calls);
    pending->default_deadline = snapshot->config.timeouts.call;
    Routes routes;
    for (const auto& [service, by] : snapshot->served_by) {
      HandlerPtr& route = routes[by.name];
      if (route == nullptr) route = route_to(by, pool);
    }
    front.swap(
        snapshot->contract,
        [&](const contract::Method& method) { return filtered(route_of(*snapshot, routes, method)); },
        [&](const contract::Method& method) {
          const bool is_here = (method.queue || method.subscribe) && snapshot->served_by.contains(method.service);
          return is_here ? filtered(route(*snapshot, routes, method)) : nullptr;
        });
    if (serving && deliveries) deliveries->apply(front);
    files.swap(snapshot->files, snapshot->config.files.at, snapshot->config.files.fallback);
    schema = snapshot->schema;
    readiness.changed().notify();
  }

  void open_messages(queue::Backend& backend, const Config& config) {
    broker = backend.open(shard);
    queue_route = std::make_shared<route::QueueRoute>(*broker, clock);
    stats = std::make_unique<QueueStats>(shard, *broker);
    deliveries = std::make_unique<edge::Deliveries>(
        shard, *broker,
        edge::DeliveryEdgeOptions{.shard = shard.index(), .shards = count, .seed = std::random_device{}()});
    pull_api = std::make_unique<PullApi>(
        front, *broker, backend, clock, config,
        [this](const contract::Method&, HandlerPtr inner) { return filtered(std::move(inner)); });
    dispatch.set_messages(*pull_api);
    own_services.also_tell_of(route::MessageServices::api_contract());
  }

  // Once there is no way back: what is delivered has to be waited for.
  void serve(std::unique_ptr<net::Server> listening) {
    server = std::move(listening);
    serving = true;
    if (deliveries) deliveries->apply(front);
  }

  // Telemetry is outermost: what limits refuse is counted too.
  HandlerPtr filtered(HandlerPtr inner) {
    auto limited = std::make_shared<filter::Limits>(std::move(inner), pending);
    return std::make_shared<filter::Telemetry>(std::move(limited), metrics, access);
  }

  HandlerPtr route_of(const Snapshot& snapshot, const Routes& routes, const contract::Method& method) {
    if (method.queue) return queue_route;
    if (method.service == contract::event_service_name) return pull_api->event_streams();
    return route(snapshot, routes, method);
  }

  static HandlerPtr route(const Snapshot& snapshot, const Routes& routes, const contract::Method& method) {
    if (!method.not_served.empty()) {
      return std::make_shared<Refusal>(
          Error(Code::unimplemented, Blame::us, method.not_served).with_reason("not_served_yet"));
    }
    const auto by = snapshot.served_by.find(method.service);
    if (by == snapshot.served_by.end()) {
      return std::make_shared<Refusal>(
          Error(Code::unimplemented, Blame::us, "no service in parley.yaml serves " + method.service)
              .with_reason("no_service"));
    }
    return routes.at(by->second.name);
  }

  Task<void> drain(Deadline deadline) {
    readiness.drain();  // health says so first, so that callers move elsewhere
    draining = true;
    if (pull_api) pull_api->stop_waiting();
    TaskGroup work;
    work.spawn(server->drain(deadline));
    if (deliveries) work.spawn(deliveries->drain(deadline));
    co_await work.join();
    co_await user_edges.drain();
    co_await own_edges.drain();
    if (pull_api) co_await pull_api->drain();
    if (broker) {
      co_await broker->close();
      co_await stats->join();
    }
    co_await pool.drain(deadline);
  }

  Worker::Numbers numbers() const {
    return {.calls = metrics.copy(),
            .connections = server->connection_count(),
            .deliveries = deliveries ? deliveries->metrics() : std::vector<edge::deliveries::IntakeMetrics>(),
            .queues = {},
            .tunnels = tunnels.metrics()};
  }

  std::vector<queue::Source> sources() const {
    std::vector<queue::Source> all;
    const queue::Declarations declared = queue::declarations_of(*front.contract());
    for (const queue::QueueDeclaration& queue : declared.queues) all.push_back({queue.consumer.name, ""});
    for (const queue::TopicDeclaration& topic : declared.topics) {
      for (const queue::Consumer& group : topic.groups) all.push_back({topic.name, group.group});
    }
    return all;
  }

  Shard shard;
  const int count;
  WallClock clock;
  std::unique_ptr<queue::Broker> broker;  // null: no messages
  HandlerPtr queue_route;
  std::unique_ptr<QueueStats> stats;
  std::unique_ptr<edge::Deliveries> deliveries;
  bool serving = false;
  bool draining = false;
  ShardFront front;
  graphql::SchemaPtr schema;
  filter::Metrics metrics;
  std::shared_ptr<filter::Pending> pending = std::make_shared<filter::Pending>();
  filter::AccessLog::Lane* access;
  net::ClientPool pool;
  route::ContractReadiness readiness;
  route::BuiltInServices own_services;
  Edges user_edges;
  Edges own_edges;
  edge::FilesEdge files;
  edge::GraphqlEdge graphql;
  route::Tunnels tunnels;
  std::unique_ptr<PullApi> pull_api;  // null: no messages
  Dispatch dispatch;
  std::unique_ptr<net::Server> server;
  TaskGroup tasks;
};

Result<std::unique_ptr<Worker>> Worker::start(Setup setup) {
  std::unique_ptr<Worker> worker(new Worker);
  std::promise<Result<void>> listening;
  auto listened = listening.get_future();
  worker->thread_ = std::thread([&listening, self = worker.get(), setup = std::move(setup)] {
    Inside inside(setup);
    auto server =
        net::Server::listen(inside.shard, setup.listen, server_limits(setup.snapshot->config), inside.dispatch);
    if (!server) {
      if (inside.broker) run_blocking(inside.shard, inside.broker->close());
      listening.set_value(fail(std::move(server).error()));
      return;
    }
    inside.serve(std::move(*server));
    self->inside_ = &inside;
    self->port_ = inside.server->port();
    listening.set_value({});
    inside.shard.run();
  });
  if (auto result = listened.get(); !result) {
    worker->thread_.join();
    return fail(std::move(result).error());
  }
  return worker;
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  inside_->shard.stop();
  thread_.join();
}

void Worker::apply(SnapshotPtr snapshot) {
  inside_->shard.post([inside = inside_, snapshot = std::move(snapshot)] { inside->apply(snapshot); });
}

void Worker::copy_metrics(Shard& control, std::function<void(Numbers)> done) {
  struct Run {
    static Task<void> copied(Inside* inside, Shard* control, std::function<void(Numbers)> done) {
      std::vector<SourceStats> queues;
      if (inside->stats && !inside->draining && inside->shard.index() == 0)
        queues = co_await inside->stats->get(inside->sources());
      Numbers numbers = inside->numbers();
      numbers.queues = std::move(queues);
      control->post([done, numbers = std::move(numbers)] { done(numbers); });
    }
  };
  inside_->shard.post([inside = inside_, &control, done = std::move(done)] {
    inside->tasks.spawn(Run::copied(inside, &control, done));
  });
}

void Worker::drain(Shard& control, Duration patience, std::function<void()> done) {
  struct Run {
    static Task<void> drained(Inside* inside, Duration patience, Shard* control, std::function<void()> done) {
      co_await inside->drain(Deadline::after(inside->shard.now(), patience));
      control->post(std::move(done));
    }
  };
  inside_->shard.post([inside = inside_, patience, &control, done = std::move(done)] {
    inside->tasks.spawn(Run::drained(inside, patience, &control, done));
  });
}

}  // namespace parley::node
