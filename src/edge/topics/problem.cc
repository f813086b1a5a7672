#include "edge/topics/problem.h"

#include <array>

#include "contract/text_escape.h"

namespace parley::edge::topics {
namespace {

struct Row {
  int status;
  std::string_view phrase;
};
// Indexed by google.rpc.Code (google/rpc/code.proto, "HTTP Mapping").
constexpr std::array<Row, code_count> rows = {{{200, "OK"},
                                               {499, "Client Closed Request"},
                                               {500, "Internal Server Error"},
                                               {400, "Bad Request"},
                                               {504, "Gateway Timeout"},
                                               {404, "Not Found"},
                                               {409, "Conflict"},
                                               {403, "Forbidden"},
                                               {429, "Too Many Requests"},
                                               {400, "Bad Request"},
                                               {409, "Conflict"},
                                               {400, "Bad Request"},
                                               {501, "Not Implemented"},
                                               {500, "Internal Server Error"},
                                               {503, "Service Unavailable"},
                                               {500, "Internal Server Error"},
                                               {401, "Unauthorized"}}};
struct ReasonRow {
  std::string_view reason;
  Row row;
};
constexpr ReasonRow reasons[] = {
    {"method_not_allowed", {405, "Method Not Allowed"}},
    {"not_acceptable", {406, "Not Acceptable"}},
    {"message_too_large", {413, "Content Too Large"}},
    {"unsupported_media_type", {415, "Unsupported Media Type"}},
    {"unsupported_encoding", {415, "Unsupported Media Type"}},
};

const Row& row_of(const Error& error) {
  for (const ReasonRow& each : reasons) {
    if (each.reason == error.reason()) return each.row;
  }
  return rows.at(static_cast<std::size_t>(error.code()));
}

void put_member(std::string_view key, std::string_view text, std::string& out) {
  out.append(",\"").append(key).append("\":");
  contract::append_json_string(out, text);
}

}  // namespace

int http_status(const Error& error) { return row_of(error).status; }

void put_problem(const Error& error, std::string_view instance, std::string& out) {
  out += R"({"type":"about:blank")";
  put_member("title", row_of(error).phrase, out);
  out.append(",\"status\":").append(std::to_string(http_status(error)));
  if (!error.message().empty()) put_member("detail", error.message(), out);
  put_member("instance", instance, out);
  put_member("code", name(error.code()), out);
  put_member("reason", error.reason(), out);
  out += '}';
}

}  // namespace parley::edge::topics
