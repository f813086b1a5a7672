#include "cli/pull_client.h"

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "call/handler.h"
#include "cli/patient_pool.h"
#include "contract/transcode.h"
#include "loop/run_blocking.h"
#include "node/config.h"
#include "queue/cloud_event.h"
#include "route/local/messages/message_services.h"

namespace parley::cli {
namespace {

namespace api = queue::api;

// The address that the configuration listens on, or the default where there is none.
std::optional<std::string> configured_node(const std::string& path) {
  std::error_code error;
  const std::filesystem::path at(path);
  if (std::filesystem::is_directory(at, error) && !std::filesystem::exists(at / "parley.yaml", error))
    return node::Config().listen;
  const auto config = node::read_config(at);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message().c_str());
    return std::nullopt;
  }
  // A node that listens everywhere is reached here.
  std::string listen = config->listen;
  if (listen.starts_with("0.0.0.0:")) listen = "127.0.0.1" + listen.substr(7);
  if (listen.starts_with("[::]:")) listen = "[::1]" + listen.substr(4);
  return (config->tls.cert.empty() ? "http://" : "https://") + listen;
}

// gRPC, whatever the scheme says of TLS.
std::string grpc_address(std::string node) {
  while (node.ends_with('/')) node.pop_back();
  if (node.starts_with("https://")) return "grpcs://" + node.substr(8);
  if (node.starts_with("http://")) return "grpc://" + node.substr(7);
  return node.contains("://") ? node : "grpc://" + node;
}

Task<void> read_replies(Call& call, const std::function<bool(std::string_view)>& each) {
  for (;;) {
    auto reply = co_await call.replies.read();
    if (!reply || !*reply) break;
    if (!each((*reply)->view())) call.cancel(Error(Code::cancelled, Blame::caller, "enough"));
  }
  co_await call.wait_finished();
}

Task<void> run(Handler& handler, Call& call, const std::function<bool(std::string_view)>& each) {
  TaskGroup answering;
  answering.spawn(answer(handler, call));
  co_await read_replies(call, each);
  co_await answering.join();
}

}  // namespace

std::unique_ptr<PullClient> PullClient::open(const NodeOptions& options) {
  const std::optional<std::string> node = options.node.empty() ? configured_node(options.path) : options.node;
  if (!node) return nullptr;
  auto addresses = mesh::parse_addresses(grpc_address(*node));
  if (!addresses) {
    std::fprintf(stderr, "parley: --node: %s\n", addresses.error().message().c_str());
    return nullptr;
  }
  return std::unique_ptr<PullClient>(new PullClient(options, *node, std::move(*addresses)));
}

PullClient::PullClient(const NodeOptions& options, std::string at, mesh::ClusterConfig addresses)
    : options_(options),
      at_(std::move(at)),
      pool_(shard_, patient_pool()),
      route_(std::make_shared<mesh::Cluster>("the node", std::move(addresses), pool_)) {}

Result<void> PullClient::follow(std::string_view path, std::string request,
                                const std::function<bool(std::string_view)>& each) {
  const contract::ContractPtr& contract = route::MessageServices::api_contract();
  Call call(contract, *contract->find(path), "cli");
  call.requests.push(Bytes(std::move(request)));
  call.requests.end();
  bool enough = false;
  run_blocking(shard_, run(route_, call, [&](std::string_view reply) {
                 if (!enough) enough = !each(reply);
                 return !enough;
               }));
  if (call.status() == nullptr || enough) return {};
  return fail(api::with_reason_from_details(*call.status()));
}

Result<std::string> PullClient::exchange(std::string_view path, std::string request, Duration timeout) {
  const contract::ContractPtr& contract = route::MessageServices::api_contract();
  Call call(contract, *contract->find(path), "cli");
  call.set_deadline(Deadline::after(shard_.now(), timeout));
  call.requests.push(Bytes(std::move(request)));
  call.requests.end();
  std::string out;
  run_blocking(shard_, run(route_, call, [&](std::string_view reply) {
                 out = reply;
                 return true;
               }));
  if (call.status() != nullptr) return fail(api::with_reason_from_details(*call.status()));
  return out;
}

int PullClient::failed(const Error& error) const {
  if (options_.json) {
    std::fprintf(stderr, "{\"code\":\"%s\",\"reason\":%s,\"message\":%s}\n", std::string(name(error.code())).c_str(),
                 json_quoted(error.reason()).c_str(), json_quoted(error.message()).c_str());
    return 1;
  }
  std::fprintf(stderr, "%s\n", error.text().c_str());
  if (error.code() == Code::unavailable && error.is_safe_to_retry())
    std::fprintf(stderr, "Is a node running at %s? --node says where it is.\n", at_.c_str());
  if (error.reason() == "upstream_not_grpc")
    std::fprintf(stderr, "Is %s where the node's callers come (`listen`)? --node says where it is.\n", at_.c_str());
  if (error.code() == Code::unimplemented && error.reason() == "upstream_status")
    std::fprintf(
        stderr,
        "The node at %s keeps no messages: its contract has no queue, topic or event, and its parley.yaml has no "
        "`messages`.\n",
        at_.c_str());
  return 1;
}

void PullClient::print_json(std::string_view type, std::string_view wire) const {
  std::string json;
  contract::JsonOptions options;
  options.emit_defaults = true;  // a program that looks for a number finds a zero
  const contract::MessageTable* table = route::MessageServices::api_contract()->tables().find(type);
  if (auto done = contract::wire_to_json(*table, wire, json, options); !done) {
    std::fprintf(stderr, "parley: the node's answer cannot be read: %s\n", done.error().message().c_str());
    return;
  }
  std::printf("%s\n", json.c_str());
  std::fflush(stdout);
}

std::string PullClient::value_json(const api::Raw& value) {
  std::string json;
  const contract::MessageTable* table = route::MessageServices::api_contract()->tables().find("google.protobuf.Value");
  if (value.wire.empty() || !contract::wire_to_json(*table, value.wire, json)) return "";
  return json;
}

api::From parse_from(const std::string& text) {
  api::From from;
  if (text == "earliest") {
    from.earliest = true;
  } else if (const auto time = queue::parse_time(text)) {
    from.time = time;
  } else if (text != "latest") {
    from.after = text;
  }
  return from;
}

}  // namespace parley::cli
