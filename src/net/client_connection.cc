#include "net/client_connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace parley::net {
namespace {

struct ResetRow {
  std::string_view name;
  Code code;
};
// Indexed by RFC 9113's error code.
constexpr ResetRow reset_rows[] = {
    {"NO_ERROR", Code::internal},
    {"PROTOCOL_ERROR", Code::internal},
    {"INTERNAL_ERROR", Code::internal},
    {"FLOW_CONTROL_ERROR", Code::internal},
    {"SETTINGS_TIMEOUT", Code::internal},
    {"STREAM_CLOSED", Code::internal},
    {"FRAME_SIZE_ERROR", Code::internal},
    {"REFUSED_STREAM", Code::unavailable},
    {"CANCEL", Code::cancelled},
    {"COMPRESSION_ERROR", Code::internal},
    {"CONNECT_ERROR", Code::internal},
    {"ENHANCE_YOUR_CALM", Code::resource_exhausted},
    {"INADEQUATE_SECURITY", Code::permission_denied},
    {"HTTP_1_1_REQUIRED", Code::internal},
};
constexpr std::uint32_t refused_stream = 0x7;

}  // namespace

std::string authority_of(const Origin& origin) {
  const bool v6 = origin.host.contains(':') && !origin.host.starts_with('[');
  const std::string host = v6 ? fmt::format("[{}]", origin.host) : origin.host;
  return origin.port == (origin.tls ? 443 : 80) ? host : fmt::format("{}:{}", host, origin.port);
}

Error lost_error(const Error& why, bool nothing_processed) {
  Error error = Error(Code::unavailable, Blame::upstream, "the connection to the upstream was lost: " + why.message())
                    .with_reason("upstream_connection_lost");
  if (nothing_processed) return std::move(error).safe_to_retry();
  return error;
}

Error reset_error(std::uint32_t h2_code) {
  const bool known = h2_code < std::size(reset_rows);
  const ResetRow row = known ? reset_rows[h2_code] : ResetRow{"an unknown code", Code::internal};
  Error error = Error(row.code, Blame::upstream, fmt::format("the upstream reset the stream with {}", row.name))
                    .with_reason("upstream_reset");
  if (h2_code == refused_stream) return std::move(error).with_reason("upstream_refused_stream").safe_to_retry();
  return error;
}

std::uint64_t most_read(const Transport& transport) {
  const std::uint64_t written = transport.bytes_sent();
  int unacknowledged = 0;
  if (!transport.peer_closed() || ioctl(transport.fd(), SIOCOUTQ, &unacknowledged) != 0 || unacknowledged < 0)
    return written;
  const auto left = static_cast<std::uint64_t>(unacknowledged);
  return left > written ? 0 : written - left;
}

}  // namespace parley::net
