#include "queue/sqs/sigv4.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/text.h"

namespace parley::queue::sqs {
namespace {

// Set by the connection, or changed on the way: AWS' own tools leave them out too.
constexpr std::string_view unsigned_fields[] = {
    "authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id", "content-length"};

std::string hex(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

// Dot segments and empty ones are removed, then each is percent-encoded: what was encoded already is encoded twice.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view segment : split(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out = "/";
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i > 0) out += '/';
    for (const char c : kept[i]) {
      if (is_unreserved(c)) {
        out += c;
      } else {
        out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
      }
    }
  }
  if (!kept.empty() && path.ends_with('/')) out += '/';
  return out;
}

// As it is sent, sorted by name and value.
std::string canonical_query(std::string_view query) {
  if (query.empty()) return {};
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const std::string_view pair : split(query, '&')) {
    const auto at = pair.find('=');
    pairs.emplace_back(pair.substr(0, at), at == std::string_view::npos ? "" : pair.substr(at + 1));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs) out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
  return out;
}

// Without blanks around it, and with one for many.
std::string folded(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

struct CanonicalFields {
  std::string lines;  // "host:sqs.eu-west-1.amazonaws.com\n…"
  std::string names;  // "host;x-amz-date"
};

CanonicalFields canonical_fields(const net::RequestHead& request) {
  std::vector<std::pair<std::string_view, std::string>> fields{{"host", folded(request.authority)}};
  for (const Field field : request.fields) {
    if (std::ranges::find(unsigned_fields, field.name) != std::end(unsigned_fields)) continue;
    const auto same = std::ranges::find(fields, field.name, [](const auto& f) { return f.first; });
    if (same == fields.end()) {
      fields.emplace_back(field.name, folded(field.value));
    } else {
      same->second += "," + folded(field.value);
    }
  }
  std::ranges::sort(fields, {}, [](const auto& f) { return f.first; });
  CanonicalFields out;
  for (const auto& [name, value] : fields) {
    out.lines += fmt::format("{}:{}\n", name, value);
    out.names += fmt::format("{}{}", out.names.empty() ? "" : ";", name);
  }
  return out;
}

}  // namespace

Signer::Signer(Credentials credentials, std::string region, std::string service)
    : credentials_(std::move(credentials)), region_(std::move(region)), service_(std::move(service)) {}

const std::string& Signer::key_for(const std::string& day) {
  if (key_day_ != day) {
    key_ = hmac(hmac(hmac(hmac("AWS4" + credentials_.secret, day), region_), service_), "aws4_request");
    key_day_ = day;
  }
  return key_;
}

void Signer::sign(net::RequestHead& request, std::string_view body, WallTime now) {
  const std::string time = fmt::format("{:%Y%m%dT%H%M%SZ}", std::chrono::floor<std::chrono::seconds>(now));
  const std::string day = time.substr(0, 8);
  request.fields.remove("authorization");
  request.fields.set("x-amz-date", time);
  if (!credentials_.session_token.empty()) request.fields.set("x-amz-security-token", credentials_.session_token);

  const CanonicalFields fields = canonical_fields(request);
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(request.path()),
                  canonical_query(request.query()), fields.lines, fields.names, sha256_hex(body));
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, region_, service_);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical));
  request.fields.add("authorization",
                     fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                 credentials_.key_id, scope, fields.names, hex(hmac(key_for(day), to_sign))));
}

}  // namespace parley::queue::sqs
