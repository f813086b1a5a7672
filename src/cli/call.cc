#include <cstdio>
#include <iostream>
#include <semaphore>
#include <thread>

#include <unistd.h>

#include "base/nearest.h"
#include "base/text.h"
#include "call/handler.h"
#include "cli/commands.h"
#include "cli/connect_route.h"
#include "cli/contract_of.h"
#include "cli/graphql_call.h"
#include "cli/patient_pool.h"
#include "cli/websocket_route.h"
#include "contract/transcode.h"
#include "loop/run_blocking.h"
#include "mesh/cluster.h"
#include "route/grpc/grpc_route.h"
#include "route/http/http_route.h"

namespace parley::cli {
namespace {

const contract::Method* find_method(const contract::Contract& contract, const std::string& name) {
  if (const contract::Method* method = contract.find("/" + name)) return method;
  std::vector<std::string_view> names;
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) names.push_back(std::string_view(method.path).substr(1));
  }
  std::fprintf(stderr, "parley call: the contract has no rpc '%s'", name.c_str());
  if (const auto near = nearest(name, names)) std::fprintf(stderr, " (did you mean '%s'?)", std::string(*near).c_str());
  std::fprintf(stderr, "\n");
  return nullptr;
}

// What the rpc is called by: `--via`.
HandlerPtr handler_for(const std::string& via, std::shared_ptr<mesh::Cluster> cluster) {
  if (via == "rest") return std::make_shared<route::HttpRoute>(std::move(cluster));
  if (via == "connect") return std::make_shared<ConnectRoute>(std::move(cluster));
  if (via == "ws") return std::make_shared<WebSocketRoute>(std::move(cluster));
  return std::make_shared<route::GrpcRoute>(std::move(cluster));
}

bool add_headers(const std::vector<std::string>& headers, Fields& metadata) {
  for (const std::string& header : headers) {
    const auto colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      std::fprintf(stderr, "parley call: --header takes 'name: value'; found '%s'\n", header.c_str());
      return false;
    }
    metadata.add(trim(header.substr(0, colon)), trim(header.substr(colon + 1)));
  }
  return true;
}

class Caller {
 public:
  Caller(Shard& shard, Call& call, const CallOptions& options) : shard_(shard), call_(call), options_(options) {}

  // Feeds the requests; false if one is not the rpc's message.
  bool send_requests() {
    if (options_.message != "-") {
      const bool sent = send(options_.message.empty() ? "{}" : options_.message);
      call_.requests.end();
      return sent;
    }
    // Reading a terminal or a pipe blocks: a thread of its own, a few lines ahead of the call.
    std::thread([this] {
      for (std::string line; std::getline(std::cin, line);) {
        if (trim(line).empty()) continue;
        ahead_.acquire();
        shard_.post([this, line] {
          if (!send(line)) call_.cancel(Error(Code::invalid_argument, Blame::caller, "a request was malformed"));
          ahead_.release();
        });
      }
      shard_.post([this] { call_.requests.end(); });
    }).detach();
    return true;
  }

  Task<void> print_replies() {
    for (;;) {
      auto reply = co_await call_.replies.read();
      if (!reply || !*reply) break;
      std::string json;
      const auto read = contract::wire_to_json(*call_.method().output, (*reply)->view(), json);
      if (!read) {
        std::fprintf(stderr, "parley call: a reply cannot be read: %s\n", read.error().message().c_str());
        failed_ = true;
        continue;
      }
      std::printf("%s\n", json.c_str());
      std::fflush(stdout);
    }
    co_await call_.wait_finished();
  }

  int end() const {
    if (options_.verbose) {
      for (const Field f : call_.headers)
        std::fprintf(stderr, "< %s: %s\n", std::string(f.name).c_str(), std::string(f.value).c_str());
      for (const Field f : call_.trailers)
        std::fprintf(stderr, "< (trailer) %s: %s\n", std::string(f.name).c_str(), std::string(f.value).c_str());
    }
    const Error* error = call_.status();
    if (error == nullptr) return failed_ ? 1 : 0;
    if (options_.json) {
      std::fprintf(stderr, "{\"code\":\"%s\",\"reason\":%s,\"message\":%s}\n", std::string(name(error->code())).c_str(),
                   json_quoted(error->reason()).c_str(), json_quoted(error->message()).c_str());
    } else {
      std::fprintf(stderr, "%s\n", error->text().c_str());
    }
    return 1;
  }

 private:
  bool send(const std::string& json) {
    std::string wire;
    if (const auto read = contract::json_to_wire(*call_.method().input, json, wire); !read) {
      std::fprintf(stderr, "parley call: the request is not a %s: %s\n", call_.method().path.c_str(),
                   read.error().message().c_str());
      failed_ = true;
      return false;
    }
    call_.requests.push(Bytes(std::move(wire)));
    return true;
  }

  Shard& shard_;
  Call& call_;
  const CallOptions& options_;
  bool failed_ = false;
  std::counting_semaphore<16> ahead_{16};
};

Task<void> exchange(Handler* handler, Call* call, Caller* caller) {
  TaskGroup answering;
  answering.spawn(answer(*handler, *call));
  co_await caller->print_replies();
  co_await answering.join();
}

int bad_timeout(const std::string& text) {
  std::fprintf(stderr, "parley call: --timeout takes a duration, such as 5s or 250ms; found '%s'\n", text.c_str());
  return 2;
}

int call_graphql(Shard& shard, mesh::Cluster& cluster, const contract::ContractPtr& contract,
                 const contract::Method& method, const CallOptions& options) {
  const auto request = graphql_request(contract, method, options.message.empty() ? "{}" : options.message);
  Fields metadata;
  if (!add_headers(options.headers, metadata)) return 2;
  if (!request) {
    std::fprintf(stderr, "parley call: %s\n", request.error().message().c_str());
    return 2;
  }
  const auto timeout = options.timeout.empty() ? std::nullopt : parse_duration(options.timeout);
  if (!timeout && !options.timeout.empty()) return bad_timeout(options.timeout);
  const Deadline deadline = timeout ? Deadline::after(shard.now(), *timeout) : Deadline::never();
  if (timeout)
    metadata.add("grpc-timeout", std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*timeout).count()) + "m");
  return run_blocking(shard, graphql_call(cluster, *request, metadata, options, deadline));
}

}  // namespace

int call(const CallOptions& options) {
  const auto subject = subject_at(options.path);
  if (!subject) return 2;
  const contract::Method* method = find_method(*subject->loaded.contract, options.method);
  if (method == nullptr) return 2;
  const auto addresses = mesh::parse_addresses((options.via == "grpc" ? "grpc://" : "http://") + options.to);
  if (!addresses) {
    std::fprintf(stderr, "parley call: --to: %s\n", addresses.error().message().c_str());
    return 2;
  }
  Shard shard;
  net::ClientPool pool(shard, patient_pool());
  const auto cluster = std::make_shared<mesh::Cluster>(options.to, *addresses, pool);
  if (options.via == "graphql") return call_graphql(shard, *cluster, subject->loaded.contract, *method, options);
  const HandlerPtr handler = handler_for(options.via, cluster);
  Call call(subject->loaded.contract, *method, "cli");
  if (!add_headers(options.headers, call.metadata)) return 2;
  if (!options.timeout.empty()) {
    const auto timeout = parse_duration(options.timeout);
    if (!timeout) return bad_timeout(options.timeout);
    call.set_deadline(Deadline::after(shard.now(), *timeout));
  }
  Caller caller(shard, call, options);
  if (!caller.send_requests()) return 2;
  run_blocking(shard, exchange(handler.get(), &call, &caller));
  const int exit_code = caller.end();
  std::fflush(stdout);
  std::fflush(stderr);
  // The thread that reads standard input may still wait there, and would outlive what it posts to.
  if (options.message == "-") std::_Exit(exit_code);
  return exit_code;
}

}  // namespace parley::cli
