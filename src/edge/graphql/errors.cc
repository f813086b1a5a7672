#include "edge/graphql/errors.h"

#include "contract/text_escape.h"
#include "contract/transcode.h"
#include "contract/wire_records.h"

namespace parley::edge::graphql {
namespace {

namespace ql = parley::graphql;

// A google.protobuf.Any as JSON; of a type the contract does not have, its bytes in base64.
void put_detail(const ErrorDetail& detail, const contract::Contract* contract, std::string& out) {
  const std::string url = "type.googleapis.com/" + detail.type;
  const contract::MessageTable* any = contract == nullptr ? nullptr : contract->tables().find("google.protobuf.Any");
  if (any != nullptr && contract->tables().find(detail.type) != nullptr) {
    std::string wire;
    contract::append_record(wire, 1, url);
    contract::append_record(wire, 2, detail.value);
    if (contract::wire_to_json(*any, wire, out)) return;
  }
  out += "{\"@type\":";
  contract::append_json_string(out, url);
  out += ",\"value\":";
  contract::append_json_base64(out, detail.value);
  out += '}';
}

}  // namespace

std::string extensions_of(const Error& error, const contract::Contract* contract) {
  std::string out = "{\"code\":";
  contract::append_json_string(out, name(error.code()));
  if (error.reason() != lower_name(error.code())) {
    out += ",\"reason\":";
    contract::append_json_string(out, error.reason());
  }
  if (!error.details().empty()) {
    out += ",\"details\":[";
    for (const ErrorDetail& detail : error.details()) {
      if (&detail != &error.details().front()) out += ',';
      put_detail(detail, contract, out);
    }
    out += ']';
  }
  return out += '}';
}

ql::GraphqlError graphql_error(const Error& error, const contract::Contract* contract) {
  ql::GraphqlError out;
  out.message = error.message().empty() ? std::string(name(error.code())) : error.message();
  out.extensions = extensions_of(error, contract);
  return out;
}

std::string error_body(const std::vector<ql::GraphqlError>& errors) {
  std::string out = "{\"errors\":";
  ql::write_json(errors, out);
  return out += '}';
}

ql::GraphqlError request_error(std::string message, std::string_view reason) {
  ql::GraphqlError out;
  out.message = std::move(message);
  out.extensions = R"({"code":"INVALID_ARGUMENT","reason":")" + std::string(reason) + "\"}";
  return out;
}

}  // namespace parley::edge::graphql
