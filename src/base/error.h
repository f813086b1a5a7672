// Error and Result: expected failures as values. An Error keeps its canonical code across every edge and says whose
// fault it is and whether trying again is safe; each mapping to a protocol's own numbers is one table in that
// protocol's folder.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

// The canonical codes (google.rpc.Code), with gRPC's numbers.
enum class Code : std::uint8_t {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};
inline constexpr int code_count = 17;

// "NOT_FOUND": the name in google.rpc.Code. `lower_name`: "not_found", Connect's spelling.
std::string_view name(Code code);
std::string_view lower_name(Code code);
// Accepts either spelling; Connect's "canceled" too.
std::optional<Code> code_from_name(std::string_view name);
// Numbers outside the table are `unknown` (gRPC's rule for a code it does not know).
Code code_from_number(std::int64_t number);

enum class Blame : std::uint8_t { caller, upstream, us };
std::string_view name(Blame blame);

// One google.protobuf.Any of a status' details: `type` is the message's full name, `value` its wire bytes.
struct ErrorDetail {
  std::string type;
  std::string value;
};

class Error {
 public:
  Error(Code code, Blame blame, std::string message);

  Code code() const { return rep_->code; }
  Blame blame() const { return rep_->blame; }
  const std::string& message() const { return rep_->message; }
  // A stable word for logs, metrics and problem documents, e.g. "upstream_refused"; defaults to the code's lower name.
  std::string_view reason() const;
  const std::vector<ErrorDetail>& details() const { return rep_->details; }
  // True only where it is known that nothing was processed (RFC 9113 section 8.7 and connection failures before the
  // request).
  bool is_safe_to_retry() const { return rep_->safe_to_retry; }

  Error&& with_reason(std::string reason) &&;
  Error&& with_detail(ErrorDetail detail) &&;
  Error&& safe_to_retry() &&;
  // Prefixes the message with what was being done: "loading contracts: …".
  Error&& during(std::string_view what) &&;

  // "NOT_FOUND (upstream_status): no order 7"
  std::string text() const;

  Error(const Error& other) : rep_(std::make_unique<Rep>(*other.rep_)) {}
  Error& operator=(const Error& other) {
    rep_ = std::make_unique<Rep>(*other.rep_);
    return *this;
  }
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

 private:
  struct Rep {
    Code code;
    Blame blame;
    bool safe_to_retry = false;
    std::string message;
    std::string reason;
    std::vector<ErrorDetail> details;
  };
  std::unique_ptr<Rep> rep_;  // one pointer wide: a Result that holds a value stays small
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }
// The common case: the caller sent something wrong.
inline std::unexpected<Error> invalid(std::string message) {
  return fail(Error(Code::invalid_argument, Blame::caller, std::move(message)));
}

}  // namespace parley
