#include "edge/graphql/page.h"

#include "contract/docs_html.h"
#include "contract/embedded.h"

namespace parley::edge::graphql {

std::string page_html() {
  static const std::string page = contract::inlined_page(contract::embedded_graphiql);
  return page;
}

Fields page_fields() {
  return {
      {"cache-control", "no-cache"},
      {"content-security-policy",
       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src 'self' "
       "data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}};
}

}  // namespace parley::edge::graphql
