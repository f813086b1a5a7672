#include "queue/sqs/fault.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace parley::queue::sqs {
namespace {

struct Known {
  std::string_view code;
  Code as;
  Blame blame;
  std::string_view reason;
};

// "Amazon SQS API Reference", the errors of each action and "Common Errors". Both spellings where they differ.
constexpr Known known[] = {
    {"QueueDoesNotExist", Code::not_found, Blame::caller, "no_such_queue"},
    {"NonExistentQueue", Code::not_found, Blame::caller, "no_such_queue"},
    {"ReceiptHandleIsInvalid", Code::failed_precondition, Blame::caller, "lease_lost"},
    {"MessageNotInflight", Code::failed_precondition, Blame::caller, "lease_lost"},
    {"QueueNameExists", Code::already_exists, Blame::us, "queue_exists"},
    {"QueueAlreadyExists", Code::already_exists, Blame::us, "queue_exists"},
    {"QueueDeletedRecently", Code::unavailable, Blame::upstream, "queue_deleted_recently"},
    {"PurgeQueueInProgress", Code::unavailable, Blame::upstream, "purge_in_progress"},
    {"OverLimit", Code::resource_exhausted, Blame::upstream, "too_many_in_flight"},
    {"BatchRequestTooLong", Code::resource_exhausted, Blame::us, "message_too_large"},
    {"InvalidMessageContents", Code::internal, Blame::us, "sqs_refused"},
    {"AccessDenied", Code::permission_denied, Blame::us, "sqs_access_denied"},
    {"AccessDeniedException", Code::permission_denied, Blame::us, "sqs_access_denied"},
    {"NotAuthorized", Code::permission_denied, Blame::us, "sqs_access_denied"},
    {"OptInRequired", Code::permission_denied, Blame::us, "sqs_access_denied"},
    {"InvalidClientTokenId", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"UnrecognizedClientException", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"SignatureDoesNotMatch", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"InvalidSignatureException", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"IncompleteSignature", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"IncompleteSignatureException", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"MissingAuthenticationToken", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"MissingAuthenticationTokenException", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"ExpiredToken", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"ExpiredTokenException", Code::unauthenticated, Blame::us, "sqs_credentials"},
    {"RequestExpired", Code::unauthenticated, Blame::us, "clock_skew"},
};

constexpr std::string_view throttled[] = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "KmsThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
};
constexpr std::string_view passing[] = {"InternalError",      "InternalFailure", "InternalServerError",
                                        "ServiceUnavailable", "RequestTimeout",  "RequestTimeoutException"};

std::string_view bare(std::string_view code) {
  const auto at = code.find_last_of("#.");
  return at == std::string_view::npos ? code : code.substr(at + 1);
}

bool is_throttled(std::string_view code) { return std::ranges::find(throttled, code) != std::end(throttled); }

}  // namespace

Error fault(std::string_view code, std::string_view message, int http_status) {
  const std::string_view word = bare(code);
  const std::string text = fmt::format("SQS: {}{}{}", word.empty() ? "HTTP " + std::to_string(http_status) : word,
                                       message.empty() ? "" : ": ", message);
  const auto row = std::ranges::find(known, word, &Known::code);
  if (row != std::end(known)) return Error(row->as, row->blame, text).with_reason(std::string(row->reason));
  if (is_throttled(word) || http_status == 429)
    return Error(Code::resource_exhausted, Blame::upstream, text).with_reason(std::string(throttled_reason));
  if (is_transient(code, http_status)) return Error(Code::unavailable, Blame::upstream, text).with_reason("sqs_error");
  if (http_status == 403) return Error(Code::permission_denied, Blame::us, text).with_reason("sqs_access_denied");
  return Error(Code::internal, Blame::us, text).with_reason("sqs_refused");
}

bool is_transient(std::string_view code, int http_status) {
  const std::string_view word = bare(code);
  return is_throttled(word) || std::ranges::find(passing, word) != std::end(passing) || http_status == 429 ||
         http_status == 500 || http_status == 502 || http_status == 503 || http_status == 504;
}

Error lease_lost(std::string_view why) {
  return Error(Code::failed_precondition, Blame::caller, std::string(why)).with_reason("lease_lost");
}

bool is_lease_lost(const Error& error) { return error.reason() == "lease_lost"; }

Error not_by_sqs(std::string_view what) {
  return Error(Code::unimplemented, Blame::us, fmt::format("SQS {}", what)).with_reason("not_by_this_backend");
}

}  // namespace parley::queue::sqs
