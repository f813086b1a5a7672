// A store in a temporary folder, a shard and a broker on it, for tests: calls block, time is the test's, and `restart`
// closes and opens again.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

#include "loop/run_blocking.h"
#include "loop/shard.h"
#include "queue/embedded/embedded_backend.h"

namespace parley::queue::embedded {

class TestClock final : public WallClock {
 public:
  WallTime now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void move(std::chrono::milliseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }

 private:
  mutable std::mutex mutex_;
  WallTime now_{std::chrono::milliseconds(1'700'000'000'000)};
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return *std::move(result);
}
inline void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().text());
}

// The reason of a failure; "" where there is none.
template <class T>
std::string reason_of(const Result<T>& result) {
  return result ? std::string() : std::string(result.error().reason());
}

class StoreFixture {
 public:
  // On `files` instead of the disk: they have nothing yet.
  explicit StoreFixture(store::Files& files, ModelOptions options = {})
      : options_(options), files_(&files), folder_("/") {
    open();
  }
  explicit StoreFixture(ModelOptions options = {}) : options_(options) {
    std::string name = (std::filesystem::temp_directory_path() / "parley-queue-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    open();
  }
  StoreFixture(const StoreFixture&) = delete;
  StoreFixture& operator=(const StoreFixture&) = delete;
  ~StoreFixture() {
    close();
    if (files_ == &store::real_files()) std::filesystem::remove_all(folder_);
  }

  void open() {
    store::LedgerOptions ledger;
    ledger.journal.segment_bytes = segment_bytes;
    ledger.journal.reserve_bytes = 1 << 20;
    backend_ = must(EmbeddedBackend::open(*files_, folder_ / "store", clock, ledger, options_));
    broker_ = backend_->open(shard_);
  }
  void close() {
    if (broker_) run(broker_->close());
    broker_.reset();
    backend_.reset();
  }
  void restart() {
    close();
    open();
  }

  EmbeddedBackend& backend() { return *backend_; }
  Broker& broker() { return *broker_; }
  Shard& shard() { return shard_; }
  template <class T>
  T run(Task<T> task) {
    return run_blocking(shard_, std::move(task));
  }

  void declare(Consumer consumer, Duration dedup = {}, Duration ttl = {}) {
    Declarations wanted;
    wanted.queues.push_back({.consumer = std::move(consumer), .dedup_window = dedup, .ttl = ttl});
    must(backend_->declare(wanted));
  }
  // Time passes, and what was to happen by then has.
  void pass(std::chrono::milliseconds by) {
    clock.move(by);
    // Each look makes a group, and a group begins with what is due; bounded steps may need several.
    for (int i = 0; i < 3; ++i) static_cast<void>(backend_->list());
  }

  Publish message(std::string text, std::string key = {}) {
    Publish request{.to = queue, .message = {}, .dedup = {}, .due = {}, .expires = {}};
    request.message.id = "id-" + text;
    request.message.source = "/test";
    request.message.type = "test.Text";
    request.message.key = std::move(key);
    request.message.content_type = "text/plain";
    request.message.time = clock.now();
    request.message.payload = Bytes(std::move(text));
    return request;
  }
  Receipt publish(std::string text, std::string key = {}) {
    return must(run(broker_->publish(message(std::move(text), std::move(key)))));
  }
  std::vector<Delivery> lease(int most = 10, Source source = {}) {
    LeaseRequest request;
    request.source = source.name.empty() ? Source{queue, ""} : source;
    request.max_messages = most;
    request.wait = Deadline::at(Instant::min());
    return must(run(broker_->lease(request)));
  }
  // "a b c"
  static std::string texts(const std::vector<Delivery>& deliveries) {
    std::string all;
    for (const Delivery& delivery : deliveries) {
      if (!all.empty()) all += ' ';
      all += delivery.message.payload.view();
    }
    return all;
  }
  Result<void> settle(const Delivery& delivery, Settlement how, Source source = {}) {
    return run(broker_->settle(source.name.empty() ? Source{queue, ""} : source, delivery.lease, std::move(how)));
  }
  Result<void> done(const Delivery& delivery, Source source = {}) {
    return settle(delivery, {.kind = Settlement::Kind::done, .delay = {}, .reason = {}}, std::move(source));
  }
  Result<void> retry(const Delivery& delivery, Duration delay) {
    return settle(delivery, {.kind = Settlement::Kind::retry, .delay = delay, .reason = {}});
  }
  Result<void> release(const Delivery& delivery) {
    return settle(delivery, {.kind = Settlement::Kind::release, .delay = {}, .reason = {}});
  }
  Result<void> bury(const Delivery& delivery, std::string reason) {
    return settle(delivery, {.kind = Settlement::Kind::dead, .delay = {}, .reason = std::move(reason)});
  }
  // "waiting 1 leased 2 delayed 3 dead 4"
  std::string stats(Source source = {}) {
    const Stats s = must(run(broker_->stats(source.name.empty() ? Source{queue, ""} : source)));
    return "waiting " + std::to_string(s.waiting) + " leased " + std::to_string(s.leased) + " delayed " +
           std::to_string(s.delayed) + " dead " + std::to_string(s.dead);
  }
  std::vector<Peeked> peek(Shelf shelf, Source source = {}) {
    return must(run(broker_->peek({.source = source.name.empty() ? Source{queue, ""} : source,
                                   .shelf = shelf,
                                   .after = {},
                                   .max_messages = 100})));
  }

  TestClock clock;
  std::string queue = "test.Texts/Take";
  std::uint64_t segment_bytes = 1 << 20;

 private:
  ModelOptions options_;
  store::Files* files_ = &store::real_files();
  std::filesystem::path folder_;
  Shard shard_;
  std::unique_ptr<EmbeddedBackend> backend_;
  std::unique_ptr<Broker> broker_;
};

}  // namespace parley::queue::embedded
