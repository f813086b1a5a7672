// For tests: librdkafka's own mock of a cluster, one broker with a topic "orders" of one partition.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <librdkafka/rdkafka_mock.h>

#include "queue/kafka/settings.h"

namespace parley::queue::kafka {

class MockCluster {
 public:
  MockCluster()
      : owner_(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0), rd_kafka_destroy),
        mock_(rd_kafka_mock_cluster_new(owner_.get(), 1), rd_kafka_mock_cluster_destroy) {
    rd_kafka_mock_topic_create(mock_.get(), "orders", 1, 1);
  }
  Settings settings() const {
    Settings settings;
    settings.brokers = rd_kafka_mock_cluster_bootstraps(mock_.get());
    settings.timeout = std::chrono::seconds(30);
    return settings;
  }
  // Each answer comes so late.
  void answer_after(std::chrono::milliseconds time) {
    rd_kafka_mock_broker_set_rtt(mock_.get(), -1, static_cast<int>(time.count()));
  }
  // The next requests of a kind (the protocol's number) are answered with these.
  void refuse(std::int16_t api, const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(mock_.get(), api, errors.size(), errors.data());
  }
  void go_away() { rd_kafka_mock_broker_set_down(mock_.get(), 1); }

 private:
  std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> owner_;
  std::unique_ptr<rd_kafka_mock_cluster_t, void (*)(rd_kafka_mock_cluster_t*)> mock_;
};

}  // namespace parley::queue::kafka
