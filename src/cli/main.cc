// parley: the command line. What each command does is in its own file; here is what it is called and what it takes.
#include <csignal>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/queue_cli.h"
#include "node/signals.h"

namespace {

using namespace parley::cli;

constexpr const char* path_help = "a folder with parley.yaml or contracts/, or a configuration file";

void add_up(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("up", "Serve everything that a configuration names");
  auto options = std::make_shared<UpOptions>();
  command->add_option("path,--config", options->path, path_help)->capture_default_str();
  command->footer("Example:\n  parley up examples/shop");
  command->callback([options, &exit_code] { exit_code = up(*options); });
}

void add_check(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("check", "Check a contract, alone or against an older one");
  auto options = std::make_shared<CheckOptions>();
  command->add_option("path", options->path, path_help)->capture_default_str();
  command->add_option("--against", options->against, "an older contract: report what would break its callers");
  command->add_flag("--json", options->json, "findings as a JSON array");
  command->footer("Example:\n  parley check . --against ../released");
  command->callback([options, &exit_code] { exit_code = check(*options); });
}

void add_call(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("call", "Call an rpc");
  auto options = std::make_shared<CallOptions>();
  command->add_option("method", options->method, "the rpc, as package.Service/Method")->required();
  command->add_option(
      "message", options->message,
      "the request as JSON, by GraphQL's names with --via graphql; - reads one message a line from standard input");
  command->add_option("--via", options->via, "how to call")
      ->check(CLI::IsMember({"rest", "grpc", "connect", "graphql", "ws"}))
      ->capture_default_str();
  command->add_option("--to", options->to, "host and port that answer")->capture_default_str();
  command->add_option("--contract", options->path, path_help)->capture_default_str();
  command->add_option("-H,--header", options->headers, "metadata, as 'name: value'; may be given again");
  command->add_option("--timeout", options->timeout, "give up after this long, such as 5s");
  command->add_flag("--json", options->json, "an error as JSON too");
  command->add_flag("-v,--verbose", options->verbose, "print headers and trailers to standard error");
  command->footer("Example:\n  parley call shop.Orders/GetOrder '{\"name\":\"orders/1\"}' --via grpc");
  command->callback([options, &exit_code] { exit_code = call(*options); });
}

void add_routes(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("routes", "List the REST address of every rpc");
  auto options = std::make_shared<RoutesOptions>();
  command->add_option("path", options->path, path_help)->capture_default_str();
  command->add_flag("--json", options->json, "as a JSON array");
  command->footer("Example:\n  parley routes examples/shop");
  command->callback([options, &exit_code] { exit_code = routes(*options); });
}

void add_openapi(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("openapi", "Print the contract as an OpenAPI 3.1 document");
  auto options = std::make_shared<OpenapiOptions>();
  command->add_option("path", options->path, path_help)->capture_default_str();
  command->footer("Example:\n  parley openapi examples/shop > openapi.json");
  command->callback([options, &exit_code] { exit_code = openapi(*options); });
}

void add_asyncapi(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("asyncapi", "Print the contract's topics and queues as an AsyncAPI 3 document");
  auto options = std::make_shared<AsyncapiOptions>();
  command->add_option("path", options->path, path_help)->capture_default_str();
  command->footer("Example:\n  parley asyncapi examples/shop > asyncapi.json");
  command->callback([options, &exit_code] { exit_code = asyncapi(*options); });
}

void add_typescript(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("typescript", "Print the contract as TypeScript, for the client of pages and Node");
  auto options = std::make_shared<TypescriptOptions>();
  command->add_option("path", options->path, path_help)->capture_default_str();
  command->footer("Example:\n  parley typescript examples/shop > contract.ts");
  command->callback([options, &exit_code] { exit_code = typescript(*options); });
}

void add_graphql_schema(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("graphql-schema", "Print the contract as a GraphQL schema");
  auto options = std::make_shared<GraphqlSchemaOptions>();
  command->add_option("path", options->path, path_help)->capture_default_str();
  command->add_flag("--json", options->json, "the answer to an introspection query");
  command->footer("Example:\n  parley graphql-schema examples/shop > schema.graphql");
  command->callback([options, &exit_code] { exit_code = graphql_schema(*options); });
}

void add_schema(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("schema", "Print schemas");
  command->require_subcommand(1);
  auto* config = command->add_subcommand("config", "The JSON Schema of parley.yaml, for editors");
  auto markdown = std::make_shared<bool>(false);
  config->add_flag("--markdown", *markdown, "the keys as a table for people");
  config->footer("Example:\n  parley schema config > parley.schema.json");
  config->callback([markdown, &exit_code] { exit_code = schema_config(*markdown); });
}

// CLI11 says of an unknown command only that one is required. `words`: what follows `path`, "parley" or "parley queue".
bool is_unknown_command(const CLI::App& app, std::span<char*> words, const std::string& path) {
  const auto commands = app.get_subcommands({});
  if (commands.empty() || words.empty() || words[0][0] == '-') return false;
  const std::string_view word = words[0];
  std::vector<std::string_view> names;
  for (const CLI::App* command : commands) {
    if (command->get_name() == word)
      return is_unknown_command(*command, words.subspan(1), path + " " + std::string(word));
    names.push_back(command->get_name());
  }
  std::fprintf(stderr, "%s: no command '%s'", path.c_str(), words[0]);
  if (const auto near = parley::nearest(word, names))
    std::fprintf(stderr, " (did you mean '%s'?)", std::string(*near).c_str());
  std::fprintf(stderr, "; %s --help lists them\n", path.c_str());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "up") parley::node::Signals::hold();  // for the node to see
  std::signal(SIGPIPE, SIG_IGN);  // a lost peer is an error of its write
  CLI::App app("Parley: every way services talk, from one contract");
  app.set_version_flag("--version", PARLEY_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Start here:\n  parley up examples/shop\n  parley call shop.Orders/GetOrder '{\"name\":\"orders/1\"}' --contract "
      "examples/shop");
  int exit_code = 0;
  add_up(app, exit_code);
  add_check(app, exit_code);
  add_call(app, exit_code);
  add_routes(app, exit_code);
  add_openapi(app, exit_code);
  add_asyncapi(app, exit_code);
  add_typescript(app, exit_code);
  add_graphql_schema(app, exit_code);
  add_schema(app, exit_code);
  add_queue(app, exit_code);
  add_topic(app, exit_code);
  if (argc > 1 && is_unknown_command(app, std::span(argv + 1, static_cast<std::size_t>(argc - 1)), "parley")) return 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "parley: %s\n", e.what());
    return 1;
  }
  return exit_code;
}
