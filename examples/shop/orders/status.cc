#include "status.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

namespace shop {
namespace {

grpc::Status with_detail(grpc::StatusCode code, std::string message, const google::protobuf::Message& detail) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return {code, std::move(message), status.SerializeAsString()};
}

}  // namespace

grpc::Status not_found(std::string_view type, std::string_view name) {
  google::rpc::ResourceInfo info;
  info.set_resource_type(std::string(type));
  info.set_resource_name(std::string(name));
  info.set_description("There is none of this name.");
  return with_detail(grpc::StatusCode::NOT_FOUND, "there is no " + std::string(type) + " \"" + std::string(name) + "\"",
                     info);
}

grpc::Status invalid(const std::vector<Violation>& violations) {
  google::rpc::BadRequest bad;
  std::string message;
  for (const auto& [field, reason] : violations) {
    auto* violation = bad.add_field_violations();
    violation->set_field(field);
    violation->set_description(reason);
    message += (message.empty() ? "" : "; ") + field + ": " + reason;
  }
  return with_detail(grpc::StatusCode::INVALID_ARGUMENT, std::move(message), bad);
}

grpc::Status failed_precondition(std::string_view type, std::string_view subject, std::string_view reason) {
  google::rpc::PreconditionFailure failure;
  auto* violation = failure.add_violations();
  violation->set_type(std::string(type));
  violation->set_subject(std::string(subject));
  violation->set_description(std::string(reason));
  return with_detail(grpc::StatusCode::FAILED_PRECONDITION, std::string(subject) + " " + std::string(reason), failure);
}

}  // namespace shop
