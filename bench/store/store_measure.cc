// How many works a second the ledger makes durable, and what each costs. Not part of the product.
//
//   store_measure FOLDER [in flight=1000] [seconds=3] [bytes=1024] [producers=1] [keys: put and remove one a work=0]
//
// A producer is a thread that submits its share again as soon as it is done, in batches, as a shard does.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "store/inbox.h"
#include "store/ledger.h"

namespace {

using namespace parley;
using namespace parley::store;

struct Counting final : Model {
  bool keys = false;
  std::uint64_t count = 0;

  void apply(std::string_view, RecordPlace place, WallTime, View& view) override {
    ++count;
    if (!keys) return;
    view.put(fmt::format("m{:016x}", count), fmt::format("{}", place.frame));
    if (count > 1000) view.remove(fmt::format("m{:016x}", count - 1000));
  }
  void save(View& view) override { view.put("count", fmt::format("{}", count)); }
  Result<void> load(View&) override { return {}; }
  std::optional<WallTime> tick(Group&) override { return std::nullopt; }
  Address needed_from(View&) override { return ~Address{0}; }
};

struct Publish final : Work {
  const std::string* body = nullptr;
  Inbox<Work*>* home = nullptr;
  std::atomic<std::uint64_t>* finished = nullptr;

  void run(Group& group) override {
    if (!group.add(0, *body)) std::abort();
  }
  void done(const Result<void>& durable) override {
    if (!durable) std::abort();
    finished->fetch_add(1, std::memory_order_relaxed);
    Work* self = this;
    home->put({&self, 1});
  }
};

struct Producer {
  std::vector<Publish> works;
  Inbox<Work*> home;

  void run(Ledger& ledger, const std::atomic<bool>& ending) {
    std::vector<Work*> batch;
    for (Publish& work : works) batch.push_back(&work);
    ledger.submit(batch);
    for (std::size_t left = works.size(); left > 0;) {
      batch.clear();
      home.take(batch, Deadline::never());
      if (ending) {
        left -= batch.size();
      } else {
        ledger.submit(batch);
      }
    }
  }
};

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

long argument(int count, char** values, int index, long otherwise) {
  return index < count ? std::atol(values[index]) : otherwise;
}

}  // namespace

int main(int count, char** values) {
  if (count < 2) return 2;
  const std::filesystem::path folder = values[1];
  const auto in_flight = static_cast<std::size_t>(argument(count, values, 2, 1000));
  const long seconds = argument(count, values, 3, 3);
  const std::string body(static_cast<std::size_t>(argument(count, values, 4, 1024)), 'b');
  const auto threads = static_cast<std::size_t>(argument(count, values, 5, 1));
  Counting model;
  model.keys = argument(count, values, 6, 0) != 0;
  const WallClock clock;
  auto opened = Ledger::open(real_files(), folder, {&model}, clock, {});
  if (!opened) {
    fmt::print("{}\n", opened.error().text());
    return 1;
  }
  Ledger& ledger = **opened;

  std::atomic<std::uint64_t> finished = 0;
  std::atomic<bool> ending = false;
  std::vector<std::unique_ptr<Producer>> producers;
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) {
    producers.push_back(std::make_unique<Producer>());
    Producer& producer = *producers.back();
    producer.works = std::vector<Publish>(in_flight / threads);
    for (Publish& work : producer.works) {
      work.body = &body;
      work.home = &producer.home;
      work.finished = &finished;
    }
    running.emplace_back([&] { producer.run(ledger, ending); });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto before = ledger.counts();
  const double cpu = cpu_seconds();
  const std::uint64_t works = finished;
  const Instant begin = Clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  const auto done = static_cast<double>(finished - works);
  const double spent = cpu_seconds() - cpu;
  const auto after = ledger.counts();
  ending = true;
  for (std::thread& thread : running) thread.join();
  fmt::print(
      "{:>6} in flight, {} B, {} producers{}: {:>9.0f} works/s, {:>6.0f} syncs/s, {:>5.1f} works a sync, {:.2f} us of "
      "CPU a work, {} checkpoints\n",
      in_flight, body.size(), threads, model.keys ? ", keys" : "", done / took,
      static_cast<double>(after.groups - before.groups) / took,
      done / static_cast<double>(after.groups - before.groups), spent * 1e6 / done,
      after.checkpoints - before.checkpoints);
  return 0;
}
