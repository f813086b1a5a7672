#include "base/error.h"

#include <array>
#include <utility>

namespace parley {
namespace {

struct Names {
  std::string_view upper;
  std::string_view lower;
};

// Indexed by the code's number.
constexpr std::array<Names, code_count> names = {{
    {"OK", "ok"},
    {"CANCELLED", "canceled"},  // Connect spells it with one l
    {"UNKNOWN", "unknown"},
    {"INVALID_ARGUMENT", "invalid_argument"},
    {"DEADLINE_EXCEEDED", "deadline_exceeded"},
    {"NOT_FOUND", "not_found"},
    {"ALREADY_EXISTS", "already_exists"},
    {"PERMISSION_DENIED", "permission_denied"},
    {"RESOURCE_EXHAUSTED", "resource_exhausted"},
    {"FAILED_PRECONDITION", "failed_precondition"},
    {"ABORTED", "aborted"},
    {"OUT_OF_RANGE", "out_of_range"},
    {"UNIMPLEMENTED", "unimplemented"},
    {"INTERNAL", "internal"},
    {"UNAVAILABLE", "unavailable"},
    {"DATA_LOSS", "data_loss"},
    {"UNAUTHENTICATED", "unauthenticated"},
}};

}  // namespace

std::string_view name(Code code) { return names.at(static_cast<std::size_t>(code)).upper; }
std::string_view lower_name(Code code) { return names.at(static_cast<std::size_t>(code)).lower; }

std::optional<Code> code_from_name(std::string_view name) {
  if (name == "cancelled") return Code::cancelled;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].upper == name || names[i].lower == name) return static_cast<Code>(i);
  }
  return std::nullopt;
}

Code code_from_number(std::int64_t number) {
  return number >= 0 && number < code_count ? static_cast<Code>(number) : Code::unknown;
}

std::string_view name(Blame blame) {
  switch (blame) {
    case Blame::caller: return "caller";
    case Blame::upstream: return "upstream";
    case Blame::us: return "us";
  }
  std::unreachable();
}

Error::Error(Code code, Blame blame, std::string message)
    : rep_(std::make_unique<Rep>(
          Rep{.code = code, .blame = blame, .message = std::move(message), .reason = {}, .details = {}})) {}

std::string_view Error::reason() const {
  return rep_->reason.empty() ? lower_name(rep_->code) : std::string_view(rep_->reason);
}

Error&& Error::with_reason(std::string reason) && {
  rep_->reason = std::move(reason);
  return std::move(*this);
}

Error&& Error::with_detail(ErrorDetail detail) && {
  rep_->details.push_back(std::move(detail));
  return std::move(*this);
}

Error&& Error::safe_to_retry() && {
  rep_->safe_to_retry = true;
  return std::move(*this);
}

Error&& Error::during(std::string_view what) && {
  rep_->message = rep_->message.empty() ? std::string(what) : std::string(what) + ": " + rep_->message;
  return std::move(*this);
}

std::string Error::text() const {
  std::string out(name(code()));
  if (!rep_->reason.empty()) out.append(" (").append(rep_->reason).append(")");
  return out.append(": ").append(message());
}

}  // namespace parley
