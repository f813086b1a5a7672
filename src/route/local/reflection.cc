#include "route/local/reflection.h"

#include <algorithm>
#include <set>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

namespace parley::route {
namespace {

namespace pb = google::protobuf;
using Kind = ReflectionRequest::Kind;
using Contracts = std::vector<contract::ContractPtr>;

// A reply's kind and its message.
struct Answer {
  std::uint32_t kind;
  std::string wire;
};

Answer error_answer(Code code, std::string_view message) {
  return {ReflectionResponse::error, WireWriter().number(1, static_cast<std::uint64_t>(code)).text(2, message).take()};
}

Answer not_found(std::string_view what, std::string_view name) {
  return error_answer(Code::not_found,
                      std::string("there is no ").append(what).append(" \"").append(name).append("\""));
}

// A file after those it imports, without what was sent before on this stream.
void add_files(const pb::FileDescriptor& file, std::set<std::string>& sent,
               std::vector<const pb::FileDescriptor*>& out) {
  if (!sent.insert(file.name()).second) return;
  out.push_back(&file);
  for (int i = 0; i < file.dependency_count(); ++i) add_files(*file.dependency(i), sent, out);
}

Answer files_answer(const pb::FileDescriptor& file, std::set<std::string>& sent) {
  std::vector<const pb::FileDescriptor*> files;
  sent.erase(file.name());  // what is asked for is sent, again if need be
  add_files(file, sent, files);
  WireWriter out;
  for (const pb::FileDescriptor* each : files) {
    pb::FileDescriptorProto proto;
    each->CopyTo(&proto);
    each->CopyJsonNameTo(&proto);
    out.part(1, proto.SerializeAsString());
  }
  return {ReflectionResponse::files, out.take()};
}

const pb::FileDescriptor* find_file(const pb::DescriptorPool& pool, const ReflectionRequest& request) {
  switch (request.kind) {
    case Kind::file_by_filename: return pool.FindFileByName(request.text);
    case Kind::file_containing_symbol: return pool.FindFileContainingSymbol(request.text);
    case Kind::file_containing_extension: {
      const pb::Descriptor* type = pool.FindMessageTypeByName(request.text);
      const pb::FieldDescriptor* extension =
          type == nullptr ? nullptr : pool.FindExtensionByNumber(type, request.extension);
      return extension == nullptr ? nullptr : extension->file();
    }
    default: return nullptr;
  }
}

Answer extensions_answer(const Contracts& contracts, const std::string& type_name) {
  std::set<int> numbers;
  bool known = false;
  for (const auto& contract : contracts) {
    const pb::Descriptor* type = contract->pool().FindMessageTypeByName(type_name);
    if (type == nullptr) continue;
    known = true;
    std::vector<const pb::FieldDescriptor*> extensions;
    contract->pool().FindAllExtensions(type, &extensions);
    for (const pb::FieldDescriptor* extension : extensions) numbers.insert(extension->number());
  }
  if (!known) return not_found("type", type_name);
  WireWriter out;
  out.text(1, type_name);
  for (const int number : numbers) out.number(2, static_cast<std::uint64_t>(number));
  return {ReflectionResponse::extension_numbers, out.take()};
}

Answer services_answer(const Contracts& contracts) {
  std::set<std::string> names;
  for (const auto& contract : contracts) {
    for (const contract::Service& service : contract->services()) names.insert(service.name);
    for (const contract::Service& service : contract->event_services()) names.insert(service.name);
  }
  WireWriter out;
  for (const std::string& name : names) out.part(1, WireWriter().text(1, name).take());
  return {ReflectionResponse::services, out.take()};
}

std::string_view what_is_asked(Kind kind) {
  switch (kind) {
    case Kind::file_by_filename: return "file";
    case Kind::file_containing_symbol: return "symbol";
    default: return "extension of";
  }
}

Answer answer_to(const ReflectionRequest& request, const Contracts& contracts, std::set<std::string>& sent) {
  switch (request.kind) {
    case Kind::none: return error_answer(Code::invalid_argument, "the request asks nothing that is known");
    case Kind::list_services: return services_answer(contracts);
    case Kind::all_extension_numbers_of_type: return extensions_answer(contracts, request.text);
    default: break;
  }
  for (const auto& contract : contracts) {
    if (const pb::FileDescriptor* file = find_file(contract->pool(), request)) return files_answer(*file, sent);
  }
  return not_found(what_is_asked(request.kind), request.text);
}

// `contracts` is the route's; it outlives the call.
Task<Result<void>> reflect(const ContractsToTell& contracts, Reader<ReflectionRequest> requests,
                           Writer<ReflectionResponse> replies) {
  std::set<std::string> sent;
  for (;;) {
    auto request = co_await requests.read();
    if (!request) co_return fail(std::move(request).error());
    if (!*request) co_return Result<void>();
    Answer answer = answer_to(**request, contracts(), sent);
    const ReflectionResponse response{answer.kind, std::move(answer.wire), (*request)->host, (*request)->wire};
    if (auto written = co_await replies.write(response); !written) co_return written;
  }
}

}  // namespace

void add_reflection(LocalRoute& route, ContractsToTell contracts) {
  const auto shared = std::make_shared<ContractsToTell>(std::move(contracts));
  for (const char* version : {"v1", "v1alpha"}) {
    route.stream<ReflectionRequest, ReflectionResponse>(
        std::string("/grpc.reflection.") + version + ".ServerReflection/ServerReflectionInfo",
        [shared](Call&, Reader<ReflectionRequest> requests, Writer<ReflectionResponse> replies) {
          return reflect(*shared, requests, replies);
        });
  }
}

Result<ReflectionRequest> ReflectionRequest::from_wire(std::string_view wire) {
  ReflectionRequest request;
  request.wire = wire;
  WireFields fields(wire);
  for (;;) {
    const auto record = fields.next();
    if (!record) return fail(record.error());
    if (!*record) return request;
    const auto& [field, number, text, is_text] = **record;
    if (!is_text) continue;
    if (field == 1) request.host = text;
    if (field < 3 || field > 7) continue;
    request.kind = static_cast<Kind>(field);
    request.text = text;
    if (request.kind != Kind::file_containing_extension) continue;
    request.text.clear();
    WireFields parts(text);
    for (;;) {
      const auto part = parts.next();
      if (!part) return fail(part.error());
      if (!*part) break;
      if ((*part)->field == 1) request.text = (*part)->text;
      if ((*part)->field == 2) request.extension = static_cast<int>((*part)->number);
    }
  }
}

Result<ReflectionResponse> ReflectionResponse::from_wire(std::string_view wire) {
  ReflectionResponse response;
  WireFields fields(wire);
  for (;;) {
    const auto record = fields.next();
    if (!record) return fail(record.error());
    if (!*record) return response;
    const auto& [field, number, text, is_text] = **record;
    if (field == 1) response.host = text;
    if (field == 2) response.request = text;
    if (field < files || field > error) continue;
    response.kind = field;
    response.answer = text;
  }
}

std::string ReflectionResponse::to_wire() const {
  return WireWriter().text(1, host).part(2, request).part(kind, answer).take();
}

}  // namespace parley::route
