// librdkafka's and Kafka's errors as canonical ones.
#pragma once

#include <string_view>

#include <librdkafka/rdkafka.h>

#include "base/error.h"

namespace parley::queue::kafka {

// "publishing to orders: Broker: Unknown topic or partition".
Error to_error(rd_kafka_resp_err_t error, std::string_view doing);
// Takes over `error`.
Error to_error(rd_kafka_error_t* error, std::string_view doing);

Error not_by_this_backend(std::string message);
Error lease_lost(std::string message);
// What waits while the node lets go of the cluster ends with this.
Error closing_error();

// A request that is worth repeating as it is: the cluster is moving something about.
bool is_passing(rd_kafka_resp_err_t error);
// The group went on without this member: what it holds is somebody else's.
bool is_fenced(rd_kafka_resp_err_t error);

}  // namespace parley::queue::kafka
