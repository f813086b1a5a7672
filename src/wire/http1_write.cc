// Writing messages, and what may be written.
#include <algorithm>
#include <array>
#include <charconv>

#include "wire/http1.h"
#include "wire/http1_text.h"

namespace parley::wire {
namespace {

using namespace http1;

struct Reason {
  int status;
  std::string_view text;
};
constexpr Reason reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

}  // namespace

std::string_view reason_phrase(int status) {
  const auto* at = std::lower_bound(std::begin(reasons), std::end(reasons), status,
                                    [](const Reason& r, int s) { return r.status < s; });
  return at != std::end(reasons) && at->status == status ? at->text : std::string_view();
}

bool is_hop_by_hop(std::string_view name) {
  switch (known(name)) {
    case Known::connection:
    case Known::keep_alive:
    case Known::proxy_connection:
    case Known::transfer_encoding:
    case Known::upgrade:
    case Known::te: return true;
    default: return false;
  }
}

bool is_field(const Field& field) {
  if (field.name.empty() || !all(field.name, token) || !all(field.value, value)) return false;
  return std::none_of(field.name.begin(), field.name.end(),
                      [](char c) { return (classes[static_cast<unsigned char>(c)] & upper) != 0; });
}

void append_request_line(std::string& out, std::string_view method, std::string_view target_text) {
  out.append(method).append(" ").append(target_text).append(" HTTP/1.1\r\n");
}

void append_status_line(std::string& out, int status) {
  const std::array<char, 3> digits = {static_cast<char>('0' + status / 100 % 10),
                                      static_cast<char>('0' + status / 10 % 10), static_cast<char>('0' + status % 10)};
  out.append("HTTP/1.1 ").append(digits.data(), digits.size()).append(" ").append(reason_phrase(status)).append("\r\n");
}

void append_field(std::string& out, std::string_view name, std::string_view content) {
  out.append(name).append(": ").append(content).append("\r\n");
}

void append_fields(std::string& out, const Fields& fields) {
  for (const Field f : fields) append_field(out, f.name, f.value);
}

void append_chunk_head(std::string& out, std::size_t size) {
  std::array<char, 18> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  out.append(digits.data(), end).append("\r\n");
}

void append_last_chunk(std::string& out, const Fields& trailers) {
  out += "0\r\n";
  append_fields(out, trailers);
  out += "\r\n";
}

}  // namespace parley::wire
