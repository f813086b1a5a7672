#include "edge/rpc/connect_query.h"

#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "wire/base64.h"
#include "wire/percent.h"

namespace parley::edge {
namespace {

// The first value of a parameter, as written.
std::optional<std::string_view> find_parameter(std::string_view query, std::string_view name) {
  for (const std::string_view pair : split(query, '&')) {
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name)
      return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  }
  return std::nullopt;
}

// Decoded; "" if it is not there.
Result<std::string> parameter(std::string_view query, std::string_view name) {
  std::string value;
  if (!wire::decode_query_component(find_parameter(query, name).value_or(""), value)) {
    return invalid(fmt::format("the query's {} has a malformed percent-escape", name));
  }
  return value;
}

}  // namespace

bool is_connect_query(std::string_view query) {
  return find_parameter(query, "connect") || find_parameter(query, "encoding") || find_parameter(query, "message");
}

Result<ConnectQuery> parse_connect_query(std::string_view query) {
  std::string values[5];
  const std::string_view names[] = {"connect", "encoding", "message", "base64", "compression"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    auto value = parameter(query, names[i]);
    if (!value) return fail(std::move(value).error());
    values[i] = std::move(*value);
  }
  auto& [version, format, message, base64, compression] = values;

  if (!version.empty() && version != "v1")
    return invalid(fmt::format("the query's connect must be \"v1\", not \"{}\"", version));
  ConnectQuery parsed;
  if (format.empty()) return invalid("the query has no encoding");
  if (format != "proto" && format != "json") {
    return fail(Error(Code::invalid_argument, Blame::caller,
                      fmt::format("the query's encoding must be \"proto\" or \"json\", not \"{}\"", format))
                    .with_reason("unknown_codec"));
  }
  parsed.format = format == "json" ? Format::json : Format::proto;
  if (!find_parameter(query, "message")) return invalid("the query has no message");
  if (base64 == "1") {
    std::string bytes;
    if (!base64_decode(message, bytes)) return invalid("the query's message is not base64");
    message = std::move(bytes);
  } else if (!base64.empty() && base64 != "0") {
    return invalid(fmt::format("the query's base64 must be \"1\", not \"{}\"", base64));
  }
  const auto encoding = request_encoding(compression);
  if (!encoding) return fail(encoding.error());
  parsed.encoding = *encoding;
  parsed.message = Bytes(std::move(message));
  return parsed;
}

}  // namespace parley::edge
