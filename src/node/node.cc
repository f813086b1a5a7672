#include "node/node.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <thread>
#include <tuple>

#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/task_group.h"
#include "net/server.h"
#include "node/admin.h"
#include "node/contract_source.h"
#include "node/file_watch.h"
#include "node/messages.h"
#include "node/on_thread.h"
#include "node/process.h"
#include "node/queue_metrics.h"
#include "node/reachable.h"
#include "node/services.h"
#include "node/signals.h"
#include "node/tunnel_metrics.h"
#include "node/worker.h"
#include "queue/declarations_of.h"

namespace parley::node {
namespace {

using namespace std::chrono_literals;

constexpr Duration look_at_files = 500ms;
constexpr Duration look_at_services = 50ms;
constexpr Duration stop_patience = 10s;
constexpr Duration start_patience = 5min;  // with a service that is started beside this node, for its first word
constexpr Duration worth_telling = 2s;     // a part of the stop that takes so long

void print(const std::vector<contract::Diagnostic>& diagnostics) {
  for (const auto& d : diagnostics) {
    if (d.severity == contract::Diagnostic::Severity::error) {
      log::error("{}", d.text());
    } else {
      log::warn("{}", d.text());
    }
  }
}

// `error` has a line for every problem.
void tell_kept(const std::string& why, const Error& error) {
  log::write_lines(log::Level::error, fmt::format("reload ({}): {}; keeping what was running", why, error.message()));
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::debug;
  if (name == "warn") return log::Level::warn;
  if (name == "error") return log::Level::error;
  return log::Level::info;
}

// Every connection is a descriptor: what the system allows is taken.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// By the services' names.
std::map<std::string, std::string> commands_of(const Config& config) {
  std::map<std::string, std::string> commands;
  for (const auto& [name, service] : config.services) {
    if (!service.run.empty()) commands.emplace(name, service.run);
  }
  return commands;
}

// Listeners, pools, edges and processes are made once, of these; everything else is read from the snapshot in force.
bool needs_restart(const Config& was, const Config& is) {
  const auto made_of = [](const Config& c) {
    return std::tie(c.listen, c.admin, c.shards, c.messages, c.queues, c.topics, c.data, c.store.segment_bytes,
                    c.pull_api, c.cors.origins, c.cors.headers, c.cors.credentials, c.cors.max_age,
                    c.limits.message_bytes, c.limits.header_bytes, c.limits.concurrent_streams, c.limits.connections,
                    c.limits.header_timeout, c.limits.idle_timeout, c.limits.body_timeout, c.timeouts.connect,
                    c.websocket, c.tunnels, c.graphql, c.log.level, c.log.access, c.tls.cert, c.tls.key,
                    c.tls.client_ca, c.tls.require_client_cert);
  };
  return made_of(was) != made_of(is) || commands_of(was) != commands_of(is);
}

// A folder that is not there yet is waited for: whoever builds the page may come later.
Result<edge::files::FileSetPtr> load_files(const Config& config) {
  if (config.files.folder.empty()) return nullptr;
  auto loaded = edge::files::FileSet::load({.folder = config.folder / config.files.folder,
                                            .immutable = config.files.immutable,
                                            .max_bytes = config.files.max_bytes});
  if (loaded || loaded.error().code() != Code::not_found) return loaded;
  log::warn("files: {}; they are served once it is there", loaded.error().message());
  return nullptr;
}

double resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  long total = 0;
  long resident = 0;
  const int got = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  return got == 2 ? static_cast<double>(resident * sysconf(_SC_PAGESIZE)) : 0;
}

// A node that keeps queues for others has none of their services; for all others it is a slip that nobody would notice.
void tell_undelivered(const Snapshot& snapshot) {
  std::string names;
  for (const contract::Service& service : snapshot.contract->services()) {
    const bool takes = std::ranges::any_of(service.methods, [](const auto& m) { return m.queue || m.subscribe; });
    if (takes && !snapshot.served_by.contains(service.name))
      names.append(names.empty() ? "" : ", ").append(service.name);
  }
  if (!names.empty())
    log::info("messages for {} are stored and not delivered by this node: no service in parley.yaml serves it", names);
}

}  // namespace

struct Node::Rep {
  explicit Rep(Config c)
      : config(std::move(c)),
        signals(control, [this](int number) { received(number); }),
        admin({.metrics = [this] { return metrics(); }, .not_ready = [this] { return why_not_ready(); }}) {}

  Result<void> start();
  Result<void> start_processes();
  Result<void> start_workers();
  Result<void> start_admin();
  Task<Result<SnapshotPtr>> make_snapshot(Config from);
  Task<Result<void>> provide_messages(const Config& from, const contract::Contract& contract);
  void watch_files();
  Task<void> look_after_files();
  Task<void> wait_for_services();
  Task<void> reload(std::string why);
  Task<void> reload_once(std::string why);
  void received(int number);
  Task<void> leave();
  Task<void> stop_processes();
  Task<std::string> metrics();
  std::string why_not_ready() const;
  Task<void> drain();
  void close_messages();
  void announce() const;

  Config config;
  Shard control;
  Signals signals;                           // before any thread
  std::shared_ptr<queue::Backend> messages;  // outlives the workers and their brokers; null: none
  SnapshotPtr snapshot;
  std::shared_ptr<edge::graphql::StreamRegistry> streams = std::make_shared<edge::graphql::StreamRegistry>();
  std::shared_ptr<edge::websocket::StreamDirectory> shared_streams =
      std::make_shared<edge::websocket::StreamDirectory>();
  FileWatch files;
  std::shared_ptr<net::TlsServerContext> tls;
  std::unique_ptr<filter::AccessLog> access;
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<std::unique_ptr<Worker>> workers;
  Admin admin;
  std::unique_ptr<net::Server> admin_server;
  std::string not_ready = "starting";
  Instant started = Clock::now();
  TaskGroup tasks;
  Signal changed;
  bool reloading = false;
  bool reload_again = false;
  bool is_started = false;
  bool stopping = false;
  bool stopped = false;
};

Node::Node(Config config) : rep_(std::make_unique<Rep>(std::move(config))) {}
Node::~Node() = default;

Result<void> Node::run() {
  raise_descriptor_limit();
  log::set_level(level_of(rep_->config.log.level));
  auto started = rep_->start();
  rep_->is_started = true;
  if (started && !rep_->stopping) {
    rep_->announce();
    rep_->tasks.spawn(rep_->wait_for_services());
    rep_->tasks.spawn(rep_->look_after_files());
    if (rep_->reload_again) rep_->tasks.spawn(rep_->reload("SIGHUP"));
  } else {
    rep_->stopping = true;
    rep_->tasks.spawn(rep_->drain());
  }
  rep_->control.run_until([this] { return rep_->stopped && rep_->tasks.live() == 0; });
  rep_->close_messages();
  return started;
}

Result<void> Node::Rep::start() {
  if (auto listening = start_admin(); !listening) return listening;  // first: whoever waits for us asks there
  if (auto started_processes = start_processes(); !started_processes) return started_processes;
  auto made = run_blocking(control, make_snapshot(config));
  if (!made) return fail(std::move(made).error());
  if (stopping) return {};
  snapshot = std::move(*made);
  if (!config.tls.cert.empty()) {
    const auto path = [this](const std::string& file) { return file.empty() ? file : (config.folder / file).string(); };
    auto loaded = net::TlsServerContext::load({.cert_file = path(config.tls.cert),
                                               .key_file = path(config.tls.key),
                                               .client_ca_file = path(config.tls.client_ca),
                                               .require_client_cert = config.tls.require_client_cert});
    if (!loaded) return fail(std::move(loaded).error());
    tls = std::move(*loaded);
  }
  if (auto listening = start_workers(); !listening) return listening;
  watch_files();
  return {};
}

Result<void> Node::Rep::start_processes() {
  for (const auto& [name, service] : config.services) {
    if (service.run.empty()) continue;
    processes.push_back(std::make_unique<Process>(control, name, service.run, config.folder.string()));
    if (auto up = processes.back()->start(); !up) return fail(std::move(up).error().during("service '" + name + "'"));
  }
  return {};
}

Task<Result<SnapshotPtr>> Node::Rep::make_snapshot(Config from) {
  const Patience patience{.own = is_started ? Patience().own : start_patience, .stopping = &stopping};
  auto loaded = co_await load_contract(control, from, patience);
  print(loaded.diagnostics);
  if (loaded.contract == nullptr) co_return invalid("the contract has errors (above)");
  auto made = std::make_shared<Snapshot>();
  made->contract = std::move(loaded.contract);
  made->streams = streams;
  made->shared_streams = shared_streams;
  if (from.graphql.path != "off") {
    graphql::BuiltSchema built = graphql::Schema::build(made->contract);
    print(built.diagnostics);
    if (built.schema == nullptr) co_return invalid("the contract has no GraphQL schema (above)");
    made->schema = std::move(built.schema);
  }
  if (!from.graphql.persisted.empty()) {
    auto persisted = edge::graphql::PersistedDocuments::load(from.folder / from.graphql.persisted);
    if (!persisted) co_return fail(std::move(persisted).error());
    made->persisted = std::move(*persisted);
  }
  if (auto opened = co_await provide_messages(from, *made->contract); !opened)
    co_return fail(std::move(opened).error());
  made->messages = messages;
  auto served = co_await resolve_services(control, from, *made->contract, patience);
  if (!served) co_return fail(std::move(served).error());
  made->served_by = std::move(*served);
  auto files = load_files(from);
  if (!files) co_return fail(std::move(files).error().during("files"));
  made->files = std::move(*files);
  made->config = std::move(from);
  co_return made;
}

// A node that keeps no messages opens no store.
Task<Result<void>> Node::Rep::provide_messages(const Config& from, const contract::Contract& contract) {
  const queue::Declarations wanted = queue::declarations_of(contract);
  if (auto known = check_places(from, wanted); !known) co_return known;
  if (messages == nullptr) {
    if (from.messages.empty() && !uses_messages(contract)) co_return Result<void>();
    auto opened =
        co_await on_thread<Result<std::unique_ptr<queue::Backend>>>(control, [&from] { return open_messages(from); });
    if (!opened) co_return fail(std::move(opened).error());
    messages = *std::move(opened);
  }
  auto declared = co_await on_thread<Result<void>>(
      control, [backend = messages.get(), &wanted] { return backend->declare(wanted); });
  if (!declared) co_return fail(std::move(declared).error().during("messages: " + std::string(messages->name())));
  co_return Result<void>();
}

Result<void> Node::Rep::start_workers() {
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t count = config.shards > 0 ? static_cast<std::size_t>(config.shards) : cores;
  if (config.log.access != "off") {
    auto opened = filter::AccessLog::open(config.log.access, count);
    if (!opened) return fail(std::move(opened).error());
    access = std::move(*opened);
  }
  net::ListenConfig listen{.address = config.listen, .reuse_port = true, .tls = tls};
  for (std::size_t i = 0; i < count; ++i) {
    auto worker = Worker::start({.index = static_cast<int>(i),
                                 .count = static_cast<int>(count),
                                 .snapshot = snapshot,
                                 .listen = listen,
                                 .access = access == nullptr ? nullptr : &access->lane(i)});
    if (!worker) return fail(std::move(worker).error().during("listen"));
    // Port 0: the others join the one that the first was given.
    if (i == 0)
      listen.address = config.listen.substr(0, config.listen.rfind(':')) + ":" + std::to_string((*worker)->port());
    workers.push_back(std::move(*worker));
  }
  return {};
}

Result<void> Node::Rep::start_admin() {
  if (config.admin == "off") return {};
  auto listening =
      net::Server::listen(control, {.address = config.admin, .reuse_port = false, .tls = nullptr}, {}, admin);
  if (!listening) return fail(std::move(listening).error().during("admin"));
  admin_server = std::move(*listening);
  return {};
}

void Node::Rep::announce() const {
  for (const std::string& assumed : config.assumed) log::info("no parley.yaml: assuming {}", assumed);
  const std::string host = config.listen.substr(0, config.listen.rfind(':'));
  log::info(
      "serving {} services, {} rpcs on {}://{}:{} (REST, gRPC, gRPC-Web, Connect, WebSocket{}; reference at /docs)",
      snapshot->contract->services().size(), snapshot->contract->method_count(), tls ? "https" : "http",
      host.empty() ? "0.0.0.0" : host, workers.front()->port(),
      snapshot->schema ? ", GraphQL at " + config.graphql.path : "");
  tell_undelivered(*snapshot);
  if (messages) {
    const queue::Declarations kept = queue::declarations_of(*snapshot->contract);
    const bool here = messages->name() == "embedded";
    log::info("messages: {} queues and {} topics, kept by {}{}", kept.queues.size(), kept.topics.size(),
              messages->name(), here ? " in " + (config.folder / config.data).string() : "");
  }
  if (admin_server) {
    const std::string admin_host = config.admin.substr(0, config.admin.rfind(':'));
    log::info("admin on http://{}:{}/metrics", admin_host.empty() ? "0.0.0.0" : admin_host, admin_server->port());
  }
}

std::string Node::Rep::why_not_ready() const {
  if (stopping || !messages) return not_ready;
  if (const auto away = messages->unreached()) return "messages: " + away->message();
  if (!not_ready.empty()) return not_ready;
  const auto halted = messages->halted();
  return halted ? halted->message() + "; a restart goes on from what is on the disk" : "";
}

// Ready once every service that Parley runs itself has listened. Where, the configuration in force says: a reload may
// replace it meanwhile.
Task<void> Node::Rep::wait_for_services() {
  std::set<std::string> listened;
  while (!stopping) {
    const auto waited_for = std::ranges::find_if(processes, [&](const auto& process) {
      return config.services.contains(process->name()) && !listened.contains(process->name());
    });
    if (waited_for == processes.end()) break;
    const ServiceConfig& service = config.services.at((*waited_for)->name());
    const auto addresses = mesh::parse_addresses(service.at);
    if (!addresses || accepts_connections(addresses->origins.front())) {
      listened.insert((*waited_for)->name());
      continue;
    }
    not_ready = "waiting for service '" + service.name + "' to listen at " + service.at;
    co_await control.sleep(look_at_services);
  }
  if (!stopping) not_ready.clear();
}

void Node::Rep::watch_files() {
  auto paths = contract_roots(config);
  if (!config.file.empty()) paths.push_back(config.file);
  if (!config.files.folder.empty()) paths.push_back(config.folder / config.files.folder);
  for (const std::string& file : {config.tls.cert, config.tls.key, config.tls.client_ca}) {
    if (!file.empty()) paths.push_back(config.folder / file);
  }
  files.watch(std::move(paths));
}

Task<void> Node::Rep::look_after_files() {
  while (!stopping) {
    co_await control.sleep(look_at_files);
    if (!stopping && files.changed()) co_await reload("files changed");
  }
}

// A reload that fails keeps what was running. One at a time: whoever comes while one is under way has it run once more.
Task<void> Node::Rep::reload(std::string why) {
  if (reloading) {
    reload_again = true;
    co_return;
  }
  reloading = true;
  do {
    reload_again = false;
    co_await reload_once(why);
  } while (reload_again && !stopping);
  reloading = false;
}

Task<void> Node::Rep::reload_once(std::string why) {
  // Whatever else is wrong: a certificate runs out.
  if (tls != nullptr) {
    if (const auto loaded = tls->reload(); !loaded)
      log::error("reload ({}): {}; keeping the old certificate", why, loaded.error().message());
  }
  Config next = config;
  if (!config.file.empty()) {
    auto read = read_config(config.file);
    if (!read) {
      tell_kept(why, read.error());
      co_return;
    }
    next = std::move(*read);
  }
  auto made = co_await make_snapshot(next);
  if (!made) {
    tell_kept(why, made.error());
    co_return;
  }
  if (needs_restart(config, next)) {
    log::warn(
        "reload ({}): what changed of 'listen', 'admin', 'shards', 'messages', 'queues', 'topics', 'data', 'store', "
        "'pull_api', 'cors', 'limits', 'timeouts.connect', 'tls', 'websocket', 'tunnels', 'graphql', 'log' and "
        "'services.*.run' takes effect at the next start",
        why);
  }
  snapshot = std::move(*made);
  config = std::move(next);
  for (auto& worker : workers) worker->apply(snapshot);
  watch_files();
  log::info("reloaded ({}): {} services, {} rpcs", why, snapshot->contract->services().size(),
            snapshot->contract->method_count());
  tell_undelivered(*snapshot);
}

void Node::Rep::received(int number) {
  if (number == SIGHUP) {
    reload_again = reload_again || !is_started;
    if (is_started && !stopping) tasks.spawn(reload("SIGHUP"));
    return;
  }
  if (stopping) {
    log::warn("stopping at once");
    std::_Exit(130);
  }
  stopping = true;
  not_ready = "stopping";
  if (messages) messages->stop_waiting();  // a reload may be at it
  tasks.spawn(is_started ? drain() : leave());
}

// Nothing was served yet. What the start waits for on another thread (a backend that is away, a journal that is read)
// may take long, and nothing is lost by leaving it there: the store is made for processes that die.
Task<void> Node::Rep::leave() {
  log::info("stopping before the start has come to its end");
  co_await stop_processes();
  std::_Exit(0);
}

Task<void> Node::Rep::stop_processes() {
  TaskGroup stops;
  for (auto& process : processes) stops.spawn(process->stop(stop_patience));
  co_await stops.join();
}

Task<std::string> Node::Rep::metrics() {
  // Shared with the workers' answers: the scrape may be abandoned, the answers come all the same.
  struct Gathered {
    std::vector<std::vector<filter::CallMetrics>> shards;
    std::size_t connections = 0;
    QueueMetrics queues;
    std::vector<route::TunnelMetrics> tunnels;
    Signal changed;
  };
  auto gathered = std::make_shared<Gathered>();
  for (auto& worker : workers) {
    worker->copy_metrics(control, [gathered](Worker::Numbers numbers) {
      gathered->shards.push_back(std::move(numbers.calls));
      gathered->connections += numbers.connections;
      gathered->queues.add(numbers.deliveries, numbers.queues);
      std::ranges::move(numbers.tunnels, std::back_inserter(gathered->tunnels));
      gathered->changed.notify();
    });
  }
  while (gathered->shards.size() < workers.size()) co_await gathered->changed.wait();
  std::vector<filter::Sample> samples = {
      {"parley_connections", "Open connections of callers.", static_cast<double>(gathered->connections)},
      {"parley_uptime_seconds", "Since the start.", std::chrono::duration<double>(Clock::now() - started).count()},
      {"process_resident_memory_bytes", "Resident memory.", resident_bytes()}};
  gathered->queues.put(WallClock().now(), samples);
  if (const auto state = messages ? messages->store() : std::nullopt) put_store(*state, samples);
  put_tunnels(gathered->tunnels, samples);
  co_return filter::render_prometheus(gathered->shards, samples);
}

Task<void> Node::Rep::drain() {
  if (!workers.empty())
    log::info("stopping: calls in flight may finish within {} s",
              std::chrono::duration_cast<std::chrono::seconds>(config.timeouts.drain).count());
  std::size_t left = workers.size();
  for (auto& worker : workers) {
    worker->drain(control, config.timeouts.drain, [this, &left] {
      --left;
      changed.notify();
    });
  }
  while (left > 0) co_await changed.wait();
  co_await stop_processes();
  if (admin_server) co_await admin_server->drain(Deadline::after(control.now(), 1s));
  workers.clear();
  stopped = true;
}

// A store writes its last checkpoint, clients of brokers take their leave: whoever wonders why a stop takes long shall
// read it.
void Node::Rep::close_messages() {
  const Instant began = Clock::now();
  const std::string name(messages ? messages->name() : "");
  messages = nullptr;
  snapshot = nullptr;
  const Duration took = Clock::now() - began;
  if (took < worth_telling) return;
  log::info("stopping: closing the messages ({}) took {:.1f} s", name, std::chrono::duration<double>(took).count());
}

}  // namespace parley::node
