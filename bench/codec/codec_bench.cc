// The transcoder's speed on one core, in megabytes of JSON a second (10^6 bytes), beside libprotobuf's own JSON.
//
//   codec_bench [--json] [--seconds S] [NAME…]   rows whose name holds one of the NAMEs; all by default
//
// Messages: an order and a page of a hundred orders of examples/shop, and large arrays of one kind (arrays.proto). Each
// figure is the median of many short batches.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include "contract/transcode.h"

namespace {

namespace pb = google::protobuf;
using parley::contract::MessageTable;
using parley::contract::TableSet;

constexpr double aim_from_json = 300;
constexpr double aim_to_json = 500;

[[noreturn]] void die(const std::string& message) {
  std::fprintf(stderr, "codec_bench: %s\n", message.c_str());
  std::exit(1);
}

std::string array_of(std::string_view field, int count, const std::function<std::string()>& element) {
  std::string json = "{\"" + std::string(field) + "\":[";
  for (int i = 0; i < count; ++i) json += (i == 0 ? "" : ",") + element();
  return json + "]}";
}

class Samples {
 public:
  std::string order() {
    const auto number = pick(100000);
    std::string items;
    for (unsigned i = 0; i <= pick(4); ++i) {
      items += fmt::format(
          R"({}{{"product":"products/{}","quantity":{},"unitPrice":{{"currency":"EUR","minorUnits":"{}"}}}})",
          i == 0 ? "" : ",", product(), 1 + pick(9), 100 + pick(100000));
    }
    return fmt::format(
        R"({{"name":"orders/{}","customer":"customers/{}","state":"{}","items":[{}],)"
        R"("total":{{"currency":"EUR","minorUnits":"{}"}},)"
        R"("shipTo":{{"recipient":"Ada Lovelace","lines":["{} St James's Square","Côté jardin"],"city":"London",)"
        R"("postalCode":"SW1Y 4JH","country":"GB"}},"labels":{{"channel":"web","campaign":"autumn"}},)"
        R"("giftMessage":"Happy birthday, Charles!","note":"Leave with the porter.\nRing twice.",)"
        R"("createTime":"2026-09-{:02}T10:{:02}:20.250Z","updateTime":"2026-09-{:02}T12:00:{:02}Z"}})",
        number, product(), state(), items, 100 + pick(1000000), pick(300), 1 + pick(28), pick(60), 1 + pick(28),
        pick(60));
  }

  std::string orders(int count) {
    std::string json = R"({"orders":[)";
    for (int i = 0; i < count; ++i) json += (i == 0 ? "" : ",") + order();
    return json + R"(],"nextPageToken":"b3JkZXJzLzQy","totalSize":4711})";
  }

  std::string integer() { return std::to_string(static_cast<int>(random_()) >> pick(31)); }
  std::string big_integer() { return fmt::format("\"{}\"", static_cast<std::int64_t>(random_() >> pick(63))); }
  std::string price() { return fmt::format("{}.{:02}", pick(10000), 1 + pick(99)); }
  std::string measurement() { return fmt::format("{}", std::uniform_real_distribution<>(-1000, 1000)(random_)); }
  std::string word() { return fmt::format("\"{}-{}\"", product(), pick(1000)); }
  std::string text() {
    std::string json = "\"";
    for (unsigned i = 0; i < 20 + pick(40); ++i) json += product() + (pick(10) == 0 ? " – größer " : " ");
    return json + "\\n\"";
  }
  std::string blob() { return "\"" + std::string(4 * (8 + pick(200)), 'Q') + "\""; }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  std::string product() {
    constexpr const char* names[] = {"oslo-lamp", "bergen-chair", "wool-blanket", "tea-cup",
                                     "long-dining-table-of-oak"};
    return names[pick(std::size(names))];
  }
  std::string state() {
    constexpr const char* names[] = {"PLACED", "PAID", "PACKED", "SHIPPED", "DELIVERED", "CANCELLED"};
    return names[pick(std::size(names))];
  }
  std::mt19937_64 random_{42};
};

// Seconds of CPU this thread has used: what others do on the machine is not counted.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// MB/s of `bytes` a call: the median of batches of about 10 ms.
double measure(std::size_t bytes, double seconds, const std::function<void()>& call) {
  const auto batch = [&](std::size_t calls) {
    const double start = cpu_seconds();
    for (std::size_t i = 0; i < calls; ++i) call();
    return cpu_seconds() - start;
  };
  std::size_t calls = 1;
  while (batch(calls) < 0.01) calls *= 2;
  std::vector<double> rates;
  const double start = cpu_seconds();
  do {
    rates.push_back(static_cast<double>(bytes * calls) / batch(calls) / 1e6);
  } while (cpu_seconds() - start < seconds);
  std::ranges::nth_element(rates, rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2));
  return rates[rates.size() / 2];
}

struct Options {
  bool json = false;
  double seconds = 0.3;
  std::vector<std::string> names;

  bool wants(std::string_view row) const {
    return names.empty() || std::ranges::any_of(names, [row](const auto& name) { return row.contains(name); });
  }
};

class Bench {
 public:
  explicit Bench(Options options) : options_(std::move(options)), importer_(sources(), nullptr) {
    const auto* orders = importer_.Import("shop/orders.proto");
    const auto* arrays = importer_.Import("arrays.proto");
    if (orders == nullptr || arrays == nullptr) die("cannot read the contracts of examples/shop and bench/codec");
    tables_.emplace(*importer_.pool());
    tables_->add_file(*orders);
    tables_->add_file(*arrays);
  }

  void run(const std::string& what, const char* type, const std::string& json) {
    if (!options_.wants("JSON to wire, " + what) && !options_.wants("wire to JSON, " + what)) return;
    const MessageTable& table = *tables_->find(type);
    std::string wire;
    if (const auto done = json_to_wire(table, json, wire); !done) die(what + ": " + done.error().message());
    std::string printed;
    if (const auto done = wire_to_json(table, wire, printed); !done) die(what + ": " + done.error().message());
    std::string out;
    const double from = measure(json.size(), options_.seconds, [&] {
      out.clear();
      if (!json_to_wire(table, json, out)) std::abort();
    });
    const double to = measure(printed.size(), options_.seconds, [&] {
      out.clear();
      if (!wire_to_json(table, wire, out)) std::abort();
    });
    const auto [theirs_from, theirs_to] = libprotobuf(type, json, wire);
    row("JSON to wire, " + what, from, aim_from_json, theirs_from);
    row("wire to JSON, " + what, to, aim_to_json, theirs_to);
  }

 private:
  pb::compiler::DiskSourceTree* sources() {
    for (const char* root : {PARLEY_SOURCE_DIR "/examples/shop/contracts", PARLEY_SOURCE_DIR "/contracts",
                             PARLEY_SOURCE_DIR "/bench/codec", PARLEY_PROTOBUF_INCLUDE}) {
      tree_.MapPath("", root);
    }
    return &tree_;
  }

  // The same by libprotobuf's reflection: parse JSON and serialize; parse wire and print.
  std::pair<double, double> libprotobuf(const char* type, const std::string& json, const std::string& wire) {
    const pb::Message* prototype = factory_.GetPrototype(importer_.pool()->FindMessageTypeByName(type));
    const std::unique_ptr<pb::Message> message(prototype->New());
    std::string out;
    const double from = measure(json.size(), options_.seconds / 3, [&] {
      message->Clear();
      if (!pb::util::JsonStringToMessage(json, message.get()).ok()) std::abort();
      out.clear();
      message->AppendToString(&out);
    });
    const double to = measure(json.size(), options_.seconds / 3, [&] {
      message->ParseFromString(wire);
      out.clear();
      if (!pb::util::MessageToJsonString(*message, &out).ok()) std::abort();
    });
    return {from, to};
  }

  void row(const std::string& name, double ours, double aim, double theirs) const {
    if (!options_.wants(name)) return;
    if (options_.json) {
      fmt::print(
          R"({{"name":"{}","unit":"MB/s","better":"higher","ours":{:.0f},"aim":{:.0f},"peers":{{"libprotobuf":{:.0f}}}}})"
          "\n",
          name, ours, aim, theirs);
    } else {
      fmt::print("{:45} {:7.0f} MB/s   aim {:4.0f}   libprotobuf {:4.0f}\n", name, ours, aim, theirs);
    }
    std::fflush(stdout);
  }

  Options options_;
  pb::compiler::DiskSourceTree tree_;
  pb::compiler::Importer importer_;
  pb::DynamicMessageFactory factory_;
  std::optional<TableSet> tables_;
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      options.json = true;
    } else if (word == "--seconds" && i + 1 < argc) {
      options.seconds = std::atof(argv[++i]);
    } else if (word.starts_with("--")) {
      die("unknown option " + std::string(word) + "; usage: codec_bench [--json] [--seconds S] [NAME...]");
    } else {
      options.names.emplace_back(word);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Bench bench(read_options(argc, argv));
  Samples samples;
  constexpr int many = 20000;
  bench.run("one order", "shop.Order", samples.order());
  bench.run("a page of 100 orders", "shop.ListOrdersResponse", samples.orders(100));
  bench.run("32-bit integers", "bench.Arrays", array_of("integers", many, [&] { return samples.integer(); }));
  bench.run("64-bit integers", "bench.Arrays", array_of("bigIntegers", many, [&] { return samples.big_integer(); }));
  bench.run("prices", "bench.Arrays", array_of("prices", many, [&] { return samples.price(); }));
  bench.run("measurements", "bench.Arrays", array_of("measurements", many, [&] { return samples.measurement(); }));
  bench.run("words", "bench.Arrays", array_of("words", many, [&] { return samples.word(); }));
  bench.run("texts", "bench.Arrays", array_of("texts", many / 50, [&] { return samples.text(); }));
  bench.run("bytes", "bench.Arrays", array_of("blobs", many / 50, [&] { return samples.blob(); }));
  return 0;
}
