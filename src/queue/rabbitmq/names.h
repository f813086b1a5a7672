// What Parley calls its queues and exchanges in RabbitMQ. A queue keeps its own name, so that any AMQP client can
// publish to it by the default exchange; so does a topic's exchange.
//
//   shop.Mailer/SendMail            the queue
//   orders                          the topic: an exchange of type "topic", routing keys are the messages' types
//   orders.log                      the stream that replays are read from
//   orders@mailer                   a group's queue, bound to the exchange
//   NAME.dead  NAME.paused          of a queue or of a group's queue: dead letters; holds a message while paused
//   NAME.returned                   how many attempts those have had that were delivered more than once (attempts.h)
//   orders@mailer.place             the checkpoint of a group that reads by itself
//   parley.catalogue                what there is
//   parley.delay.N                  where messages wait for 4^N seconds
#pragma once

#include <string>

#include "queue/broker.h"

namespace parley::queue::rabbitmq::names {

inline std::string queue(const Source& source) {
  return source.group.empty() ? source.name : source.name + "@" + source.group;
}
inline std::string dead(const Source& source) { return queue(source) + ".dead"; }
inline std::string paused(const Source& source) { return queue(source) + ".paused"; }
inline std::string returned(const Source& source) { return queue(source) + ".returned"; }
inline std::string place(const Source& source) { return queue(source) + ".place"; }
inline std::string log(const std::string& topic) { return topic + ".log"; }
inline const std::string catalogue = "parley.catalogue";
inline constexpr int delays = 10;  // the longest waits 4^9 s, three days
inline std::string delay(int rung) { return "parley.delay." + std::to_string(rung); }

}  // namespace parley::queue::rabbitmq::names
