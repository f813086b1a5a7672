#include "queue/kafka/client.h"

#include <array>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/kafka/error.h"

namespace parley::queue::kafka {
namespace {

constexpr int syslog_error = 3;
constexpr int syslog_warning = 4;

void log_line(const rd_kafka_t* /*client*/, int level, const char* facility, const char* text) {
  if (level <= syslog_error) {
    log::error("kafka: {}: {}", facility, text);
  } else if (level <= syslog_warning) {
    log::warn("kafka: {}: {}", facility, text);
  } else {
    log::debug("kafka: {}: {}", facility, text);
  }
}

void on_error(rd_kafka_t* client, int error, const char* reason, void* opaque) {
  auto* context = static_cast<ClientContext*>(opaque);
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED) {
    context->cluster->refuses_us = true;
  }
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 256> text{};
    rd_kafka_fatal_error(client, text.data(), text.size());
    log::error("kafka: {}", text.data());
    return;
  }
  log::warn("kafka: {}: {}", rd_kafka_err2name(code), reason);
}

using Conf = std::unique_ptr<rd_kafka_conf_t, void (*)(rd_kafka_conf_t*)>;

Result<void> set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  std::array<char, 256> text{};
  if (rd_kafka_conf_set(conf, name, value.c_str(), text.data(), text.size()) == RD_KAFKA_CONF_OK) return {};
  return fail(Error(Code::failed_precondition, Blame::caller, fmt::format("kafka: {}", text.data())));
}

std::vector<ClientOption> common_options(const Settings& settings) {
  std::vector<ClientOption> options = {
      {"bootstrap.servers", settings.brokers},
      {"client.id", "parley"},
      {"allow.auto.create.topics", "false"},
      {"socket.keepalive.enable", "true"},
      {"socket.nagle.disable", "true"},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "2000"},
      {"socket.timeout.ms", fmt::format("{}", std::max(to_ms(settings.timeout), 1000))},
      {"log.connection.close", "false"},
  };
  const bool has_user = !settings.user.empty();
  options.push_back(
      {"security.protocol", fmt::format("{}{}", has_user ? "SASL_" : "", settings.tls ? "SSL" : "PLAINTEXT")});
  if (settings.tls && !settings.ca.empty()) options.push_back({"ssl.ca.location", settings.ca});
  if (has_user) {
    options.push_back({"sasl.mechanism", settings.mechanism});
    options.push_back({"sasl.username", settings.user});
    options.push_back({"sasl.password", settings.password});
  }
  return options;
}

}  // namespace

Error Cluster::explain(rd_kafka_resp_err_t error, std::string_view doing) const {
  Error meaning = to_error(error, doing);
  if (meaning.code() == Code::unavailable && refuses_us) {
    return Error(Code::unauthenticated, Blame::us, meaning.message() + ": the brokers refuse our credentials")
        .with_reason("kafka_refused");
  }
  return meaning;
}

rd_kafka_resp_err_t ask_offsets(rd_kafka_t* client, rd_kafka_topic_partition_list_t& partitions, std::int64_t time,
                                int timeout_ms) {
  for (int i = 0; i < partitions.cnt; ++i) partitions.elems[i].offset = time;
  const auto error = rd_kafka_offsets_for_times(client, &partitions, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  for (int i = 0; i < partitions.cnt; ++i) {
    if (partitions.elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return partitions.elems[i].err;
  }
  return error;
}

Result<Client> make_client(rd_kafka_type_t kind, ClientContext& context, const std::vector<ClientOption>& options,
                           const ClientCallbacks& callbacks) {
  Conf conf(rd_kafka_conf_new(), rd_kafka_conf_destroy);
  for (const auto& list : {common_options(context.cluster->settings), options}) {
    for (const ClientOption& option : list) {
      if (auto done = set(conf.get(), option.name, option.value); !done) return fail(done.error());
    }
  }
  rd_kafka_conf_set_log_cb(conf.get(), log_line);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_opaque(conf.get(), &context);
  if (callbacks.delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf.get(), callbacks.delivered);
  if (callbacks.rebalance != nullptr) rd_kafka_conf_set_rebalance_cb(conf.get(), callbacks.rebalance);
  if (callbacks.committed != nullptr) rd_kafka_conf_set_offset_commit_cb(conf.get(), callbacks.committed);
  std::array<char, 512> text{};
  rd_kafka_t* client = rd_kafka_new(kind, conf.get(), text.data(), text.size());
  if (client == nullptr) {
    return fail(Error(Code::failed_precondition, Blame::caller, fmt::format("kafka: {}", text.data())));
  }
  [[maybe_unused]] const rd_kafka_conf_t* given = conf.release();  // it is the client's now
  if (kind == RD_KAFKA_PRODUCER) return Client(client, rd_kafka_destroy);
  rd_kafka_poll_set_consumer(client);
  // Closing, where it means leaving a group, was done before, where it can wait.
  return Client(client, [](rd_kafka_t* c) { rd_kafka_destroy_flags(c, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); });
}

}  // namespace parley::queue::kafka
