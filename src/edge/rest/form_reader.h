// FormReader: the parts of a multipart/form-data request body, as they arrive, for a rule whose body is a
// google.api.HttpBody.
#pragma once

#include "edge/rest/http_body.h"
#include "edge/rest/plan.h"
#include "net/body_reader.h"
#include "wire/multipart.h"

namespace parley::edge::rest {

class FormReader {
 public:
  // All outlive the reader.
  FormReader(net::BodyReader& body, const RulePlan& plan, std::string_view boundary)
      : body_(body), plan_(plan), parser_(boundary) {}

  // Never need_more; `done` once the body has ended as well. Errors: the parser's and the body's.
  Task<Result<wire::MultipartParser::Event>> next();

  // Whether a part is content for the HttpBody: it is a file, or is named as the rule's body is. Where the HttpBody is
  // the whole message, every part is. Other parts are fields of the request message, as query parameters are.
  bool is_content(const wire::PartHead& head) const;

 private:
  net::BodyReader& body_;
  const RulePlan& plan_;
  wire::MultipartParser parser_;
};

// RFC 7578 section 4.4, and application/octet-stream for files that do not say.
std::string_view part_type(const wire::PartHead& head);

}  // namespace parley::edge::rest
