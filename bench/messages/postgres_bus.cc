// PostgreSQL as a queue: an insert a message, each its own transaction; two consumers that take up to 100 rows with
// SKIP LOCKED and delete them when they are handled. A connection has one transaction in flight; producers with more
// than one share 64 connections in pipeline mode.
#include <algorithm>
#include <deque>
#include <string>

#include <libpq-fe.h>
#include <poll.h>

#include "bus.h"

namespace parley::bench {
namespace {

constexpr const char* schema =
    "SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS work (id bigserial PRIMARY KEY, body bytea NOT "
    "NULL)";
constexpr const char* insert = "INSERT INTO work (body) VALUES ($1::bytea)";
// What is taken is gone once the transaction commits; until then nobody else sees it.
constexpr const char* take =
    "DELETE FROM work WHERE id IN (SELECT id FROM work ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 100) RETURNING body";

class Connection {
 public:
  explicit Connection(const BusOptions& options)
      : pg(PQconnectdb(
            ("host=" + options.socket + " port=" + std::to_string(options.port) + " dbname=postgres user=postgres")
                .c_str())) {
    if (PQstatus(pg) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(pg));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { PQfinish(pg); }

  void run(const char* sql) const {
    PGresult* result = PQexec(pg, sql);
    const bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (!good) throw std::runtime_error(PQerrorMessage(pg));
  }
  void prepare(const char* sql) const { PQclear(PQprepare(pg, "it", sql, 0, nullptr)); }

  PGconn* pg;
};

class PostgresBus : public Bus {
 public:
  explicit PostgresBus(const BusOptions& options) : Bus(options) {
    const int connections = std::max(options.producers, options.depth > 1 ? 64 : 1);
    for (int i = 0; i < connections; ++i) {
      producers_.push_back(std::make_unique<Producer>(options));
      if (i == 0) producers_[0]->connection.run(schema);
      producers_.back()->connection.prepare(insert);
      if (options.depth > 1) PQenterPipelineMode(producers_.back()->connection.pg);
      start(producers_.back()->connection);
    }
    for (int i = 0; options.handling && i < 2; ++i) {
      consumers_.push_back(std::make_unique<Connection>(options));
      consumers_.back()->prepare(take);
      start(*consumers_.back());
      ask(*consumers_.back());
    }
  }

  void publish(int producer, Instant due) override {
    const std::size_t at = options_.depth > 1 ? next_++ % producers_.size() : static_cast<std::size_t>(producer);
    Producer& p = *producers_[at];
    const std::string_view payload = stamped(due);
    const char* values[] = {payload.data()};
    const int sizes[] = {static_cast<int>(payload.size())};
    const int binary[] = {1};
    if (PQsendQueryPrepared(p.connection.pg, "it", 1, values, sizes, binary, 1) == 0)
      throw std::runtime_error(PQerrorMessage(p.connection.pg));
    if (options_.depth > 1) PQpipelineSync(p.connection.pg);
    p.due.push_back({producer, due});
    published(producer);
  }

  void poll(int wait_ms) override {
    for (auto& p : producers_) PQflush(p->connection.pg);
    for (auto& c : consumers_) PQflush(c->pg);
    if (::poll(wait_.data(), wait_.size(), wait_ms) <= 0) return;
    for (std::size_t i = 0; i < wait_.size(); ++i) {
      if (wait_[i].revents == 0) continue;
      if (i < producers_.size()) {
        confirms(*producers_[i]);
      } else {
        taken(*consumers_[i - producers_.size()]);
      }
    }
  }

 private:
  struct InFlight {
    int producer;
    Instant due;
  };
  struct Producer {
    explicit Producer(const BusOptions& options) : connection(options) {}
    Connection connection;
    std::deque<InFlight> due;
  };

  void start(Connection& connection) {
    PQsetnonblocking(connection.pg, 1);
    wait_.push_back({.fd = PQsocket(connection.pg), .events = POLLIN, .revents = 0});
  }

  static void ask(Connection& consumer) {
    if (PQsendQueryPrepared(consumer.pg, "it", 0, nullptr, nullptr, nullptr, 1) == 0)
      throw std::runtime_error(PQerrorMessage(consumer.pg));
  }

  static void input(Connection& connection) {
    if (PQconsumeInput(connection.pg) == 0) throw std::runtime_error(PQerrorMessage(connection.pg));
  }

  void confirms(Producer& p) {
    input(p.connection);
    int ends = 0;  // PQgetResult says null after each query; twice in a row there is nothing left
    while (PQisBusy(p.connection.pg) == 0 && ends < 2) {
      PGresult* result = PQgetResult(p.connection.pg);
      if (result == nullptr) {
        ++ends;
        continue;
      }
      ends = 0;
      const ExecStatusType status = PQresultStatus(result);
      PQclear(result);
      if (status == PGRES_PIPELINE_SYNC) continue;
      if (status != PGRES_COMMAND_OK) throw std::runtime_error(PQerrorMessage(p.connection.pg));
      confirmed(p.due.front().producer, p.due.front().due);
      p.due.pop_front();
    }
  }

  void taken(Connection& consumer) {
    input(consumer);
    while (PQisBusy(consumer.pg) == 0) {
      PGresult* result = PQgetResult(consumer.pg);
      if (result == nullptr) {
        ask(consumer);
        return;
      }
      if (PQresultStatus(result) != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(consumer.pg));
      for (int row = 0; row < PQntuples(result); ++row)
        handled({PQgetvalue(result, row, 0), static_cast<std::size_t>(PQgetlength(result, row, 0))});
      PQclear(result);
    }
  }

  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Connection>> consumers_;
  std::vector<pollfd> wait_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Bus> postgres_bus(const BusOptions& options) { return std::make_unique<PostgresBus>(options); }

}  // namespace parley::bench
