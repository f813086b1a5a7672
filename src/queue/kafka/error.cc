#include "queue/kafka/error.h"

#include <fmt/format.h>

namespace parley::queue::kafka {
namespace {

struct Mapping {
  rd_kafka_resp_err_t error;
  Code code;
  Blame blame;
  const char* reason;
};

constexpr const char* unreachable = "kafka_unreachable";
constexpr const char* refused = "kafka_refused";

constexpr Mapping mappings[] = {
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR__TRANSPORT, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR__RESOLVE, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR__WAIT_COORD, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR__DESTROY, Code::unavailable, Blame::us, "closing"},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, Code::unavailable, Blame::us, "closing"},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, Code::unavailable, Blame::us, "closing"},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, Code::unavailable, Blame::upstream, "too_few_replicas"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, Code::unavailable, Blame::upstream, "too_few_replicas"},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR_NOT_CONTROLLER, Code::unavailable, Blame::upstream, unreachable},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, Code::unavailable, Blame::upstream, "kafka_storage"},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, Code::resource_exhausted, Blame::us, "too_many_unconfirmed"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, Code::invalid_argument, Blame::caller, "message_too_large"},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, Code::invalid_argument, Blame::caller, "message_too_large"},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, Code::invalid_argument, Blame::caller, refused},
    {RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, Code::resource_exhausted, Blame::upstream, "kafka_quota"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, Code::not_found, Blame::caller, "no_such_topic"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, Code::not_found, Blame::caller, "no_such_topic"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, Code::not_found, Blame::caller, "no_such_topic"},
    {RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, Code::not_found, Blame::caller, "no_such_group"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, Code::permission_denied, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, Code::permission_denied, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, Code::permission_denied, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, Code::unauthenticated, Blame::us, refused},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, Code::unauthenticated, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, Code::failed_precondition, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, Code::failed_precondition, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, Code::failed_precondition, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, Code::failed_precondition, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, Code::failed_precondition, Blame::us, refused},
    {RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, Code::failed_precondition, Blame::caller, "group_in_use"},
    {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, Code::out_of_range, Blame::caller, "no_such_position"},
};

}  // namespace

Error to_error(rd_kafka_resp_err_t error, std::string_view doing) {
  const std::string message = fmt::format("{}: {}", doing, rd_kafka_err2str(error));
  if (is_fenced(error)) return lease_lost(message);
  for (const Mapping& m : mappings) {
    if (m.error == error) return Error(m.code, m.blame, message).with_reason(m.reason);
  }
  return Error(Code::internal, Blame::upstream, message).with_reason("kafka");
}

Error to_error(rd_kafka_error_t* error, std::string_view doing) {
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  const std::string text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  return to_error(code, fmt::format("{} ({})", doing, text));
}

Error not_by_this_backend(std::string message) {
  return Error(Code::unimplemented, Blame::caller, std::move(message)).with_reason("not_by_this_backend");
}

Error lease_lost(std::string message) {
  return Error(Code::failed_precondition, Blame::caller, std::move(message)).with_reason("lease_lost");
}

Error closing_error() {
  return Error(Code::unavailable, Blame::us, "kafka: the connection to the servers is being closed")
      .with_reason("closing");
}

bool is_passing(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__RETRY:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return true;
    default: return false;
  }
}

bool is_fenced(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || error == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST ||
         error == RD_KAFKA_RESP_ERR__FENCED;
}

}  // namespace parley::queue::kafka
