// Envelope: a message as AMQP 0.9.1 carries it, and the way from and to a queue::Message by the CloudEvents AMQP
// binding: attributes are headers with the prefix "cloudEvents:", `datacontenttype` is the content type. An event in
// structured mode (section 3.2) is unpacked.
//
// A plain producer may leave them all out: the id is then `message_id`, the type `type`, the time `timestamp`, the key
// the header "partitionkey". Other headers are metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <amqp.h>
#include <amqp_framing.h>

#include "base/bytes.h"
#include "queue/message.h"

namespace parley::queue::rabbitmq {

struct Header {
  std::string name;
  std::variant<std::string, std::int64_t, bool, double> value;
};

struct Envelope {
  std::string content_type;
  std::string content_encoding;
  std::string message_id;
  std::string type;
  std::string correlation_id;
  std::string reply_to;
  std::string app_id;
  std::string expiration;                  // milliseconds, as text
  std::optional<std::uint64_t> timestamp;  // seconds
  std::optional<std::uint8_t> priority;
  std::vector<Header> headers;
  Bytes body;

  const Header* find(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name) const;
  std::string text(std::string_view name) const;  // "" if it is missing
  std::optional<WallTime> time(std::string_view name) const;
  void set(std::string_view name, std::variant<std::string, std::int64_t, bool, double> value);
  void remove(std::string_view name);
};

// Headers of our own. Times are wall-clock milliseconds.
namespace headers {
inline constexpr std::string_view attempts = "parley-attempts";  // that have ended
inline constexpr std::string_view due = "parley-due";
inline constexpr std::string_view expires = "parley-expires";
inline constexpr std::string_view reason = "parley-reason";  // of a dead letter
inline constexpr std::string_view dead_since = "parley-dead-since";
inline constexpr std::string_view fence = "parley-fence";  // in a log: no event, but a mark of ours
// RabbitMQ's.
inline constexpr std::string_view delivery_count = "x-delivery-count";
inline constexpr std::string_view offset = "x-stream-offset";
inline constexpr std::string_view first_death = "x-first-death-reason";
}  // namespace headers

// Headers whose values have no form here (tables, arrays) are left out.
Envelope read_envelope(const amqp_basic_properties_t& properties, Bytes body);

// The library's form; views into the envelope, which outlives it.
class EncodedProperties {
 public:
  explicit EncodedProperties(const Envelope& of);
  const amqp_basic_properties_t& properties() const { return properties_; }

 private:
  amqp_basic_properties_t properties_{};
  std::vector<amqp_table_entry_t> entries_;
};

amqp_bytes_t amqp_view(std::string_view text);
std::string_view view_of(amqp_bytes_t bytes);

// A header that RabbitMQ writes or reads itself; a user's `x-tenant` is none.
bool is_rabbitmqs(std::string_view header);

Envelope envelope_of(const Message& message);
// Without an id, one is made from the contents, so that it is the same at every delivery.
Message message_of(const Envelope& envelope);
// What RabbitMQ and we wrote into the headers of earlier deliveries is taken out: as it was published.
void strip_history(Envelope& envelope);

// Of the one frame that properties and headers go in (AMQP 0.9.1 section 4.2.6.1).
std::size_t header_frame_bytes(const Envelope& envelope);
// Leaves out the largest headers that are not ours, until the frame has no more than `most` bytes.
void fit_headers(Envelope& envelope, std::size_t most);

// RFC 3339 with milliseconds, UTC.
std::string time_text(WallTime time);
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace parley::queue::rabbitmq
