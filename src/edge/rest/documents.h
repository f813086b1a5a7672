// Documents: /openapi.json, /asyncapi.json and /docs, made from the contract in force when they are first asked for,
// and kept with their compressed forms until the contract changes. One a shard.
#pragma once

#include <map>
#include <string>

#include "contract/contract.h"
#include "edge/rest/options.h"
#include "net/exchange.h"
#include "wire/compression.h"

namespace parley::edge::rest {

class Documents {
 public:
  explicit Documents(const RestOptions& options) : options_(options) {}

  // Answers a GET or HEAD of one of the documents' paths; false for any other request.
  bool answer(net::ServerExchange& exchange, const contract::ContractPtr& contract);

 private:
  struct Document {
    std::string_view content_type;
    std::map<wire::Encoding, Bytes> forms;  // identity is always there
  };
  Document* find(std::string_view path, const contract::ContractPtr& contract);

  const RestOptions& options_;
  contract::ContractPtr contract_;                     // whose documents are kept
  std::map<std::string, Document, std::less<>> kept_;  // by path
};

}  // namespace parley::edge::rest
