// The shop's orders, as an ordinary gRPC server: it knows nothing of Parley.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <pthread.h>

#include "service.h"
#include "store.h"
#include "till.h"

namespace {

constexpr const char* usage =
    "usage: orders [--port N] [--pace MS]\n"
    "  --port N   listen on 127.0.0.1:N; 0, the default, takes a free port\n"
    "  --pace MS  a watched order moves on by one state every MS milliseconds; 300 by default\n";

struct Options {
  int port = 0;
  int pace_ms = 300;
};

// The value of a flag, within its range; the program ends with a word on why when it has none.
int number(const char* flag, const char* text, int least, int most) {
  char* end = nullptr;
  const long value = text ? std::strtol(text, &end, 10) : -1;
  if (!text || *text == '\0' || *end != '\0' || value < least || value > most) {
    std::cerr << flag << " takes a number from " << least << " to " << most << "\n" << usage;
    std::exit(2);
  }
  return static_cast<int>(value);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (std::strcmp(argv[i], "--port") == 0) {
      options.port = number("--port", value, 0, 65535);
    } else if (std::strcmp(argv[i], "--pace") == 0) {
      options.pace_ms = number("--pace", value, 1, 60'000);
    } else {
      const bool help = std::strcmp(argv[i], "--help") == 0;
      (help ? std::cout : std::cerr) << usage;
      std::exit(help ? 0 : 2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);

  // Blocked before the first thread starts, so that only sigwait() below sees them.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  shop::Store store(std::chrono::milliseconds(options.pace_ms));
  shop::Till till(store);
  shop::OrdersService service(store, till);

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second server on this port is a mistake
  builder.AddListeningPort("127.0.0.1:" + std::to_string(options.port), grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server || port == 0) {
    std::cerr << "cannot listen on 127.0.0.1:" << options.port << "\n";
    return 1;
  }
  std::cout << "listening on 127.0.0.1:" << port << std::endl;

  int signal = 0;
  sigwait(&stop_signals, &signal);
  std::cout << "stopping" << std::endl;
  service.close();
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  return 0;
}
