// Client: one shard's calls of SQS ("AWS JSON protocol" over HTTP/1.1), signed, with the retries that AWS' own SDKs
// make in their standard mode: three attempts with back-off and jitter, and a budget, so that a service in trouble is
// not asked three times as much.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/wall_time.h"
#include "loop/shard.h"
#include "net/client_origin.h"
#include "net/client_pool.h"
#include "queue/sqs/settings.h"

namespace parley::queue::sqs {

class Client {
 public:
  // All outlive it.
  Client(Shard& shard, const Settings& settings, const WallClock& clock);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // `action` as in "SendMessage", `body` its JSON. Returns the answer's JSON. `patience`: how long the answer may take,
  // an attempt, the service's own waiting included; as the settings say if left out. Errors: as of fault(); unavailable
  // (not reached, lost on the way, closed), deadline_exceeded: unknown whether it was done.
  Task<Result<std::string>> call(std::string action, std::string body, std::optional<Duration> patience = {});

  // Waits, for retries of parts of an answer; `attempt` counts from 1. False: there should be no further attempt.
  Task<bool> back_off(int attempt);
  // An answer came, to something that was tried so often: pays back what its last retry cost, or a little.
  void worked(int tried) { budget_ = std::min(budget_ + (tried > 1 ? price : 1), full_budget); }

  // From now on every call ends with `unavailable`, those in flight too.
  void close();
  bool is_closed() const { return closed_; }

 private:
  struct Attempt;
  struct Outcome {
    Result<std::string> result;
    bool again = false;  // may work in a moment
  };
  Task<Outcome> attempt(const std::string& action, const std::string& body, Duration patience);
  Task<Outcome> answer(Attempt& attempt, net::ClientExchange& exchange);
  net::RequestHead head_of(const std::string& action, const std::string& body);

  static constexpr int attempts = 3;
  static constexpr int full_budget = 500;
  static constexpr int price = 5;
  static constexpr std::size_t max_answer = 32 << 20;  // ten messages of 1 MiB, escaped

  Shard& shard_;
  const WallClock& clock_;
  const Duration back_off_;
  const Duration answer_time_;
  const bool signs_;
  Signer signer_;
  std::string authority_;
  net::ClientPool pool_;
  net::ClientOrigin& origin_;
  std::minstd_rand jitter_{std::random_device{}()};
  std::vector<Attempt*> in_flight_;
  int budget_ = full_budget;
  bool closed_ = false;
};

}  // namespace parley::queue::sqs
