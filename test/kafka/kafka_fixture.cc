#include "kafka_fixture.h"

#include <array>
#include <stdexcept>

namespace parley::queue::kafka {

KafkaServer& KafkaServer::get() {
  static auto* server = static_cast<KafkaServer*>(testing::AddGlobalTestEnvironment(new KafkaServer));
  return *server;
}
namespace {
[[maybe_unused]] const KafkaServer& registered = KafkaServer::get();
}

std::string KafkaServer::line() {
  std::array<char, 4096> buffer{};
  if (fgets(buffer.data(), buffer.size(), from_) == nullptr) throw std::runtime_error("control.py ended");
  std::string text(buffer.data());
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

void KafkaServer::SetUp() {
  int orders[2];
  int answers[2];
  if (pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  pid_ = fork();
  if (pid_ == 0) {
    dup2(orders[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    execlp("python3", "python3", KAFKA_CONTROL_PY, "--cache", KAFKA_CACHE, nullptr);
    _exit(127);
  }
  ::close(orders[0]);
  ::close(answers[1]);
  to_ = fdopen(orders[1], "w");
  from_ = fdopen(answers[0], "r");
  std::string answer;
  do {
    answer = line();
  } while (!answer.starts_with("ready "));
  std::istringstream words(answer);
  std::string ready;
  words >> ready >> port >> tls_port >> sasl_port >> ca;
}

void KafkaServer::TearDown() {
  if (to_ != nullptr) fclose(to_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  if (from_ != nullptr) fclose(from_);
}

void KafkaServer::tell(const std::string& order) {
  fprintf(to_, "%s\n", order.c_str());
  fflush(to_);
  while (line() != "done") {
  }
}

Node::Node(const std::string& prefix, const std::string& options) {
  open(fmt::format("kafka://127.0.0.1:{}?prefix={}&session=60s&timeout=60s{}", KafkaServer::get().port, prefix,
                   options));
}

void Node::open(const std::string& url) {
  auto made = make_backend(url, clock_);
  if (!made) throw std::runtime_error(made.error().text());
  backend_ = *std::move(made);
  broker_ = backend_->open(shard_);
}

void Node::end() {
  if (!backend_) return;
  run_blocking(shard_, broker_->close());
  broker_.reset();
  backend_.reset();
}

Result<Receipt> Node::publish(const std::string& to, const std::string& payload, const std::string& key) {
  static int number = 0;
  Publish request;
  request.to = to;
  request.message.id = fmt::format("id-{}", ++number);
  request.message.source = "/test";
  request.message.type = "test.Message";
  request.message.key = key;
  request.message.content_type = "application/protobuf";
  request.message.time = clock_.now();
  request.message.payload = Bytes(payload);
  return wait(broker_->publish(std::move(request)));
}

std::vector<Delivery> Node::lease(const Source& source, int max, Duration wait, Duration lease) {
  auto leased = this->wait(broker_->lease({.source = source,
                                           .max_messages = max,
                                           .max_bytes = 16 << 20,
                                           .lease = lease,
                                           .wait = Deadline::after(Clock::now(), wait)}));
  if (leased) return *std::move(leased);
  ADD_FAILURE() << leased.error().text();
  return {};
}

std::vector<Delivery> Node::lease_all(const Source& source, std::size_t count) {
  std::vector<Delivery> all;
  while (all.size() < count) {
    auto more = lease(source, static_cast<int>(count - all.size()));
    if (more.empty()) break;
    for (Delivery& d : more) all.push_back(std::move(d));
  }
  return all;
}

Result<void> Node::settle(const Source& source, const Delivery& delivery, Settlement how) {
  return wait(broker_->settle(source, delivery.lease, std::move(how)));
}

std::string Node::next(const Source& source, Duration wait) {
  auto leased = lease(source, 1, wait);
  if (leased.empty()) return "";
  auto settled = settle(source, leased[0]);
  EXPECT_TRUE(settled.has_value()) << settled.error().text();
  return text(leased[0]);
}

Stats Node::stats(const Source& source) {
  auto stats = wait(broker_->stats(source));
  if (stats) return *stats;
  ADD_FAILURE() << stats.error().text();
  return {};
}

Declarations declarations(const std::vector<Wish>& wishes) {
  Declarations out;
  for (const Wish& wish : wishes) {
    Consumer consumer;
    consumer.name = wish.name;
    consumer.group = wish.group;
    consumer.keyed = wish.keyed;
    consumer.from_earliest = wish.from_earliest;
    if (wish.group.empty()) {
      out.queues.push_back({.consumer = consumer, .dedup_window = wish.dedup, .ttl = wish.ttl});
      continue;
    }
    if (out.topics.empty() || out.topics.back().name != wish.name) {
      out.topics.push_back({.name = wish.name, .keyed = wish.keyed, .groups = {}});
    }
    out.topics.back().groups.push_back(consumer);
  }
  return out;
}

std::string new_prefix() {
  static int number = 0;
  return fmt::format("t{}.", ++number);
}

}  // namespace parley::queue::kafka
