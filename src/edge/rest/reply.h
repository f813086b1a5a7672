// Reply: writes a call's outcome as an HTTP response: heads with metadata, CORS and negotiated compression; whole
// answers and errors.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "call/call.h"
#include "edge/rest/options.h"
#include "edge/rest/problem.h"
#include "net/exchange.h"
#include "wire/compression.h"

namespace parley::edge::rest {

class Reply {
 public:
  // `contract` knows the types of error details; null where there is none yet. All outlive the reply.
  Reply(net::ServerExchange& exchange, const RestOptions& options, const contract::Contract* contract)
      : exchange_(exchange), options_(options), contract_(contract) {}

  bool is_head_request() const { return exchange_.request().method == "HEAD"; }
  net::ServerExchange& exchange() { return exchange_; }
  const RestOptions& options() const { return options_; }

  // Sends everything: head, body, end. `call`, if there is one, gives metadata. Nothing happens once the exchange has
  // responded or broken.
  void whole(int status, std::string_view content_type, Bytes body, const Call* call, const Fields& extra = {});
  void error(const Error& error, const Call* call = nullptr, Fields extra = {});
  // The error's document, in the form the client takes.
  std::string error_document(const Error& error) const;

  // For streams. The coding to use for a body of this type; its head says so.
  wire::Encoding stream_encoding(std::string_view content_type) const;
  void stream_head(std::string_view content_type, wire::Encoding encoding, const Call& call);
  // Ends the response with the call's trailers, where the client asked for trailers.
  void finish(const Call* call);

 private:
  net::ResponseHead head(int status, std::string_view content_type, const Call* call) const;
  void send(net::ResponseHead head);
  bool can_respond() const { return !exchange_.has_responded() && !exchange_.broken(); }

  net::ServerExchange& exchange_;
  const RestOptions& options_;
  const contract::Contract* contract_;
};

// Adds reply metadata: what the header rules let pass, `-bin` values in base64.
void put_metadata(const Fields& metadata, Fields& fields);
// Text and its like; images, archives and unknown bytes are not worth it.
bool is_compressible(std::string_view content_type);

}  // namespace parley::edge::rest
