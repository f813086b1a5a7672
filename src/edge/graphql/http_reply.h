// HttpReply: a GraphQL response as an HTTP response: negotiated compression, CORS, metadata.
#pragma once

#include <string>
#include <string_view>

#include "edge/graphql/media.h"
#include "edge/graphql/options.h"
#include "graphql/error.h"
#include "net/exchange.h"

namespace parley::edge::graphql {

// A request that becomes no operation, whatever it asks for.
struct HttpRefusal {
  int status;  // 0: as the media type has it
  std::string_view reason;
  std::string_view message;
  Field extra{};  // Allow, Accept-Post; none if its name is empty
};

class HttpReply {
 public:
  // Both outlive the reply.
  HttpReply(net::ServerExchange& exchange, const GraphqlOptions& options) : exchange_(exchange), options_(options) {}

  // Head, body and end. Nothing happens once the exchange has responded or broken.
  void whole(int status, std::string_view content_type, std::string body, const Fields& extra = {});
  // Nothing was executed: `{"errors":[…]}`, with the status the media type asks for, unless `status` says one.
  void refuse(Media media, const std::vector<parley::graphql::GraphqlError>& errors, int status = 0,
              const Fields& extra = {});
  // The head of a body that is written piece by piece.
  void open(int status, std::string_view content_type, const Fields& extra = {});

 private:
  net::ResponseHead head(int status, std::string_view content_type, const Fields& extra) const;
  void respond(net::ResponseHead head);

  net::ServerExchange& exchange_;
  const GraphqlOptions& options_;
};

// The whole body, decompressed. Errors: unimplemented ("unsupported_encoding": 415), resource_exhausted
// ("message_too_large": 413), invalid_argument for malformed compression, the exchange's own.
Task<Result<Bytes>> read_body(net::ServerExchange& exchange, std::size_t max_bytes);

}  // namespace parley::edge::graphql
