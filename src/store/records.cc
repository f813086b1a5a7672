#include "store/records.h"

#include <optional>

#include <fmt/format.h>

namespace parley::store {
namespace {

void append_varint(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) out.push_back(static_cast<char>(number | 0x80U));
  out.push_back(static_cast<char>(number));
}

std::optional<std::uint64_t> read_varint(std::string_view body, std::size_t& at) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && at < body.size(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(body[at++]);
    number |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0) return number;
  }
  return std::nullopt;
}

}  // namespace

std::size_t append_record(std::string& body, int model, std::string_view record) {
  append_varint(body, static_cast<std::uint64_t>(model));
  append_varint(body, record.size());
  const std::size_t offset = body.size();
  body.append(record);
  return offset;
}

Result<void> read_records(
    std::string_view body,
    const std::function<Result<void>(std::uint64_t model, std::string_view record, std::size_t offset)>& each) {
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t begin = at;
    const auto model = read_varint(body, at);
    const auto size = model ? read_varint(body, at) : std::nullopt;
    if (!size || *size > body.size() - at) {
      return fail(Error(Code::data_loss, Blame::us, fmt::format("no record at byte {} of the frame's body", begin))
                      .with_reason("journal_damaged"));
    }
    if (auto done = each(*model, body.substr(at, *size), at); !done) return done;
    at += *size;
  }
  return {};
}

}  // namespace parley::store
