// RestCall: one REST request, from its matched rule to its response.
//
// Owned by the edge's task for the exchange, on its shard. One task for the exchange and one for the handler; a client
// stream adds one that reads the request body.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "call/call.h"
#include "call/handler.h"
#include "edge/rest/binder.h"
#include "edge/rest/http_body.h"
#include "edge/rest/plan.h"
#include "edge/rest/reply.h"
#include "edge/rest/reply_format.h"
#include "edge/rest/reply_stream.h"
#include "edge/rest/request_shape.h"
#include "loop/task_group.h"
#include "net/body_reader.h"

namespace parley::edge::rest {

class RestCall {
 public:
  RestCall(net::ServerExchange& exchange, const RestOptions& options, std::shared_ptr<PlanSet> plans,
           const RulePlan& plan, HandlerPtr handler);

  // Answers the exchange. Returns when the handler has returned as well.
  Task<void> run(std::span<const contract::Binding> bindings);

 private:
  Result<void> prepare(std::span<const contract::Binding> bindings);
  // Request messages are made while the handler runs.
  bool streams_in() const { return plan_.method->client_streaming && shape_.form != BodyForm::none; }
  void client_left() { call_.cancel(*exchange_.broken()); }
  Result<void> read_metadata();
  Result<void> read_deadline();

  // Request (rest_request.cc): one message, or a stream of them.
  Task<Result<std::string>> read_message();
  Task<Result<std::string>> form_message();
  Result<std::string> json_message(std::string_view json);
  Result<void> put_update_mask(std::string_view json, std::string& wire) const;
  std::string raw_message(const HttpBodyParts& parts, bool with_bindings) const;
  Task<void> pump();
  Task<Result<void>> pump_json();
  Task<Result<void>> pump_raw();
  Task<Result<void>> pump_form();

  // Reply.
  Task<void> answer_once();
  Task<void> answer_stream();

  net::ServerExchange& exchange_;
  const RestOptions& options_;
  std::shared_ptr<PlanSet> plans_;
  const RulePlan& plan_;
  HandlerPtr handler_;
  Reply reply_;
  Call call_;
  Binder binder_;
  net::BodyReader reader_;
  RequestShape shape_;
  ReplyFormat format_ = ReplyFormat::json;
  TaskGroup tasks_;
};

}  // namespace parley::edge::rest
