// How long a GraphQL operation takes from its text to its plan, when no cache knows it: parsed, validated by every rule
// and compiled for the shop's contract.
//
//   plan_bench [--json] [--print] [--runs N]     --print shows an operation and does no more
//
// Each run has a text of its own; the figures are medians, in microseconds on one core.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "contract/load.h"
#include "edge/graphql/options.h"
#include "edge/graphql/plan.h"
#include "graphql/document.h"
#include "graphql/schema.h"
#include "graphql/validation.h"

namespace {

namespace ql = parley::graphql;
using parley::edge::graphql::Plan;

constexpr double aim = 100;

[[noreturn]] void die(const std::string& message) {
  std::fprintf(stderr, "plan_bench: %s\n", message.c_str());
  std::exit(1);
}

constexpr std::string_view product =
    "name sku title description category price { currency minorUnits } countryPrices { key value { currency minorUnits "
    "} } weightGrams rating shipsWithin attributes createTime";
constexpr std::string_view order =
    "name customer state items { product quantity unitPrice { currency minorUnits } } total { currency minorUnits } "
    "destination { __typename ... on Address { recipient lines city postalCode country } ... on Pickup { store "
    "keepUntil } } labels { key value } giftMessage note createTime updateTime";

// 200 fields, as a storefront may ask for them; `n` makes its text another one.
std::string operation(int n) {
  return fmt::format(
      "query Page{0}($name: String!, $text: String!, $states: [OrderState!] = [PAID, SHIPPED]) {{\n"
      "  recent{0}: listOrders(pageSize: 10, filter: {{states: $states}}) {{ orders {{ {2} }} nextPageToken totalSize "
      "}}\n"
      "  shelf{0}: listProducts(pageSize: 20, category: \"tea\") {{ products {{ {1} }} nextPageToken }}\n"
      "  found{0}: searchProducts(query: $text, maxPrice: {{currency: \"EUR\", minorUnits: \"5000\"}}, limit: 5) {{ "
      "hits "
      "{{ score product {{ {1} }} }} }}\n"
      "  first{0}: order(name: $name) {{ {2} }}\n"
      "  second{0}: order(name: \"orders/1002\") {{ {2} }}\n"
      "  third{0}: order(name: \"orders/1003\") {{ {2} }}\n"
      "  this{0}: product(key: {{name: $name}}) {{ {1} }}\n"
      "  that{0}: product(key: {{sku: \"T-{0}\"}}) {{ {1} }}\n"
      "}}\n",
      n, product, order);
}

double now_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

ql::SchemaPtr shop_schema() {
  const auto loaded = parley::contract::load({PARLEY_SOURCE_DIR "/examples/shop/contracts"});
  if (loaded.contract == nullptr) die(loaded.diagnostics.front().text());
  auto built = ql::Schema::build(loaded.contract);
  if (built.schema == nullptr) die(built.diagnostics.front().text());
  return built.schema;
}

struct Times {
  std::vector<double> parse, validate, plan, all;

  void run(const ql::Schema& schema, const std::string& text) {
    const parley::edge::GraphqlOptions options;
    const double began = now_us();
    auto parsed = ql::Document::parse(text, {.max_tokens = options.limits.tokens});
    if (!parsed) die(parsed.error().message);
    ql::Document& document = **parsed;
    const double at_parsed = now_us();
    const auto errors = ql::validate(schema, document);
    if (!errors.empty()) die(errors.front().message);
    const double at_valid = now_us();
    const auto made = Plan::make(
        schema, document, *document.operations().front(),
        {.depth = options.limits.depth, .aliases = options.limits.aliases, .outputs = options.limits.complexity},
        [](const void*, const ql::VariableDefinition&) { return false; }, nullptr);
    if (!made) die(made.error().message);
    const double ended = now_us();
    parse.push_back(at_parsed - began);
    validate.push_back(at_valid - at_parsed);
    plan.push_back(ended - at_valid);
    all.push_back(ended - began);
  }
};

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  int runs = 5000;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--json") {
      json = true;
    } else if (flag == "--print") {
      std::fputs(operation(0).c_str(), stdout);
      return 0;
    } else if (flag == "--runs" && i + 1 < argc) {
      runs = std::max(1, std::atoi(argv[++i]));
    } else {
      die("usage: plan_bench [--json] [--print] [--runs N]");
    }
  }
  const ql::SchemaPtr schema = shop_schema();
  Times warmup;
  for (int i = 0; i < 200; ++i) warmup.run(*schema, operation(i));
  Times times;
  for (int i = 0; i < runs; ++i) times.run(*schema, operation(1000 + i));
  if (json) {
    fmt::print(
        R"({{"name":"planning an unseen GraphQL operation of 200 fields","unit":"us","better":"lower","ours":{:.1f},"aim":{},"peers":{{}}}})"
        "\n",
        median(times.all), aim);
  } else {
    fmt::print("an operation of 200 fields: {:.1f} us (parse {:.1f}, validate {:.1f}, plan {:.1f})   aim {}\n",
               median(times.all), median(times.parse), median(times.validate), median(times.plan), aim);
  }
  return 0;
}
