#include "route/grpc/reflection_client.h"

#include <memory>
#include <set>

#include <fmt/format.h>

#include "contract/wire_records.h"
#include "loop/shard.h"
#include "loop/timer.h"
#include "route/grpc/grpc_status.h"
#include "wire/grpc_frame.h"

namespace parley::route {
namespace {

constexpr std::string_view versions[] = {"v1", "v1alpha"};
constexpr std::size_t max_answer = std::size_t{16} << 20;
constexpr std::size_t max_files = 10'000;

// Fields of ServerReflectionRequest, ServerReflectionResponse and FileDescriptorProto.
constexpr std::uint32_t ask_file = 3, ask_symbol = 4, ask_services = 7;
constexpr std::uint32_t answer_files = 4, answer_services = 6, answer_error = 7;
constexpr std::uint32_t file_name = 1, file_dependency = 3;

Error malformed(std::string_view what) {
  return Error(Code::internal, Blame::upstream, fmt::format("the upstream's reflection is malformed: {}", what))
      .with_reason("upstream_malformed");
}

// One reflection stream: questions and answers in turn.
class Conversation {
 public:
  Conversation(std::unique_ptr<net::ClientExchange> exchange, Deadline deadline)
      : exchange_(std::move(exchange)),
        late_([](void* self) { static_cast<Conversation*>(self)->exchange_->reset(net::Reset::cancel); }, this),
        deadline_(deadline) {
    late_.set(Shard::current().timers(), deadline);
  }

  // The answer's wire bytes. Errors: the upstream's status.
  Task<Result<std::string>> ask(std::uint32_t field, std::string_view what) {
    std::string request;
    contract::append_record(request, field, what);
    exchange_->request_body().push(wire::grpc_frame(0, request));
    for (;;) {
      auto frame = decoder_.next();
      if (!frame) co_return fail(malformed(frame.error().message()));
      if (*frame) {
        if ((*frame)->flags != 0) co_return fail(malformed("a compressed answer"));
        co_return std::string((*frame)->payload.view());
      }
      Result<std::optional<Bytes>> chunk = co_await read();
      if (!chunk) co_return fail(with_deadline(std::move(chunk).error()));
      decoder_.feed(std::move(**chunk));
    }
  }

 private:
  Task<Result<std::optional<Bytes>>> read() {
    if (head_ == nullptr) {
      const auto head = co_await exchange_->head();
      if (!head) co_return fail(head.error());
      head_ = *head;
      if (head_->status != 200) co_return fail(http_response_error(head_->status, head_->fields.get("content-type")));
    }
    Result<std::optional<Bytes>> chunk = co_await exchange_->body().read();
    if (!chunk || *chunk) co_return chunk;
    const bool trailers_only = head_->fields.has("grpc-status");
    Result<void> status = status_of(trailers_only ? head_->fields : exchange_->trailers());
    if (!status) co_return fail(std::move(status).error());
    co_return fail(malformed("the stream ended before the answer"));
  }
  Error with_deadline(Error error) const {
    if (!deadline_.passed(Shard::current().now())) return error;
    return Error(Code::deadline_exceeded, Blame::upstream, "reflection took too long");
  }

  std::unique_ptr<net::ClientExchange> exchange_;
  const net::ResponseHead* head_ = nullptr;
  wire::GrpcFrameDecoder decoder_{max_answer};
  Timer late_;
  Deadline deadline_;
};

Task<Result<std::unique_ptr<Conversation>>> begin(mesh::Cluster& cluster, std::string_view version, Deadline deadline) {
  net::RequestHead head;
  head.method = "POST";
  head.target = fmt::format("/grpc.reflection.{}.ServerReflection/ServerReflectionInfo", version);
  head.fields = {{"content-type", "application/grpc"}, {"te", "trailers"}};
  auto exchange = co_await cluster.open(head, true, deadline);
  if (!exchange) co_return fail(std::move(exchange).error());
  co_return std::make_unique<Conversation>(std::move(*exchange), deadline);
}

// The content of the answer's field `wanted`; an error_response becomes an Error.
Result<std::string_view> answer_of(std::string_view answer, std::uint32_t wanted) {
  contract::WireRecords records(answer);
  while (records.next()) {
    if (records.number == wanted) return records.content;
    if (records.number != answer_error) continue;
    std::string message = "it refused a question";
    contract::WireRecords error(records.content);
    while (error.next()) {
      if (error.number == 2) message = error.content;
    }
    return fail(malformed(message));
  }
  return fail(malformed("an answer without what was asked for"));
}

Task<Result<std::vector<std::string>>> list_services(Conversation& conversation) {
  const Result<std::string> answer = co_await conversation.ask(ask_services, "*");
  if (!answer) co_return fail(answer.error());
  const Result<std::string_view> list = answer_of(*answer, answer_services);
  if (!list) co_return fail(list.error());
  std::vector<std::string> names;
  contract::WireRecords services(*list);
  while (services.next()) {
    contract::WireRecords service(services.content);
    while (service.next()) {
      if (service.number == 1) names.emplace_back(service.content);
    }
  }
  co_return names;
}

// Gathers files until nothing that is imported is missing.
struct FileSet {
  std::set<std::string, std::less<>> known;
  std::vector<std::string> missing;
  std::vector<std::string> files;

  Result<void> add(std::string_view answer) {
    const Result<std::string_view> list = answer_of(answer, answer_files);
    if (!list) return fail(list.error());
    contract::WireRecords descriptors(*list);
    while (descriptors.next()) {
      if (descriptors.number == 1) add_file(descriptors.content);
    }
    if (files.size() > max_files) return fail(malformed("too many files"));
    return {};
  }
  void add_file(std::string_view descriptor) {
    contract::WireRecords fields(descriptor);
    std::string name;
    std::vector<std::string> imports;
    while (fields.next()) {
      if (fields.number == file_name) name = fields.content;
      if (fields.number == file_dependency) imports.emplace_back(fields.content);
    }
    if (!known.insert(name).second) return;
    files.emplace_back(descriptor);
    missing.insert(missing.end(), imports.begin(), imports.end());
  }
  // The next file to ask for, or "".
  std::string next_missing() {
    while (!missing.empty()) {
      std::string name = std::move(missing.back());
      missing.pop_back();
      if (!known.contains(name)) return name;
    }
    return {};
  }
};

Task<Result<Reflected>> reflect(mesh::Cluster& cluster, std::string_view version, bool with_files, Deadline deadline) {
  auto conversation = co_await begin(cluster, version, deadline);
  if (!conversation) co_return fail(std::move(conversation).error());
  Reflected out;
  auto names = co_await list_services(**conversation);
  if (!names) co_return fail(std::move(names).error());
  out.services = std::move(*names);
  if (!with_files) co_return out;
  FileSet set;
  for (const std::string& service : out.services) {
    if (service.starts_with("grpc.")) continue;
    const auto answer = co_await (*conversation)->ask(ask_symbol, service);
    if (!answer) co_return fail(answer.error());
    if (auto added = set.add(*answer); !added) co_return fail(std::move(added).error());
  }
  for (std::string name = set.next_missing(); !name.empty(); name = set.next_missing()) {
    const auto answer = co_await (*conversation)->ask(ask_file, name);
    if (!answer) co_return fail(answer.error());
    if (auto added = set.add(*answer); !added) co_return fail(std::move(added).error());
  }
  out.files = std::move(set.files);
  co_return out;
}

Task<Result<Reflected>> reflect_any(mesh::Cluster& cluster, bool with_files, Deadline deadline) {
  std::optional<Error> last;
  for (const std::string_view version : versions) {
    auto reflected = co_await reflect(cluster, version, with_files, deadline);
    if (reflected || reflected.error().code() != Code::unimplemented) co_return reflected;
    last = std::move(reflected).error();
  }
  co_return fail(Error(Code::unimplemented, Blame::upstream,
                       cluster.name() + " does not answer gRPC reflection: " + last->message())
                     .with_reason("no_reflection"));
}

}  // namespace

Task<Result<std::vector<std::string>>> reflect_services(mesh::Cluster& cluster, Deadline deadline) {
  auto reflected = co_await reflect_any(cluster, false, deadline);
  if (!reflected) co_return fail(std::move(reflected).error());
  co_return std::move(reflected->services);
}

Task<Result<Reflected>> reflect_contract(mesh::Cluster& cluster, Deadline deadline) {
  return reflect_any(cluster, true, deadline);
}

}  // namespace parley::route
