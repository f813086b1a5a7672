#include "edge/rpc/grpc_status.h"

#include <array>

#include "contract/wire_format.h"
#include "wire/base64.h"
#include "wire/percent.h"

namespace parley::edge {
namespace {

constexpr std::string_view type_url_prefix = "type.googleapis.com/";

constexpr std::string_view status_numbers[code_count] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                                         "9", "10", "11", "12", "13", "14", "15", "16"};

void put_number(std::uint64_t number, std::string& out) {
  std::array<char, contract::max_varint_size> room;
  out.append(room.data(), contract::put_varint(room.data(), number));
}
void put_field(std::uint32_t field, std::string_view text, std::string& out) {
  put_number(field << 3U | static_cast<std::uint32_t>(contract::WireType::length), out);
  put_number(text.size(), out);
  out.append(text);
}

}  // namespace

std::string rpc_status_wire(const Error& status) {
  std::string out;
  put_number(1U << 3U | static_cast<std::uint32_t>(contract::WireType::varint), out);
  put_number(static_cast<std::uint64_t>(status.code()), out);
  if (!status.message().empty()) put_field(2, wire::repair_utf8(status.message()), out);
  for (const ErrorDetail& detail : status.details()) {
    std::string any;
    put_field(1, std::string(type_url_prefix) + detail.type, any);
    if (!detail.value.empty()) put_field(2, detail.value, any);
    put_field(3, any, out);
  }
  return out;
}

void add_grpc_status(const Error* status, Fields& to) {
  if (status == nullptr) {
    to.add("grpc-status", status_numbers[0]);
    return;
  }
  to.add("grpc-status", status_numbers[static_cast<std::size_t>(status->code())]);
  if (!status->message().empty()) to.add("grpc-message", wire::encode_grpc_message(status->message()));
  if (!status->details().empty()) wire::add_bin_encoded(to, "grpc-status-details-bin", rpc_status_wire(*status));
}

std::string header_block(const Fields& fields) {
  std::string text;
  for (const Field field : fields) text.append(field.name).append(":").append(field.value).append("\r\n");
  return text;
}

}  // namespace parley::edge
