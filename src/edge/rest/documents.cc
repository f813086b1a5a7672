#include "edge/rest/documents.h"

#include "contract/asyncapi.h"
#include "contract/docs_html.h"
#include "contract/openapi.h"

namespace parley::edge::rest {
namespace {

constexpr wire::Encoding offered[] = {wire::Encoding::br, wire::Encoding::zstd, wire::Encoding::gzip};

struct Kind {
  std::string_view path;
  std::string_view content_type;
  std::string (*make)(const contract::Contract& contract);
};
constexpr Kind kinds[] = {
    {"/openapi.json", "application/json", [](const contract::Contract& c) { return contract::openapi_json(c); }},
    {"/asyncapi.json", "application/json", [](const contract::Contract& c) { return contract::asyncapi_json(c); }},
    {"/docs", "text/html; charset=utf-8", [](const contract::Contract&) { return contract::docs_html(); }},
};

// The page holds its own style and script, and asks for nothing but what this origin has.
constexpr std::string_view page_policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src 'self' "
    "data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace

Documents::Document* Documents::find(std::string_view path, const contract::ContractPtr& contract) {
  if (contract_ != contract) {
    kept_.clear();
    contract_ = contract;
  }
  if (const auto known = kept_.find(path); known != kept_.end()) return &known->second;
  for (const Kind& kind : kinds) {
    if (kind.path != path) continue;
    Document& document = kept_[std::string(path)];
    document.content_type = kind.content_type;
    document.forms.emplace(wire::Encoding::identity, Bytes(kind.make(*contract)));
    return &document;
  }
  return nullptr;
}

bool Documents::answer(net::ServerExchange& exchange, const contract::ContractPtr& contract) {
  const net::RequestHead& request = exchange.request();
  if (request.method != "GET" && request.method != "HEAD") return false;
  Document* document = find(request.path(), contract);
  if (document == nullptr) return false;
  const wire::Encoding encoding = wire::negotiate(request.fields.get("accept-encoding"), offered);
  auto form = document->forms.find(encoding);
  if (form == document->forms.end()) {
    std::string packed;
    wire::compress(encoding, document->forms[wire::Encoding::identity].view(), packed);
    form = document->forms.emplace(encoding, Bytes(std::move(packed))).first;
  }
  net::ResponseHead head{.status = 200, .fields = {}};
  head.fields.add("content-type", document->content_type);
  head.fields.add("content-length", std::to_string(form->second.size()));
  head.fields.add("cache-control", "no-cache");  // a reload may change it at any time
  head.fields.add("vary", "accept-encoding");
  if (document->content_type.starts_with("text/html")) head.fields.add("content-security-policy", page_policy);
  if (encoding != wire::Encoding::identity) head.fields.add("content-encoding", wire::name(encoding));
  if (options_.cors) options_.cors->permit(request, head.fields);
  exchange.respond(std::move(head));
  if (request.method == "GET") exchange.response_body().push(form->second);
  exchange.finish();
  return true;
}

}  // namespace parley::edge::rest
